"""``jettison.toml`` beside a Dockerfile: what holds for all builds of it, on laptops and in CI.

In:  a ``BuildRequest``.
Out: tables ``[gates]`` and ``[check]``, and those of ``[target.NAME.gates]`` and so on for builds
     of one target.

Files of remote contexts do not count: who builds one did not write them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jettison.api.request import BuildRequest
from jettison.errors import UsageError

NAME = "jettison.toml"
TABLES = ("gates", "check")
_MAX_BYTES = 1 << 20


def file_beside(request: BuildRequest, name: str) -> Path | None:
    """Return the path of a file beside the Dockerfile; None if there is none; cheap to ask."""
    directory = _directory(request)
    if directory is None:
        return None
    path = os.path.join(directory, name)
    return Path(path) if os.path.isfile(path) else None


def read_file(path: Path) -> bytes:
    """Return the bytes of such a file, at most 1 MiB.

    Raises:
        UsageError: it cannot be read.
    """
    from jettison.fs.regular import read_small

    try:
        return read_small(path, _MAX_BYTES) or b""
    except OSError as error:
        raise UsageError(f"cannot read `{path}`: {error.strerror}") from error


def tables(path: Path, name: str, target: str) -> Iterator[dict[str, Any]]:
    """Yield the tables of a name that hold for a target, the stronger one last.

    Args:
        path: Of the file.
        name: One of ``TABLES``.
        target: Of the build.

    Raises:
        UsageError: the file is no TOML, or has other tables.
    """
    document = _parsed(read_file(path), path)
    unknown = sorted(document.keys() - {*TABLES, "target"})
    if unknown:
        raise UsageError(
            f"{NAME}: there is no table `{unknown[0]}`",
            hint="write `[gates]`, `[check]` or `[target.NAME.gates]`",
        )
    targets = document.get("target", {})
    own = targets.get(target, {}) if isinstance(targets, dict) else None
    for table in (document, own):
        if not isinstance(table, dict) or not isinstance(table.get(name, {}), dict):
            raise UsageError(f"{NAME}: `{name}` is no table", hint=f"write `[{name}]` above it")
        yield table.get(name, {})


def _directory(request: BuildRequest) -> str | None:
    """Return where the Dockerfile is, None if that is no directory of this machine."""
    from jettison.source.location import locate

    if request.dockerfile == "-" or (request.context == "-" and not request.dockerfile):
        return None
    if locate(request.context).kind != "local":
        return None
    if request.dockerfile:
        return os.path.dirname(request.dockerfile) or "."
    return request.context


def _parsed(data: bytes, path: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path}: {error}", hint="write TOML, such as `[gates]`") from error
