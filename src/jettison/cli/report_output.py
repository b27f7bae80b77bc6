"""``--report``: which reports are wanted, and writing them.

In:  values of the flag: ``brief``, ``full``, ``none``, ``attach``, ``json[=FILE]``, ``md[=FILE]``,
     ``html[=FILE]``.
Out: text on standard output, files; Markdown without a file goes to the summary of a CI job where
     there is one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from jettison.api.request import ALL, KNOWN, SUMS
from jettison.errors import ExportError, UsageError

if TYPE_CHECKING:
    from jettison.report.model import Report

TEXTS = ("brief", "full", "none")
FORMATS = ("json", "md", "html")
ATTACH = "attach"
"""Puts the JSON beside the image in its registry."""
SUMMARY = "GITHUB_STEP_SUMMARY"
"""Names the file whose Markdown a CI job shows."""


class ReportOutputs(msgspec.Struct, frozen=True):
    """What of a report is written where.

    Args:
        text: ``brief``, ``full`` or ``none``.
        files: (format, file) pairs; the file is empty for standard output.
        asked: Whether somebody asked; else it is shown beside what else a terminal shows.
        sizes: Whether the table of sizes is shown.
        attach: Whether it goes into the image's registry, too.
    """

    text: str = "none"
    files: tuple[tuple[str, str], ...] = ()
    asked: bool = False
    sizes: bool = False
    attach: bool = False

    @property
    def wanted(self) -> str:
        """The value of ``BuildRequest.report``."""
        if self.has_details:
            return ALL
        if self.sizes:
            return SUMS
        if self.text == "none" and not self.files:
            return ""
        return SUMS if self.asked else KNOWN

    @property
    def has_details(self) -> bool:
        """Whether something shows the image's files, or sums of them."""
        return self.attach or self.text == "full" or any(name != "md" for name, _ in self.files)


NO_REPORTS = ReportOutputs()


def parse_reports(
    values: Sequence[str], default: str = "none", *, sizes: bool = False
) -> ReportOutputs:
    """Return what the values of ``--report`` ask for; the last text counts.

    Args:
        values: They.
        default: The text, if no value says anything.
        sizes: Whether the table of sizes is wanted; it takes the place of the default.

    Raises:
        UsageError: a value is none.
    """
    text, files, attach = "none" if values or sizes else default, [], False
    for value in values:
        name, equals, path = value.partition("=")
        if name in TEXTS and not equals:
            text = name
        elif value == ATTACH:
            attach = True
        elif name in FORMATS and bool(path) is bool(equals):
            files.append((name, path))
        else:
            raise UsageError(
                f"--report: `{value}` is no report",
                hint=f"write {', '.join((*TEXTS, ATTACH))}, or one of {', '.join(FORMATS)}"
                " with `=FILE`",
            )
    return ReportOutputs(text, tuple(files), bool(values), sizes, attach)


def default_text(progress: str) -> str:
    """Return what is shown if nobody asks: a brief report on a terminal that shows progress."""
    shown = progress in {"auto", "tty", "plain"} and sys.stderr.isatty() and sys.stdout.isatty()
    return "brief" if shown else "none"


def write_reports(
    report: Report, outputs: ReportOutputs, environ: Mapping[str, str] = os.environ
) -> None:
    """Write a report to all that want it.

    Raises:
        ExportError: a file cannot be written.
    """
    from jettison.console.terminal import columns, out

    for name, path in outputs.files:
        _write(report, name, path, environ)
    if outputs.text == "full":
        from jettison.report.full import full

        out(full(report, columns()))
    elif outputs.text == "brief":
        from jettison.report.brief import brief

        out(brief(report, columns()))
    if outputs.sizes:
        from jettison.report.sizes import size_table

        out(size_table(report, columns()))


def _write(report: Report, name: str, path: str, environ: Mapping[str, str]) -> None:
    from jettison.console.terminal import out, out_json

    data = rendered(report, name)
    summary = environ.get(SUMMARY, "") if name == "md" else ""
    try:
        if path:
            Path(path).write_bytes(data)
        elif summary:
            with open(summary, "ab") as file:
                file.write(data)
        elif name == "json":
            out_json(data.decode())
        else:
            out(data.decode())
    except OSError as error:
        where = error.filename or path or summary
        raise ExportError(
            f"cannot write the report to `{where}`: {error.strerror}",
            hint="name a file in a directory that is there and can be written",
        ) from error


def rendered(report: Report, name: str) -> bytes:
    """Return a report in one of ``FORMATS``."""
    if name == "json":
        return msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"
    if name == "html":
        from jettison.report.html.render import render

        return render(report)
    from jettison.report.markdown import markdown

    return markdown(report).encode()
