"""Which lines the helper of a sandbox executes, and the containers that it clones.

Tests that measure coverage have the helper import this before anything of ours. It is started
alone, with an empty environment, and its clones end by execve(2) in another root, so that none of
them could write a report: each line that is executed is a byte of a file that all of them map.

In:  the file, the directory of the package.
Out: the lines of each module, read after the tests.
"""

from __future__ import annotations

import mmap
import os
import sys

_LINES = 512
"""More than any module has, see ``test_architecture``."""


def modules(package: str) -> list[str]:
    """Return the files that the helper may load, in an order that is the same for all."""
    found = []
    for part in ("linux", "sandbox"):
        for top, _, names in os.walk(f"{package}/jettison/{part}"):
            found += [f"{top}/{name}" for name in names if name.endswith(".py")]
    return sorted(found)


def prepare(path: str, package: str) -> None:
    """Make the file; helpers may belong to other users."""
    with open(path, "wb") as file:
        file.truncate(len(modules(package)) * _LINES)
    os.chmod(path, 0o666)


def trace(path: str, package: str) -> None:
    """Note each line that this process executes from now on, and its clones."""
    with open(path, "r+b") as file:
        executed = mmap.mmap(file.fileno(), 0)
    starts = {name: index * _LINES for index, name in enumerate(modules(package))}

    def enter(frame, event, _):
        start = starts.get(frame.f_code.co_filename)
        if start is None:
            return None

        def note(frame, event, _):
            if event == "line":
                executed[start + frame.f_lineno] = 1
            return note

        return note(frame, event, None)

    sys.settrace(enter)


def lines(path: str, package: str) -> dict[str, list[int]]:
    """Return the numbers of the lines that were executed, by file."""
    with open(path, "rb") as file:
        executed = file.read()
    found = {}
    for index, name in enumerate(modules(package)):
        part = executed[index * _LINES : (index + 1) * _LINES]
        found[name] = [number for number, byte in enumerate(part) if byte]
    return {name: numbers for name, numbers in found.items() if numbers}
