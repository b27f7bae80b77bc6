"""What causes are made of: the facts of a step that failed.

In:  what the solver knows of the step.
Out: ``Failure``, which the modules of ``failure.causes`` look at, and short forms of its texts.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Protocol

import msgspec

from jettison.errors import Cause
from jettison.failure.distribution import Distribution
from jettison.failure.log import Log

_MAX_QUOTE = 120


def _nothing(_path: str) -> None:
    return None


class Failure(msgspec.Struct, frozen=True, dict=True):
    """A step that failed.

    Args:
        instruction: As people see it: ``RUN make``.
        output: The end of what it printed.
        exit_code: Of its process.
        distribution: Of its stage.
        base: Name of the image that its stage begins with.
        platform: ``linux/amd64``.
        is_foreign: Whether nothing here runs programs of that platform.
        has_emulator: Whether there is an emulator for it that the kernel does not use.
        user: Text of USER; empty is root.
        directory: The working directory.
        network: Whether it had one.
        memory_bytes: Its limit, 0 without one.
        out_of_memory: Whether the kernel killed one of its processes for that limit.
        lacked_pids: Whether it had as many processes as it may.
        disk_free_bytes: Where the store is, None if not known.
        hidden_by: Returns the pattern of the ignore file that hides a path of the context.
        head: Returns the first bytes of a file of the stage as it was before the step.
    """

    instruction: str
    output: str
    exit_code: int
    distribution: Distribution = Distribution()
    base: str = ""
    platform: str = ""
    is_foreign: bool = False
    has_emulator: bool = False
    user: str = ""
    directory: str = "/"
    network: bool = True
    memory_bytes: int = 0
    out_of_memory: bool = False
    lacked_pids: bool = False
    disk_free_bytes: int | None = None
    hidden_by: Callable[[str], str | None] = _nothing
    head: Callable[[str], bytes | None] = _nothing

    @cached_property
    def log(self) -> Log:
        """The end of its output."""
        return Log(self.output)

    @property
    def is_root(self) -> bool:
        """Whether it ran as root."""
        return self.user.partition(":")[0] in {"", "0", "root"}

    @property
    def stage(self) -> str:
        """What to call the stage's files: ``the base `node:20` (Debian GNU/Linux 12)``."""
        name = self.distribution.name
        if self.base:
            return f"the base `{self.base}`" + (f" ({name})" if name else "")
        return f"the base ({name})" if name else "the base"


class Explain(Protocol):
    """The function of a cause's module."""

    __module__: str

    def __call__(self, failure: Failure) -> Cause | None:
        """Return the cause if it is this one."""
        ...


def quoted(text: str) -> str:
    r"""Return a part of an output as a literal: one line, of bounded length.

    >>> quoted("a  b\tc")
    '`a b c`'
    """
    line = " ".join(text.replace("`", "'").split())
    return f"`{line if len(line) <= _MAX_QUOTE else line[: _MAX_QUOTE - 1] + '…'}`"
