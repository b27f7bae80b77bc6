"""A shared library is missing, or a program for glibc runs in a stage with musl, or the reverse."""

from __future__ import annotations

import re

from jettison.errors import Cause
from jettison.failure.base import Failure, quoted

_GLIBC = (
    ("glibc_", r"version [`']?(?P<name>GLIBC(?:XX)?_[\d.]+)[']? not found"),
    ("glibcxx_", r"version [`']?(?P<name>GLIBCXX_[\d.]+)[']? not found"),
)
_MIXED = (
    (
        "error relocating",
        r"Error relocating (?P<name>/(?:usr/)?(?:s?bin|lib)/\S+): \S+: symbol not",
    ),
)
_MUSL = (
    ("error relocating", r"Error relocating (?P<name>\S+): \S+: symbol not found"),
    ("ld-linux", r"Error loading shared library (?P<name>ld-linux\S+)"),
    ("libc.musl", r"(?P<name>libc\.musl-\S+)"),
)
_SHARED = (
    ("loading shared libraries", r"error while loading shared libraries: (?P<name>\S+?):"),
    ("error loading shared library", r"Error loading shared library (?P<name>\S+?):"),
    ("cannot open shared object", r"(?P<name>lib[\w.+-]+\.so[\w.]*): cannot open shared object"),
    ("undefined symbol", r"(?P<name>\S+\.so\S*): undefined symbol"),
)
_INTERPRETER = re.compile(rb"/lib(?:64)?/(ld-linux[\w.-]+|ld-musl[\w.-]+)")
_NOT_FOUND = (("not found", r"sh: (?:line )?(?:\d+: )?(?P<name>/?[\w./-]+/[\w.-]+): not found"),)


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    log = failure.log
    found = log.find(*_GLIBC, last=40)
    if found is not None:
        return Cause(
            "libc-mismatch",
            f"a program needs {quoted(found['name'])}, which this stage's libraries do not have",
            f"it was built on a newer distribution than {failure.stage}",
            "build it on the base that it runs on, or let both stages have the same base",
        )
    mixed = log.find(*_MIXED, last=40)
    if mixed is not None:
        return Cause(
            "missing-library",
            f"{quoted(mixed['name'])} does not fit the libraries of the stage",
            "packages of different releases are mixed: of `edge` and another, or old and new",
            "`apk upgrade --no-cache` before it, and no package from another release",
        )
    found = log.find(*_MUSL, last=40) or _wrong_loader(failure)
    if found is not None:
        return Cause(
            "libc-mismatch",
            f"{quoted(found['name'])}: a program was built for another C library than the stage has",
            "Alpine has musl, other distributions have glibc; programs of one do not run on the other",
            "take the build for musl, a base with glibc (`-slim`), or link it statically",
        )
    found = log.find(*_SHARED, last=40)
    if found is None:
        return None
    return Cause(
        "missing-library",
        f"the shared library {quoted(found['name'])} is not in the stage",
        "the program was linked with it where it was built; the stage has only what was installed",
        "install the package that has it, or COPY it beside the program",
    )


def _wrong_loader(failure: Failure) -> re.Match[str] | None:
    """Return a program that was not found although it is there: its loader is missing."""
    found = failure.log.find(*_NOT_FOUND, last=10)
    if found is None or failure.exit_code != 127:
        return None
    head = failure.head(found["name"])
    if head is None or not head.startswith(b"\x7fELF"):
        return None
    loader = _INTERPRETER.search(head)
    return found if loader is None or failure.head("/" + loader[0].decode()[1:]) is None else None
