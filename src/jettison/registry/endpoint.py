"""Where a repository really is: docker.io's host, mirrors, rewritten and insecure registries.

In:  references, ``Settings``, rules of ``registries.conf``.
Out: ``Endpoint`` values in the order in which they are asked.

Source: containers-registries.conf(5); docker's defaults.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from jettison.errors import RegistryError
from jettison.oci.redact import redacted
from jettison.oci.reference import DEFAULT_REGISTRY, Reference
from jettison.oci.url import Url, UrlError
from jettison.registry.registries_conf import RegistryRule, read_rules
from jettison.settings import Settings

DOCKER_HOST = "registry-1.docker.io"
"""The host that serves ``docker.io``."""


class Endpoint(msgspec.Struct, frozen=True):
    """A repository at a host.

    Args:
        host: ``name[:port]`` that is connected to.
        repository: Name of the repository there.
        registry: The registry under the name that credentials are kept for.
        insecure: Plain http is allowed and certificates are not checked.
        scheme: ``https`` or ``http`` when a mirror's URL said so, else empty.
    """

    host: str
    repository: str
    registry: str
    insecure: bool = False
    scheme: str = ""

    def url(self, scheme: str, path: str = "") -> Url:
        """Return the URL of a path below ``/v2/`` there.

        Raises:
            RegistryError: the host is none.
        """
        try:
            return Url.parse(f"{scheme}://{self.host}/v2/{path}")
        except UrlError as error:
            raise RegistryError(
                f"`{redacted('://' + self.host)[3:]}` is no host of a registry: {error}",
                hint="write `host[:port]` in the reference, in mirrors and in registries.conf",
            ) from None

    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine."""
        return self.url(self.scheme or "https").is_loopback


def is_unchecked(endpoint: Endpoint, url: Url, insecure: Collection[str]) -> bool:
    """Tell whether TLS checks are off for a URL that an endpoint names.

    That a registry may be spoken to without checks says nothing of other hosts: those must have
    been named by the user, too. Only a registry of this machine may name others of it.

    Args:
        endpoint: Who names it.
        url: A token server, or where an upload goes on.
        insecure: Hosts (``host[:port]``) that the user named.
    """
    if url.authority in insecure or url.host in insecure:
        return True
    same = url.host == endpoint.url(url.scheme).host
    return (endpoint.insecure and same) or (url.is_loopback and endpoint.is_loopback)


class RegistryHosts(msgspec.Struct, frozen=True):
    """Everything that is configured about hosts.

    Args:
        insecure: Registries (``host[:port]``) without TLS checks.
        mirrors: Mirrors of docker.io: ``host[:port][/prefix]`` or a URL; of another registry with
            its name in front: ``ghcr.io=mirror.example/ghcr``.
        rules: Of ``registries.conf``.
    """

    insecure: frozenset[str] = frozenset()
    mirrors: tuple[str, ...] = ()
    rules: tuple[RegistryRule, ...] = ()

    def endpoints(self, reference: Reference, *, push: bool = False) -> tuple[Endpoint, ...]:
        """Return where to ask for a repository, mirrors first; only its own host for a push.

        Raises:
            RegistryError: the configuration blocks the registry.
        """
        rule = self._rule(reference.name)
        found: list[Endpoint] = []
        location, insecure = reference.name, False
        if rule is not None:
            if rule.blocked:
                raise RegistryError(
                    f"registry `{reference.registry}` is blocked by registries.conf"
                )
            rest = reference.name[len(rule.matched(reference.name) or "") :]
            insecure = rule.insecure
            if rule.location:
                location = rule.location + rest
            by_digest = reference.digest is not None
            found += [
                self._endpoint(m.location + rest, "", m.insecure)
                for m in rule.mirrors(by_digest=by_digest)
            ]
        for text in self.mirrors:
            origin, _, place = text.rpartition("=")
            if (origin or DEFAULT_REGISTRY) == reference.registry:
                found.append(self._endpoint(f"{place}/{reference.repository}", "", False))
        own = self._endpoint(location, reference.registry, insecure)
        return (own,) if push else (*found, own)

    def endpoint(self, registry: str) -> Endpoint:
        """Return a registry itself, without a repository."""
        return self._endpoint(f"{registry}/", registry, False)

    def _rule(self, name: str) -> RegistryRule | None:
        matching = [rule for rule in self.rules if rule.matched(name) is not None]
        return max(matching, key=lambda rule: len(rule.covers), default=None)

    def _endpoint(self, location: str, registry: str, insecure: bool) -> Endpoint:
        scheme, separator, rest = location.partition("://")
        host, _, repository = (rest if separator else location).partition("/")
        endpoint = Endpoint(
            host=DOCKER_HOST if host == DEFAULT_REGISTRY else host,
            repository=repository.strip("/"),
            registry=registry or host,
            scheme=scheme.lower() if separator else "",
        )
        insecure = (
            insecure or host in self.insecure or registry in self.insecure or endpoint.is_loopback
        )
        return msgspec.structs.replace(endpoint, insecure=insecure)


def registry_hosts(settings: Settings, environ: Mapping[str, str]) -> RegistryHosts:
    """Return what the settings and ``registries.conf`` say.

    Raises:
        UsageError: a ``registries.conf`` cannot be read.
    """
    return RegistryHosts(
        insecure=frozenset(settings.insecure_registries),
        mirrors=settings.registry_mirrors,
        rules=read_rules(environ),
    )


def pull_scope(endpoint: Endpoint) -> tuple[str, ...]:
    """Return the scopes of reading a repository."""
    return (f"repository:{endpoint.repository}:pull",)
