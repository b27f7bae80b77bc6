"""Errors and warnings as text: place, excerpt, cause, hint."""

from __future__ import annotations

import os

from jettison.errors import (
    ExecError,
    HostError,
    InternalError,
    JettisonError,
    ProbeError,
    StorageError,
)
from jettison.linux.text import printable

_LOG_LINES = 20


def error_message(error: JettisonError) -> str:
    """Return what the user reads: where in the Dockerfile, what, why, and what to do."""
    parts = []
    if isinstance(error, ExecError | ProbeError) and error.log_tail.strip():
        lines = error.log_tail.rstrip("\n").split("\n")[-_LOG_LINES:]
        parts.append("------\n" + "\n".join(map(_harmless, lines)) + "\n------")
    if error.span is not None and error.source is not None:
        from jettison.frontend.dockerfile.span import excerpt

        name, text = error.source
        parts.append(printable(excerpt(text, error.span, filename=name), keep="\n"))
    message, guess = _without_guess(error.message)
    parts.append(f"ERROR: {printable(message, keep=chr(10))}")
    parts += [f"note: {printable(note)}" for note in getattr(error, "__notes__", ())]
    if error.cause is not None:
        said = (("cause", error.cause.what), ("why", error.cause.why))
        parts += [f"{name}: {printable(text)}" for name, text in said if text]
    hint = error.hint or guess
    if hint:
        parts.append(f"hint: {printable(hint)}")
    return "\n".join(parts)


def _harmless(line: str) -> str:
    """Return a line of a step's output that steers neither a terminal nor GitHub Actions.

    There a line that begins with ``::`` is a command, wherever it comes from.
    """
    text = printable(line)
    return f"| {text}" if text.lstrip().startswith(("::", "##[")) else text


def unexpected_error(error: Exception) -> JettisonError:
    """Return the error that the user sees for an exception that is none of ours."""
    if isinstance(error, MemoryError):
        return HostError("there is not enough memory", hint="free some, or raise the limit")
    if isinstance(error, OSError):
        from jettison.fs.os_errors import storage_error

        where = f" `{error.filename}`" if error.filename else ""
        known = storage_error(error, "a file")
        return StorageError(f"{error.strerror or error}{where}", hint=known.hint if known else None)
    place = ""
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        place = f" ({os.path.basename(code.co_filename)}:{trace.tb_lineno})"
        trace = trace.tb_next
    return InternalError(
        f"this is a bug in Jettison: {type(error).__name__}: {error}{place}",
        hint="report it with the output of `jettison --debug …`",
    )


def _without_guess(message: str) -> tuple[str, str]:
    """Split what docker's messages guess from them: ``unknown … (did you mean RUN?)``."""
    head, found, tail = message.rpartition(" (did you mean ")
    if not found or not tail.endswith("?)") or "\n" in tail:
        return message, ""
    return head, f"did you mean {tail[:-1]}"
