"""The limits of a build: those of its flags, over those of the files beside its Dockerfile.

In:  a ``BuildRequest``.
Out: ``Limits``.

``jettison.toml`` has a table ``[gates]``, and ``[target.NAME.gates]`` for builds of one target; of
dive's ``.dive-ci`` the keys count that have a meaning here. Files of remote contexts do not count:
who builds one did not write them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jettison.api.request import ALL, KNOWN, SUMS, BuildRequest
from jettison.errors import UsageError

if TYPE_CHECKING:
    from jettison.report.limits import Limits

SETTINGS = "jettison.toml"
DIVE = ".dive-ci"
_MAX_BYTES = 1 << 20


def wants_report(request: BuildRequest, *, ran: bool) -> bool:
    """Tell whether a build needs a report, for somebody or for its limits; cheap to ask.

    Args:
        request: The build.
        ran: Whether a step ran.
    """
    if request.report in {SUMS, ALL} or (ran and request.report == KNOWN) or request.gates:
        return True
    return any(True for _ in _files(request))


def limits_of(request: BuildRequest) -> Limits:
    """Return the limits.

    Raises:
        UsageError: a flag or a file is wrong.
    """
    from jettison.report.limits import Limits, from_dive, from_flags, from_table

    found = Limits()
    for path in _files(request):
        data = _read(path)
        if path.name == DIVE:
            found = from_dive(data, DIVE).over(found)
            continue
        document = _parsed(data, path)
        for table in _tables(document, request.target):
            found = from_table(table, SETTINGS).over(found)
        if found.baseline and not os.path.isabs(found.baseline):
            found = _beside(found, path.parent)
    return from_flags(request.gates, request.baseline).over(found)


def _files(request: BuildRequest) -> Iterator[Path]:
    """Yield the files that are there, the stronger one last."""
    directory = _directory(request)
    if directory is not None:
        for name in (DIVE, SETTINGS):
            if os.path.isfile(os.path.join(directory, name)):
                yield Path(directory, name)


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


def _read(path: Path) -> bytes:
    from jettison.fs.regular import read_small

    try:
        return read_small(path, _MAX_BYTES) or b""
    except OSError as error:
        raise UsageError(f"cannot read `{path}`: {error.strerror}") from error


def _parsed(data: bytes, path: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path}: {error}", hint="write TOML, such as `[gates]`") from error


def _tables(document: dict[str, Any], target: str) -> Iterator[dict[str, Any]]:
    """Yield the tables of limits that hold for a target, the stronger one last."""
    unknown = sorted(document.keys() - {"gates", "target"})
    if unknown:
        raise UsageError(
            f"{SETTINGS}: there is no table `{unknown[0]}`",
            hint="write `[gates]` or `[target.NAME.gates]`",
        )
    targets = document.get("target", {})
    own = targets.get(target, {}) if isinstance(targets, dict) else None
    for table in (document, own):
        if not isinstance(table, dict) or not isinstance(table.get("gates", {}), dict):
            raise UsageError(f"{SETTINGS}: `gates` is no table", hint="write `[gates]` above them")
        yield table.get("gates", {})


def _beside(limits: Limits, directory: Path) -> Limits:
    """Return limits whose baseline, if it is a file beside the settings, is found from here."""
    import msgspec

    path = directory / limits.baseline
    return msgspec.structs.replace(limits, baseline=str(path)) if path.is_file() else limits
