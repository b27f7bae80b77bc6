"""A program is for another processor: `exec format error`."""

from __future__ import annotations

from jettison.errors import Cause
from jettison.failure.base import Failure

_SIGNS = (
    ("exec format error", r"(?i)exec format error"),
    ("cannot execute binary file", r"(?i)cannot execute binary file"),
    ("rosetta error", r"rosetta error: "),
    ("qemu: uncaught target signal", r"qemu: uncaught target signal"),
    ("wrong elf class", r"wrong ELF class"),
)


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    if not failure.log.find(*_SIGNS, last=40):
        return None
    here = f"`{failure.platform}`" if failure.platform else "the platform of the build"
    return Cause(
        "wrong-platform",
        f"a program is not for {here}",
        "it was built or downloaded for another processor, or is no program but a text without `#!`",
        f"take the one for {here} (`TARGETARCH` names it), or build with `--platform`",
    )
