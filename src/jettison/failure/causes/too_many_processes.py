"""The step had as many processes as it may: no more could be started."""

from __future__ import annotations

from jettison.errors import Cause
from jettison.failure.base import Failure

_SIGNS = (
    ("can't fork", r"can't fork"),
    ("fork: ", r"fork: (?:retry: )?Resource temporarily unavailable"),
    ("pthread_create", r"pthread_create failed.*Resource temporarily unavailable"),
)


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    if not failure.lacked_pids and not failure.log.find(*_SIGNS, last=40):
        return None
    return Cause(
        "too-many-processes",
        "it had as many processes as a step may have",
        "the limit keeps one step from taking all processes of the machine",
        "allow more with `--pids-limit`",
    )
