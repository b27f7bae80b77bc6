"""``ld.so.conf``: the directories that ``ldconfig`` looks into; loaders themselves do not read it.

In:  the files of a tree.
Out: directories, in order.

Source: ldconfig(8); glibc, ``ldconfig.c``: ``include`` with patterns, ``#`` begins a comment.
"""

from __future__ import annotations

import fnmatch

from jettison.analysis.files import Files
from jettison.fs.resolve import resolve

PATH = "/etc/ld.so.conf"
_MAX_BYTES = 256 << 10
_MAX_FILES = 1000
_MAX_DIRECTORIES = 10_000
_MAX_DEPTH = 16


def directories(files: Files, path: str = PATH) -> tuple[str, ...]:
    """Return the directories that a file and those that it includes name."""
    found: dict[str, None] = {}
    left = [_MAX_FILES]
    _read(files, path, found, left, 0)
    return tuple(found)


def _read(files: Files, path: str, found: dict[str, None], left: list[int], depth: int) -> None:
    left[0] -= 1
    if left[0] < 0 or depth > _MAX_DEPTH:
        return
    data = files.read(path, _MAX_BYTES) or b""
    for line in data.decode("utf-8", "surrogateescape").splitlines():
        text = line.partition("#")[0].strip()
        word, *patterns = text.split() or [""]
        if word == "include":
            for each in patterns:
                pattern = each if each.startswith("/") else f"{path.rpartition('/')[0]}/{each}"
                for name in _matching(files, pattern):
                    _read(files, name, found, left, depth + 1)
        elif word == "hwcap":
            continue
        elif text.startswith("/") and len(found) < _MAX_DIRECTORIES:
            # `/usr/lib=libc6` said which C library the files are for.
            found.setdefault(text.partition("=")[0].strip().rstrip("/") or "/")


def _matching(files: Files, pattern: str) -> list[str]:
    """Return the paths that a pattern in the last component matches, sorted."""
    directory, _, last = pattern.rpartition("/")
    if "*" not in last and "?" not in last and "[" not in last:
        return [pattern]
    try:
        names = files.tree.names(resolve(files, directory))
    except OSError:
        return []
    hidden = last.startswith(".")
    return [
        f"{directory}/{name}"
        for name in sorted(names)
        if fnmatch.fnmatchcase(name, last) and (hidden or not name.startswith("."))
    ]
