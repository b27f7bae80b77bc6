"""What GNU tar finds in the layers of an image: a count that shares no code with ours."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence

from jettison.api.session import Session
from jettison.store.image import StoredImage

_ENTRY = re.compile(r"(\S{10}) (\d+)/(\d+) +(\S+) \S+ \S+ (.*)")

Entry = tuple[str, str, int, str]
"""Type as a letter, path, size, target of a link."""

Layers = Sequence[Sequence[Entry]]


def tar_entries(session: Session, image: StoredImage) -> list[list[Entry]]:
    """Return the entries of each layer, base first."""
    layers = []
    for stored in image.layers:
        blob = session.blobs.blob(stored.layer, "none")
        listed = subprocess.run(
            ["tar", "-tvf", session.store.blobs.path(blob.digest), "--numeric-owner"],
            capture_output=True,
            text=True,
            check=True,
        )
        entries = []
        for line in listed.stdout.splitlines():
            match = _ENTRY.fullmatch(line)
            assert match is not None, line
            kind, size, name = match[1][0], match[4], match[5]
            name, _, link = name.partition(" link to " if kind == "h" else " -> ")
            path = "/" + name.removeprefix("./").strip("/")
            link = "/" + link.removeprefix("./").strip("/")
            entries.append((kind, path, int(size) if size.isdigit() else 0, link))
        layers.append(entries)
    return layers


def seen_entries(layers: Layers) -> dict[str, tuple[int, str, int, str]]:
    """Return what is seen by path, without directories: number of the layer, type, size, link."""
    seen: dict[str, tuple[int, str, int, str]] = {}
    for number, entries in enumerate(layers):
        kinds = {path: kind for kind, path, _, _ in entries}
        replaced = {path for path, kind in kinds.items() if kind != "d"}
        opaque, gone = set(), set()
        for path in replaced:
            parent, _, name = path.rpartition("/")
            if name == ".wh..wh..opq":
                opaque.add(parent)
            elif name.startswith(".wh."):
                gone.add(f"{parent}/{name[4:]}")
        hidden, other = opaque | gone | replaced, gone | set(kinds)
        seen = {
            path: entry
            for path, entry in seen.items()
            if path not in other and not any(up in hidden for up in _above(path))
        }
        for kind, path, size, link in entries:
            if kind != "d" and not path.rpartition("/")[2].startswith(".wh."):
                seen[path] = (number, kind, size, link)
    return seen


def counted(layers: Layers, first: int = 0) -> int:
    """Return the bytes of files that are seen and came with a layer from a number on.

    Each inode counts once.
    """
    sizes = {
        (number, path): size
        for number, entries in enumerate(layers)
        for kind, path, size, _ in entries
        if kind == "-"
    }
    inodes = {
        (number, link if kind == "h" else path)
        for path, (number, kind, _, link) in seen_entries(layers).items()
        if kind in "-h" and number >= first
    }
    return sum(sizes[inode] for inode in inodes)


def _above(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
