"""Names inside archives: made relative and clean, or refused.

In:  names and link targets as an archive has them (bytes).
Out: clean relative names without ``.``, ``..``, empty components or slashes at the ends; ``b""``
     is the root.

Absolute names are taken relative to the root, as containerd does. ``..`` is resolved in the text,
and refused where it leaves the root.

Security: the result can be walked component by component, and nothing of it leaves the root
unless a component is a symbolic link, which the walker looks after.
"""

from __future__ import annotations

from jettison.errors import UnsafeArchiveError
from jettison.fs.overlay_form import OPAQUE_MARKER, WHITEOUT_META_PREFIX, WHITEOUT_PREFIX
from jettison.layer.header import show

MAX_PATH_BYTES = 4096
MAX_NAME_BYTES = 255

WHITEOUT = WHITEOUT_PREFIX.encode()
WHITEOUT_META = WHITEOUT_META_PREFIX.encode()
OPAQUE = OPAQUE_MARKER.encode()


def clean_name(name: bytes) -> bytes:
    """Return a clean relative name.

    >>> clean_name(b"/usr//bin/./sh"), clean_name(b"./"), clean_name(b"a/../b/")
    (b'usr/bin/sh', b'', b'b')

    Raises:
        UnsafeArchiveError: it leaves the root, is too long or has a NUL.
    """
    parts = name.split(b"/")
    if b"" in parts or b"." in parts or b".." in parts:
        kept: list[bytes] = []
        for part in parts:
            if part == b"..":
                if not kept:
                    raise _unsafe(name, "leaves the root of the archive")
                kept.pop()
            elif part not in {b"", b"."}:
                kept.append(part)
        parts = kept
        cleaned = b"/".join(kept)
    else:
        cleaned = name
    if len(cleaned) > MAX_NAME_BYTES and (
        len(cleaned) >= MAX_PATH_BYTES or max(map(len, parts)) > MAX_NAME_BYTES
    ):
        raise _unsafe(name, "is longer than Linux allows")
    if b"\0" in cleaned:
        raise _unsafe(name, "has a NUL character")
    return cleaned


def check_link(name: bytes, target: bytes) -> None:
    """Refuse targets that no symbolic link can have.

    Raises:
        UnsafeArchiveError: the target is empty, too long or has a NUL.
    """
    if not target or len(target) >= MAX_PATH_BYTES or b"\0" in target:
        raise _unsafe(name, "is a symbolic link to an impossible target")


def split(name: bytes) -> tuple[bytes, bytes]:
    """Return (directory, last component) of a clean name."""
    directory, _, base = name.rpartition(b"/")
    return directory, base


def join(directory: bytes, base: bytes) -> bytes:
    """Return the clean name of a component in a directory; ``b""`` is the root."""
    return directory + b"/" + base if directory else base


def _unsafe(name: bytes, what: str) -> UnsafeArchiveError:
    return UnsafeArchiveError(
        f"`{show(name)}` {what}",
        hint="do not use this archive unless you know who made it",
    )


def hidden_name(base: bytes) -> bytes:
    """Return the name that a whiteout hides.

    Raises:
        UnsafeArchiveError: it would hide the directory itself or its parent.
    """
    hidden = base[len(WHITEOUT) :]
    if hidden in {b"", b".", b".."}:
        raise _unsafe(base, "is a whiteout of no name")
    return hidden
