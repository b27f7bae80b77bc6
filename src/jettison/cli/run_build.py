"""Runs a build for the command line: console, reports, what is said at the end."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from jettison.api.build import build
from jettison.api.request import BuildRequest, BuildResult
from jettison.api.session import NamespaceRequired, Session
from jettison.cli.report_output import NO_REPORTS, ReportOutputs, write_reports
from jettison.console.select import HeldBack, make_console
from jettison.console.terminal import err, out
from jettison.errors import CheckError, ExecError, GateError, JettisonError
from jettison.events import BuildFailed
from jettison.linux import userns
from jettison.settings import Settings

if TYPE_CHECKING:
    from jettison.report.model import Report


class Progress(msgspec.Struct, frozen=True):
    """How a build is shown.

    Args:
        mode: Value of ``--progress``, or ``quiet``.
        timings: Whether to show in the end where the time went.
    """

    mode: str
    timings: bool = False


def run_build(
    request: BuildRequest,
    settings: Settings,
    *,
    progress: Progress,
    finish: Callable[[BuildResult], None],
    reports: ReportOutputs = NO_REPORTS,
    on_error: str = "",
    environ: Mapping[str, str] = os.environ,
) -> int:
    """Build; return the exit status, 0 or that of the program re-run in a user namespace.

    Args:
        request: What.
        settings: What holds.
        progress: How it is shown.
        finish: Called with the result of a build that worked, before anything is said of it.
        reports: What of its report is written where.
        on_error: ``shell`` runs one where a step failed.
        environ: Of this process, or what is to hold instead.
    """
    found: list[Report] = []
    explains = request.explain and progress.mode not in {"rawjson", "none"}
    again = userns.is_needed(single_id=settings.isolation == userns.SINGLE_ID)
    console = (HeldBack if again else make_console)(
        progress.mode, environ, timings=progress.timings
    )
    try:
        with Session.open(settings, environ) as session:
            try:
                result = build(session, request, console, found.append)
            except ExecError as error:
                console.close()
                if on_error == "shell":
                    _debug_shell(session, request, error)
                if explains:
                    _explain_failed(session)
                raise
    except NamespaceRequired as required:
        from jettison.cli.namespace import enter_again

        return enter_again(request.stdin, single_id=required.single_id)
    except JettisonError as error:
        console(_failed(error))
        console.close()
        if isinstance(error, CheckError | GateError):
            for report in found:
                write_reports(report, reports, environ)
        raise
    except BaseException:
        console.close()
        raise
    console.close()
    finish(result)
    _say(result, progress.mode)
    for report in found[-1:]:
        write_reports(report, reports, environ)
    if explains and result.explanation is not None:
        from jettison.cli.why import explanation_text

        err(explanation_text(result.explanation))
    return 0


def _say(result: BuildResult, progress: str) -> None:
    if progress == "quiet":
        out(f"{result.image_id}\n")
    elif progress not in {"rawjson", "none"}:
        _print_summary(result)


def _failed(error: JettisonError) -> BuildFailed:
    """Return an error as programs read it."""
    return BuildFailed(
        time.time_ns(),
        code=error.code,
        message=error.message,
        hint=error.hint or "",
        span=error.span,
        cause=error.cause,
        exit_status=error.exit_status,
    )


def _debug_shell(session: Session, request: BuildRequest, error: ExecError) -> None:
    """Run a shell where a step has failed; what comes of it does not count."""
    from jettison.api.debug import debug_step
    from jettison.console.message import error_message

    err(error_message(error) + "\na shell where the step failed:\n")
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    try:
        debug_step(session, request, terminal=terminal)
    except JettisonError as problem:
        error.add_note(f"no shell: {problem}")


def _explain_failed(session: Session) -> None:
    """Say why steps of a build ran that failed just now."""
    from jettison.api.why import LAST, why
    from jettison.cli.why import explanation_text

    with suppress(JettisonError):
        err(explanation_text(why(session, LAST)))


def _print_summary(result: BuildResult) -> None:
    lines = [f"image {result.image_id}"]
    if len(result.images) > 1:
        lines = [f"image {image} for {platform}" for platform, image in result.images.items()]
    if result.missing_parts:
        lines.append(f"pushed as a part; {', '.join(result.missing_parts)} must still be pushed")
    elif result.index is not None:
        lines.append(f"all parts are there: index {result.index}")
    if result.left_tags:
        lines.append(f"the registry does not delete {', '.join(result.left_tags)}")
    lines += [f"naming to {tag}" for tag in result.tags]
    if result.executed == 0 and result.cached:
        steps = f"all {result.cached} steps were" if result.cached > 1 else "the only step was"
        lines.append(f"nothing to run: {steps} cached")
    else:
        ran = "1 step ran" if result.executed == 1 else f"{result.executed} steps ran"
        lines.append(f"{ran}, {result.cached or 'none'} came from the cache")
    err("\n".join(lines) + "\n")
    if result.probed is not None:
        from jettison.cli.probe import probe_text

        err(probe_text(result.probed, result.tags[0] if result.tags else result.image_id))
