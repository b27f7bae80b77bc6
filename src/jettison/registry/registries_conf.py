"""``registries.conf``: mirrors, other places, insecure and blocked registries.

In:  the files that podman, buildah and skopeo read.
Out: rules, one for each prefix of names.

``CONTAINERS_REGISTRIES_CONF`` names the file, else it is the user's
(``~/.config/containers/registries.conf``), else ``/etc/containers/registries.conf``. Drop-ins
(``registries.conf.d/*.conf``) count beside it, by name, the user's last; beside a file of the
user's only the user's. Names without a registry are docker.io's whatever these files say, since
Dockerfiles mean that.

Source: containers-registries.conf(5), containers-registries.conf.d(5), and what
containers/image makes of version 1.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import msgspec

from jettison.errors import UsageError

VARIABLE = "CONTAINERS_REGISTRIES_CONF"
_SYSTEM = Path("/etc/containers")
_NAME = "registries.conf"
_MAX_BYTES = 4 << 20


class MirrorRule(msgspec.Struct, frozen=True, rename="kebab"):
    """A ``[[registry.mirror]]``; ``pull_from_mirror`` says which references it is asked for."""

    location: str
    insecure: bool = False
    pull_from_mirror: Literal["all", "digest-only", "tag-only"] = "all"

    def serves(self, *, by_digest: bool) -> bool:
        """Tell whether it is asked for references with a digest, or for those with a tag."""
        return self.pull_from_mirror in {"all", "digest-only" if by_digest else "tag-only"}


class RegistryRule(msgspec.Struct, frozen=True, rename="kebab"):
    """A ``[[registry]]``: what the names that start with ``prefix`` mean."""

    prefix: str = ""
    location: str = ""
    insecure: bool = False
    blocked: bool = False
    mirror_by_digest_only: bool = False
    mirror: tuple[MirrorRule, ...] = ()

    @property
    def covers(self) -> str:
        """The prefix; without one it is the location."""
        return self.prefix or self.location

    def matched(self, name: str) -> str | None:
        """Return the part of ``registry/repository`` that the prefix covers, or None.

        >>> RegistryRule(prefix="*.corp.example").matched("a.corp.example:5000/x")
        'a.corp.example'
        """
        prefix = self.covers
        if prefix.startswith("*."):
            at = name.find(prefix[1:])
            if at <= 0 or "/" in name[:at]:
                return None
            prefix = name[: at + len(prefix) - 1]
        if prefix and (name == prefix or name.startswith((prefix + "/", prefix + ":"))):
            return prefix
        return None

    def mirrors(self, *, by_digest: bool) -> Iterator[MirrorRule]:
        """Yield the mirrors that are asked for references with a digest, or with a tag."""
        for each in self.mirror:
            if each.serves(by_digest=by_digest) and (by_digest or not self.mirror_by_digest_only):
                yield each


class _Names(msgspec.Struct, frozen=True):
    registries: tuple[str, ...] = ()


class _Version1(msgspec.Struct, frozen=True):
    insecure: _Names = _Names()
    block: _Names = _Names()


class _RegistriesConf(msgspec.Struct, frozen=True):
    registry: tuple[RegistryRule, ...] = ()
    registries: _Version1 = _Version1()

    def rules(self) -> Iterator[RegistryRule]:
        yield from self.registry
        insecure, blocked = self.registries.insecure.registries, self.registries.block.registries
        for name in dict.fromkeys((*insecure, *blocked)):
            yield RegistryRule(location=name, insecure=name in insecure, blocked=name in blocked)


def read_rules(environ: Mapping[str, str]) -> tuple[RegistryRule, ...]:
    """Return the rules of the files that count for a user.

    Raises:
        UsageError: one cannot be read, or is none.
    """
    rules: dict[str, RegistryRule] = {}
    for path in _files(environ):
        for rule in _read(path):
            rules[rule.covers] = rule
    return tuple(rules.values())


def _files(environ: Mapping[str, str]) -> Iterator[Path]:
    """Yield the files that exist or should; a later one has the last word on a prefix."""
    home = environ.get("HOME")
    base = environ.get("XDG_CONFIG_HOME") or (os.path.join(home, ".config") if home else "")
    user = Path(base) / "containers" if base else None
    own = user is not None and (user / _NAME).exists()
    if named := environ.get(VARIABLE):
        yield Path(named)
    elif own and user is not None:
        yield user / _NAME
    elif (_SYSTEM / _NAME).exists():
        yield _SYSTEM / _NAME
    directories = [] if own and not named else [_SYSTEM]
    for directory in (*directories, *([user] if user is not None else [])):
        yield from sorted((directory / f"{_NAME}.d").glob("*.conf"))


def _read(path: Path) -> Iterator[RegistryRule]:
    try:
        if not path.is_file() and path.exists():
            raise UsageError(f"`{path}` is no regular file")
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES)
    except OSError as error:
        raise UsageError(
            f"cannot read `{path}`: {error.strerror}",
            hint=f"`{VARIABLE}` names it; unset it or fix the path" if not path.exists() else None,
        ) from error
    import tomllib  # most people have no such file

    try:
        found = msgspec.convert(tomllib.loads(data.decode()), _RegistriesConf)
    except (
        tomllib.TOMLDecodeError,
        UnicodeDecodeError,
        RecursionError,
        msgspec.ValidationError,
    ) as error:
        raise UsageError(f"`{path}` is not a registries.conf: {error}") from error
    for rule in found.rules():
        if not rule.location and not rule.prefix.startswith("*."):
            raise UsageError(
                f"`{path}`: a [[registry]] has no `location`",
                hint="only one whose `prefix` begins with `*.` may go without",
            )
        yield rule
