"""``os-release``: which distribution a root file system is.

In:  a root file system.
Out: ``OsRelease``.

Source: os-release(5).
"""

from __future__ import annotations

import re

import msgspec

from jettison.analysis.rootfs import Rootfs

_PATHS = ("/etc/os-release", "/usr/lib/os-release")
_MAX_BYTES = 64 << 10
_ID = re.compile(r"[a-z0-9._-]{1,64}")
_VERSION = re.compile(r"[A-Za-z0-9._~+-]{1,64}")


class OsRelease(msgspec.Struct, frozen=True):
    """A distribution.

    Args:
        id: ``debian``, ``alpine``, …; empty if it is not known.
        version_id: ``12``; empty if there is none, as of rolling ones.
        name: For people.
        id_like: IDs of distributions that it is made from, the nearest first.
    """

    id: str = ""
    version_id: str = ""
    name: str = ""
    id_like: tuple[str, ...] = ()


def os_release(root: Rootfs) -> OsRelease:
    """Return which distribution it is; what is no proper value is left out."""
    for path in _PATHS:
        data = root.files.read(path, _MAX_BYTES)
        if data is not None:
            return _parsed(data.decode("utf-8", "replace"))
    return OsRelease()


def _parsed(text: str) -> OsRelease:
    known: dict[str, str] = {}
    for line in text.splitlines():
        key, equals, value = line.strip().partition("=")
        if equals and not key.startswith("#"):
            known[key] = re.sub(r"\\([\"'$`\\])", r"\1", value.strip().strip("\"'"))
    name = known.get("PRETTY_NAME") or known.get("NAME", "")
    return OsRelease(
        id=_proper(_ID, known.get("ID", "")),
        version_id=_proper(_VERSION, known.get("VERSION_ID", "")),
        name=name if name.isprintable() and len(name) <= 200 else "",
        id_like=tuple(filter(_ID.fullmatch, known.get("ID_LIKE", "").split())),
    )


def _proper(pattern: re.Pattern[str], value: str) -> str:
    return value if pattern.fullmatch(value) else ""
