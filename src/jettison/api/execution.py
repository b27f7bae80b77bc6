"""What processes in containers get besides what the image says: names, proxies, CA bundle, secrets.

In:  a session, a request, a plan.
Out: ``ExecOptions`` for RUN steps; the same pieces for ``run``.

Security: nothing of this is in a key, a layer or a config.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from jettison.api.agent import agents
from jettison.api.request import BuildRequest, SecretRequest
from jettison.api.session import Session
from jettison.container.ca import HOST, authorities, find_bundle, proxies
from jettison.container.names import make_hosts, make_resolv_conf
from jettison.errors import UsageError
from jettison.oci.redact import passwords
from jettison.sandbox.spec import (
    DEFAULT_CAPABILITIES,
    ContainerLimits,
    Mount,
    NetworkMode,
    Security,
)
from jettison.solver.drivers import ExecOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jettison.api.network import Link
    from jettison.container.cdi.registry import HostDevice

_MAX_SECRET_BYTES = 500 << 10


class CaFiles(msgspec.Struct, frozen=True):
    """The CA bundle in a container: its mount, and variables that point at it."""

    mounts: tuple[Mount, ...] = ()
    env: tuple[str, ...] = ()


class ContainerFiles(msgspec.Struct, frozen=True):
    """Files that a container gets in place of the image's."""

    hosts: bytes
    resolv_conf: bytes


def exec_options(
    session: Session,
    request: BuildRequest,
    proxy_env: tuple[str, ...],
    resources: ExitStack,
    devices: Mapping[str, tuple[HostDevice, ...]] = {},
) -> ExecOptions:
    """Return what RUN steps get.

    Args:
        session: The store and the environment.
        request: The build.
        proxy_env: Proxies that build arguments name, ``NAME=value``.
        resources: Holds what must be there until the last step has ended.
        devices: What steps get for the devices that they ask for.

    Raises:
        UsageError: a secret, an agent or the CA bundle cannot be found; an option of security is
            unknown.
    """
    ca = ca_files(session, guess=True)
    secured = Security()
    if request.security_opts:
        from jettison.api.container import security

        secured = security(request.security_opts, DEFAULT_CAPABILITIES)
    given = {entry.partition("=")[0] for entry in proxy_env}
    inherited = (f"{n}={v}" for n, v in proxies(session.environ).items() if n not in given)
    env = (*proxy_env, *inherited)
    environ = session.environ
    unset = {each.id: each.env for each in request.secrets if is_unset(each, environ)}
    values = {
        each.id: b"" if each.id in unset else secret_value(session, each)
        for each in request.secrets
    }
    return ExecOptions(
        cache_mounts=session.cache_mounts,
        discard=session.store.trash,
        hosts=make_hosts,
        resolv_conf=lambda: make_resolv_conf(host_network=True),
        env=env,
        forced_env=ca.env,
        mounts=ca.mounts,
        secrets=values,
        unset_secrets=unset,
        passwords=passwords_in(env),
        secrets_in_layers=request.secrets_in_layers,
        ssh=agents(request.ssh, session.environ, resources),
        limits=ContainerLimits(**msgspec.structs.asdict(request.resources)),
        security=secured,
        devices=devices,
        failed=session.store.failed,
        timeout_seconds=request.step_timeout_seconds,
        log_bytes=request.step_log_bytes,
        trace_inputs=request.trace_inputs,
        restore_mount=None if session.caches is None else session.caches.restore_mount,
    )


def ca_files(session: Session, *, guess: bool = False) -> CaFiles:
    """Return the CA bundle that the settings ask for.

    Args:
        session: Has the setting and the environment.
        guess: Without the setting, take the host's bundle where ``SSL_CERT_FILE`` names one:
            who needs it for their own programs needs it in RUN steps.

    Raises:
        UsageError: there is no such file.
    """
    wanted = session.settings.ca_bundle
    if guess and not wanted and session.environ.get("SSL_CERT_FILE"):
        wanted = HOST if find_bundle(session.environ) is not None else ""
    found = authorities(wanted, session.environ)
    return CaFiles() if found is None else CaFiles((found.mount,), found.env)


def container_files(hostname: str, extra_hosts: tuple[str, ...], link: Link) -> ContainerFiles:
    """Return the names that a container knows."""
    shared = link.mode in {NetworkMode.SHARED, NetworkMode.HOST}
    return ContainerFiles(
        make_hosts(hostname, extra_hosts, gateway=link.gateway),
        make_resolv_conf(host_network=shared, forwarder=link.nameserver),
    )


def is_unset(secret: SecretRequest, environ: Mapping[str, str]) -> bool:
    """Tell whether a secret is to come from a variable that is not set: steps get an empty one."""
    return bool(secret.env) and secret.env not in environ


def secret_value(session: Session, secret: SecretRequest) -> bytes:
    """Return the bytes of a secret: of a file or a variable, whatever is named.

    A pipe, such as that of a shell's ``<(…)``, gives them once: the session has them then.

    Raises:
        UsageError: there is none, or it is too large. The message never holds it.
    """
    environ = session.environ
    if secret.env or (not secret.source and secret.id in environ):
        name = secret.env or secret.id
        if name not in environ:
            raise UsageError(f"secret `{secret.id}`: the variable `{name}` is not set")
        return os.fsencode(environ[name])
    path = Path(secret.source or secret.id)
    if path in session.from_pipes:
        return session.from_pipes[path]
    try:
        with path.open("rb") as file:
            value = file.read(_MAX_SECRET_BYTES + 1)
            is_pipe = not stat.S_ISREG(os.fstat(file.fileno()).st_mode)
    except OSError as error:
        raise UsageError(
            f"secret `{secret.id}`: cannot read `{path}`: {error.strerror}",
            hint="write --secret id=ID,src=FILE or id=ID,env=NAME",
        ) from error
    if len(value) > _MAX_SECRET_BYTES:
        raise UsageError(f"secret `{secret.id}` is larger than {_MAX_SECRET_BYTES} bytes")
    if is_pipe:
        session.from_pipes[path] = value
    return value


def passwords_in(variables: Iterable[str]) -> dict[str, bytes]:
    """Return the passwords of the URLs in ``NAME=value`` texts, by name of the variable.

    >>> passwords_in(["HTTP_PROXY=http://me:s%40cret@proxy:3128"])
    {'HTTP_PROXY': b's@cret', 'HTTP_PROXY (as written)': b's%40cret'}
    """
    found: dict[str, bytes] = {}
    for entry in variables:
        name, _, value = entry.partition("=")
        for plain, written in passwords(value):
            found[name] = plain.encode()
            if written != plain:
                found[f"{name} (as written)"] = written.encode()
    return found
