"""Variables of ``-e`` and ``--env-file``, as docker reads them.

In:  texts of the command line, files.
Out: ``NAME=value`` in order.

Source: docker's ``kvfile`` package.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from jettison.errors import UsageError
from jettison.fs.regular import read_small

_MAX_BYTES = 8 << 20
_MAX_LINE = 64 << 10
_BOM = "\ufeff"


def environment(given: Iterable[str], files: Iterable[str]) -> tuple[str, ...]:
    """Return NAME=VALUE texts, those of files first; a bare name takes the caller's value.

    Raises:
        UsageError: a name is missing, or a file cannot be read.
    """
    entries = [entry for file in files for entry in _entries(file)]
    for entry in given:
        name, equals, _ = entry.partition("=")
        if not name:
            raise UsageError(f"invalid environment variable: `{entry}`")
        if equals:
            entries.append(entry)
        elif name in os.environ:
            entries.append(f"{name}={os.environ[name]}")
    return tuple(entries)


def _entries(file: str) -> list[str]:
    """Return the variables of a file.

    Blanks before a name are no part of it, all after the first ``=`` is the value, and lines that
    begin with ``#`` are comments.
    """
    found = []
    for number, text in enumerate(_lines(file), 1):
        if len(text) >= _MAX_LINE:
            raise UsageError(f"invalid env file ({file}): line {number} is too long")
        line = text.lstrip()
        if not line or line.startswith("#"):
            continue
        name, equals, _ = line.partition("=")
        if not name:
            raise UsageError(f"invalid env file ({file}): no variable name on line '{line}'")
        if " " in name or "\t" in name:
            raise UsageError(f"invalid env file ({file}): variable '{name}' contains whitespaces")
        if equals:
            found.append(line)
        elif name in os.environ:
            found.append(f"{name}={os.environ[name]}")
    return found


def _lines(file: str) -> list[str]:
    try:
        data = read_small(file, _MAX_BYTES)
    except OSError as error:
        raise UsageError(f"cannot read env file `{file}`: {error.strerror}") from error
    if data is None:
        raise UsageError(f"cannot read env file `{file}`: no such file")
    lines = data.removeprefix(_BOM.encode()).split(b"\n")
    texts = []
    for number, line in enumerate(lines, 1):
        try:
            texts.append(line.removesuffix(b"\r").decode())
        except UnicodeDecodeError:
            raise UsageError(
                f"invalid env file ({file}): invalid utf8 bytes at line {number}"
            ) from None
    return texts
