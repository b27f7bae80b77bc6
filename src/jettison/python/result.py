"""What ``jettison.run`` returns."""

from __future__ import annotations

import msgspec


class RunResult(msgspec.Struct, frozen=True):
    """A container that has ended.

    Args:
        exit_code: Of its process; 128 + the number of the signal that killed it; 126 or 127 when
            the program could not be executed or found.
        stdout, stderr: What it wrote, if that was to be captured; None otherwise.
        warnings: What was otherwise than asked, and why.
    """

    exit_code: int
    stdout: bytes | None = None
    stderr: bytes | None = None
    warnings: tuple[str, ...] = ()
