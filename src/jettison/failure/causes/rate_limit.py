"""A server limits how often it is asked: `429`, `toomanyrequests`, `rate limit exceeded`."""

from __future__ import annotations

from jettison.errors import Cause
from jettison.failure.base import Failure

_SIGNS = (
    ("toomanyrequests", r"toomanyrequests"),
    ("too many requests", r"(?i)\b429\b.{0,40}too many requests"),
    ("rate limit", r"(?i)(?:api )?rate limit (?:has been )?exceeded|exceeded .{0,30}rate limit"),
    ("429", r"(?i)(?:HTTP[/ ]\S{0,8}|error:?|status(?: code)?:?) 429\b|\(429\)"),
)


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    if not failure.log.find(*_SIGNS, last=60):
        return None
    return Cause(
        "rate-limit",
        "a server refuses more requests for now: its rate limit is reached",
        "limits count by address or by account; machines of one network share an address",
        "wait, or let the step log in: give it a token with `RUN --mount=type=secret`",
    )
