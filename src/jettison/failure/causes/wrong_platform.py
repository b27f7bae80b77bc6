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
    if failure.is_foreign:
        return _foreign(failure)
    here = f"`{failure.platform}`" if failure.platform else "the platform of the build"
    return Cause(
        "wrong-platform",
        f"a program is not for {here}",
        "it was built or downloaded for another processor, or is no program but a text without `#!`",
        f"take the one for {here} (`TARGETARCH` names it), or build with `--platform`",
    )


def _foreign(failure: Failure) -> Cause:
    """Return the cause where this machine runs nothing of the stage's platform."""
    instead = (
        "build this platform on a machine of its kind (`--part-of ID --parts …`), or compile on"
        " `--platform=$BUILDPLATFORM`"
    )
    if failure.has_emulator:
        why = "an emulator is installed, but the kernel of this machine has not been given it"
        fix = f"run `systemctl restart systemd-binfmt`, or build as a user that is not root; or {instead}"
    else:
        why = "there is no emulator for them"
        fix = f"install `qemu-user-static`, {instead}"
    return Cause(
        "wrong-platform",
        f"this machine does not run programs for `{failure.platform}`",
        why,
        fix,
    )
