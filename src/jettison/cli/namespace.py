"""Starts the program again inside a user namespace."""

from __future__ import annotations

import os

from jettison.errors import InternalError
from jettison.linux import userns


def enter_again(stdin: bytes = b"", *, single_id: bool = False) -> int:
    """Replace this process by the same program as root of a user namespace.

    Args:
        stdin: What was read from standard input already; it is there again afterwards.
        single_id: One with a single id is wanted.

    Raises:
        HostError: this host cannot; the hint has the command that changes that.
    """
    if stdin:
        memory = os.memfd_create("stdin")
        with os.fdopen(os.dup(memory), "wb") as file:
            file.write(stdin)
        os.lseek(memory, 0, os.SEEK_SET)
        os.dup2(memory, 0)
        os.close(memory)
    userns.enter(single_id=single_id)
    raise InternalError("a user namespace was asked for without need")
