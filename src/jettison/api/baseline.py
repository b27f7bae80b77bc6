"""What a build is compared with: another report, from a file or of an image.

In:  names of files and images.
Out: ``Report``, ``Baseline``.
"""

from __future__ import annotations

import msgspec

from jettison.api.session import Session
from jettison.errors import ImageNotFoundError, InvalidReferenceError, UsageError
from jettison.report.model import SCHEMA, Report
from jettison.report.verdict import Baseline, Delta

_MAX_BYTES = 256 << 20


def report_file(name: str) -> Report | None:
    """Return the report in a file, None if there is no such file.

    Raises:
        UsageError: it is no report.
    """
    from jettison.fs.regular import read_small

    try:
        data = read_small(name, _MAX_BYTES)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"--baseline: cannot read `{name}`: {why}") from error
    if data is None:
        return None
    try:
        report = msgspec.json.decode(data, type=Report)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _no_report(name, str(error)) from error
    if report.schema != SCHEMA:
        raise _no_report(name, f"its schema is `{report.schema}`")
    return report


def image_named(session: Session, name: str) -> Report:
    """Return the report of an image of the store.

    Raises:
        UsageError: there is none.
        NamespaceRequired: files must be read, and the process may not do that as it is.
    """
    from jettison.api.report import named_report

    try:
        return named_report(session, name)
    except (ImageNotFoundError, InvalidReferenceError) as error:
        raise UsageError(
            f"--baseline: `{name}` is neither a file nor an image of the store",
            hint="name a file that `--report json=FILE` wrote, or pull the image",
        ) from error


def against(report: Report, other: Report, ref: str) -> Baseline:
    """Return what is different from another report.

    Args:
        report: Of the build.
        other: What it is compared with.
        ref: How users call that.
    """
    mine, theirs = report.image, other.image
    packed = mine.compressed is not None and theirs.compressed is not None
    return Baseline(
        ref=ref,
        id=theirs.id,
        shipped=theirs.shipped,
        delta=Delta(
            shipped=mine.shipped - theirs.shipped,
            compressed=(mine.compressed or 0) - (theirs.compressed or 0) if packed else None,
            wasted=mine.wasted - theirs.wasted,
            files=mine.files - theirs.files,
            packages=_packages(report) - _packages(other),
            layers=len(mine.layers) - len(theirs.layers),
        ),
        layers=tuple(each.diff_id for each in theirs.layers),
    )


def _packages(report: Report) -> int:
    return sum(each.after for each in report.packages)


def _no_report(name: str, why: str) -> UsageError:
    return UsageError(
        f"--baseline: `{name}` is no report: {why}",
        hint="name a file that `--report json=FILE` wrote",
    )
