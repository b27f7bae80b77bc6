"""Mounts of RUN: the comma-separated options of ``--mount``.

In:  raw text of one ``--mount``, and a function that expands values.
Out: ``MountSpec``, checked; what ``from`` and relative targets mean is the caller's business.

All values but that of ``from`` are expanded. Options are read in order, so ``required`` and
``size`` must come after ``type``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import msgspec

from jettison.errors import DockerfileSyntaxError
from jettison.frontend.dockerfile.text import did_you_mean, parse_bool, quote
from jettison.plan.op import MountType, Sharing

_TYPES = ("bind", "cache", "tmpfs", "secret", "ssh")
KEYS = (
    *("type", "from", "source", "target", "readonly", "id", "sharing", "required", "size", "mode"),
    *("uid", "gid", "src", "dst", "destination", "ro", "rw", "readwrite", "env"),
)
"""The names of all options."""

_SIZE = r"([0-9]{1,18}(?:\.[0-9]{1,9})?) ?([kmgtp]?)i?b?"
_UNITS = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40, "p": 50}
_MAX_UINT32 = 2**32 - 1
_MAX_INT64 = 2**63 - 1
_PERMISSIONS = 0o777
_WITH_OWNER = frozenset({MountType.CACHE, MountType.SECRET, MountType.SSH})
_WITH_REQUIRED = frozenset({MountType.SECRET, MountType.SSH})


class MountSpec(msgspec.Struct, frozen=True):
    """One ``--mount`` with its values expanded; what was not given is empty or None.

    ``target`` and ``source`` are as written. ``readonly`` has its type's default applied.
    ``env`` is None when not given. ``size_bytes`` of 0 is no limit.
    """

    type: MountType = MountType.BIND
    from_name: str = ""
    source: str = ""
    target: str = ""
    readonly: bool = True
    id: str = ""
    sharing: Sharing | None = None
    required: bool = False
    size_bytes: int = 0
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None
    env: str | None = None


def split_csv(text: str, what: str = "mounts") -> list[str]:
    """Return the fields of one line of comma-separated values (RFC 4180).

    Args:
        text: The line.
        what: What they are, for errors.

    Raises:
        DockerfileSyntaxError: A quote is where none may be, or is not closed.

    >>> split_csv('type=bind,"source=a,b",ro')
    ['type=bind', 'source=a,b', 'ro']
    """
    if '"' not in text:
        return text.split(",")
    fields: list[str] = []
    pos = 0
    while True:
        if text.startswith('"', pos):
            field, pos = _quoted_field(text, pos, what)
        else:
            end = text.find(",", pos)
            end = len(text) if end < 0 else end
            field, pos = text[pos:end], end
            if '"' in field:
                raise DockerfileSyntaxError(f'failed to parse csv {what}: bare " in {quote(field)}')
        fields.append(field)
        if pos >= len(text):
            return fields
        pos += 1


def _quoted_field(text: str, pos: int, what: str) -> tuple[str, int]:
    match = re.match(r'"((?:[^"]|"")*)"(?=,|$)', text[pos:])
    if match is None:
        raise DockerfileSyntaxError(
            f'failed to parse csv {what}: extraneous or missing " in {quote(text)}'
        )
    return match[1].replace('""', '"'), pos + match.end()


def mount_from(text: str) -> str | None:
    """Return the ``from`` of a mount, None without one; the last one counts.

    Raises:
        DockerfileSyntaxError: It names a variable, or the fields cannot be split.
    """
    name = ""
    for field in split_csv(text):
        key, equals, value = field.partition("=")
        if equals and key.lower() == "from":
            if re.search(r"\$.", value):
                raise DockerfileSyntaxError(
                    "'from' doesn't support variable expansion, define alias stage instead",
                    hint="add a stage `FROM <image> AS <name>` and mount from its name",
                )
            name = value
    return name or None


def check_mount(text: str) -> None:
    """Check what can be checked before variables are known.

    Raises:
        DockerfileSyntaxError: As ``mount_from``.
    """
    mount_from(text)


def parse_mount(text: str, expand: Callable[[str], str]) -> MountSpec:
    """Return the mount that an option text describes.

    Args:
        text: Raw text of one ``--mount``.
        expand: Expands a value; its errors pass through.

    Raises:
        DockerfileSyntaxError: A key or value is wrong, or options contradict each other.

    >>> parse_mount("type=cache,target=/c,sharing=locked", str).sharing
    <Sharing.LOCKED: 'locked'>
    """
    reader = _Reader()
    for field in split_csv(text):
        key, equals, value = field.partition("=")
        key = key.lower()
        if not equals:
            reader.flag(key, field)
        elif key == "from":
            reader.from_name = value
        else:
            reader.option(key, field, expand(value))
    return reader.spec()


class _Reader:
    """The options read so far."""

    def __init__(self) -> None:
        self.type = MountType.BIND
        self.from_name = ""
        self.source = ""
        self.target = ""
        self.readonly: bool | None = None
        self.id = ""
        self.sharing: Sharing | None = None
        self.required = False
        self.size = 0
        self.mode: int | None = None
        self.uid: int | None = None
        self.gid: int | None = None
        self.env: str | None = None

    def flag(self, key: str, field: str) -> None:
        """Take an option without a value."""
        if key in {"readonly", "ro"}:
            self.readonly = True
        elif key in {"readwrite", "rw"}:
            self.readonly = False
        elif key == "required":
            self._allowed(key, _WITH_REQUIRED)
            self.required = True
        else:
            raise DockerfileSyntaxError(f"invalid field '{field}' must be a key=value pair")

    def option(self, key: str, field: str, value: str) -> None:
        """Take an option with its expanded value."""
        if key == "type":
            self.type = _mount_type(value)
        elif key in {"source", "src"}:
            self.source = value
        elif key in {"target", "dst", "destination"}:
            self.target = value
        elif key in {"id", "env"}:
            setattr(self, key, value)
        elif key in {"readonly", "ro"}:
            self.readonly = _boolean(key, value)
        elif key in {"readwrite", "rw"}:
            self.readonly = not _boolean(key, value)
        elif key == "sharing":
            self.sharing = _sharing(value)
        elif key == "mode":
            self.mode = _number(key, value, 8) & _PERMISSIONS  # BuildKit drops the rest, too
        elif key in {"uid", "gid"}:
            setattr(self, key, _number(key, value, 10))
        elif key == "required":
            self._allowed(key, _WITH_REQUIRED)
            self.required = _boolean(key, value)
        elif key == "size":
            self._allowed(key, {MountType.TMPFS})
            self.size = _bytes(key, value)
        else:
            suggestion = did_you_mean(key, KEYS)
            raise DockerfileSyntaxError(f"unexpected key '{key}' in '{field}'{suggestion}")

    def _allowed(self, key: str, types: set[MountType] | frozenset[MountType]) -> None:
        if self.type not in types:
            raise DockerfileSyntaxError(
                f"unexpected key '{key}' for mount type '{self.type.value}'",
                hint=f"write `type=` before `{key}`",
            )

    def spec(self) -> MountSpec:
        """Check the options against each other and return them."""
        if self.type not in _WITH_OWNER:
            for key, value in (("mode", self.mode), ("uid", self.uid), ("gid", self.gid)):
                if value is not None:
                    raise DockerfileSyntaxError(
                        f'{key} not allowed for "{self.type.value}" type mounts'
                    )
        if self.type is MountType.SECRET:
            self._check_secret()
        if self.sharing is not None and self.type is not MountType.CACHE:
            raise DockerfileSyntaxError(f"invalid cache sharing set for {self.type.value} mount")
        if self.type is MountType.SSH and self.source:
            raise DockerfileSyntaxError("ssh does not support source")
        writable = self.type in {MountType.CACHE, MountType.TMPFS}
        return MountSpec(
            type=self.type,
            from_name=self.from_name,
            source=self.source,
            target=self.target,
            readonly=(not writable) if self.readonly is None else self.readonly,
            id=self.id,
            sharing=self.sharing,
            required=self.required,
            size_bytes=self.size,
            mode=self.mode,
            uid=self.uid,
            gid=self.gid,
            env=self.env,
        )

    def _check_secret(self) -> None:
        if self.from_name:
            raise DockerfileSyntaxError("secret mount should not have a from")
        if self.sharing is not None:
            raise DockerfileSyntaxError("secret mount should not define sharing")
        if not (self.source or self.target or self.id):
            raise DockerfileSyntaxError("invalid secret mount. one of source, target required")
        if self.source and self.id:
            raise DockerfileSyntaxError("both source and id can't be set")


def _mount_type(value: str) -> MountType:
    if value.lower() not in _TYPES:
        raise DockerfileSyntaxError(
            f"unsupported mount type {quote(value)}{did_you_mean(value, _TYPES)}"
        )
    return MountType(value.lower())


def _sharing(value: str) -> Sharing:
    modes: Sequence[str] = [each.value for each in Sharing]
    if value.lower() not in modes:
        raise DockerfileSyntaxError(
            f"unsupported sharing value {quote(value)}{did_you_mean(value, modes)}"
        )
    return Sharing(value.lower())


def _boolean(key: str, value: str) -> bool:
    parsed = parse_bool(value)
    if parsed is None:
        raise DockerfileSyntaxError(f"invalid value for {key}: {value}")
    return parsed


def _number(key: str, value: str, base: int) -> int:
    digits = "[0-7]" if base == 8 else "[0-9]"
    if re.fullmatch(digits + "{1,20}", value) and int(value, base) <= _MAX_UINT32:
        return int(value, base)
    raise DockerfileSyntaxError(f"invalid value {value} for {key}")


def _bytes(key: str, value: str) -> int:
    match = re.fullmatch(_SIZE, value, re.IGNORECASE)
    size = float(match[1]) * 2 ** _UNITS[match[2].lower()] if match is not None else -1
    if not 0 <= size < _MAX_INT64:
        raise DockerfileSyntaxError(f"invalid value for {key}: {value}")
    return int(size)
