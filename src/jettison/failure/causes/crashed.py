"""A program crashed: a segmentation fault, an illegal instruction, an abort."""

from __future__ import annotations

from jettison.errors import Cause
from jettison.failure.base import Failure

_SIGNS = (
    ("segmentation fault", r"(?i)segmentation fault"),
    ("illegal instruction", r"(?i)illegal instruction"),
    ("core dumped", r"core dumped"),
    ("sigsegv", r"\bSIGSEGV\b"),
    ("bus error", r"\bBus error\b"),
)
_CODES = {139: "SIGSEGV", 132: "SIGILL", 134: "SIGABRT", 135: "SIGBUS", 136: "SIGFPE"}


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    signal = _CODES.get(failure.exit_code)
    found = failure.log.find(*_SIGNS, last=20)
    if signal is None and found is None:
        return None
    return Cause(
        "crashed",
        f"a program crashed{f' ({signal})' if signal else ''}",
        "a fault of the program, a library that does not fit it, or a processor without what it uses",
        "try another version of it or of the base; emulated platforms crash some programs",
    )
