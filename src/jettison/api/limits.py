"""The limits of a build: those of its flags, over those of the files beside its Dockerfile.

In:  a ``BuildRequest``.
Out: ``Limits``.

These are ``jettison.toml`` (``api.project_file``) and dive's ``.dive-ci``, of whose keys those
count that have a meaning here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from jettison.api.project_file import NAME as SETTINGS
from jettison.api.project_file import file_beside, read_file, tables
from jettison.api.request import ALL, KNOWN, SUMS, BuildRequest

if TYPE_CHECKING:
    from jettison.report.limits import Limits

DIVE = ".dive-ci"


def wants_report(request: BuildRequest, *, ran: bool) -> bool:
    """Tell whether a build needs a report, for somebody or for its limits.

    Args:
        request: The build.
        ran: Whether a step ran.

    Raises:
        UsageError: a file with limits is wrong.
    """
    if request.report in {SUMS, ALL} or (ran and request.report == KNOWN) or request.gates:
        return True
    return any(True for _ in _files(request)) and bool(limits_of(request).limits)


def limits_of(request: BuildRequest) -> Limits:
    """Return the limits.

    Raises:
        UsageError: a flag or a file is wrong.
    """
    from jettison.report.limits import Limits, from_dive, from_flags, from_table

    found = Limits()
    for path in _files(request):
        if path.name == DIVE:
            found = from_dive(read_file(path), DIVE).over(found)
            continue
        for table in tables(path, "gates", request.target):
            found = from_table(table, SETTINGS).over(found)
        if found.baseline and not os.path.isabs(found.baseline):
            found = _beside(found, path.parent)
    return from_flags(request.gates, request.baseline).over(found)


def _files(request: BuildRequest) -> Iterator[Path]:
    """Yield the files that are there, the stronger one last."""
    yield from filter(None, (file_beside(request, name) for name in (DIVE, SETTINGS)))


def _beside(limits: Limits, directory: Path) -> Limits:
    """Return limits whose baseline, if it is a file beside the settings, is found from here."""
    import msgspec

    path = directory / limits.baseline
    return msgspec.structs.replace(limits, baseline=str(path)) if path.is_file() else limits
