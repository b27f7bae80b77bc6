"""A tool of npm crashed or broke off by itself: what it says is known to pass or to need an update."""

from __future__ import annotations

from jettison.errors import Cause
from jettison.failure.base import Failure

_SIGNS = (
    ("cb() never called", r"cb\(\) never called"),
    ("exit handler never called", r"Exit handler never called"),
    ("maximum call stack size exceeded", r"npm ERR! Maximum call stack size exceeded"),
    ("cannot read propert", r"npm (?:ERR!|error) Cannot read propert"),
)


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    if not failure.log.find(*_SIGNS, last=20):
        return None
    return Cause(
        "tool-failed",
        "npm itself failed",
        "the version of npm has a fault that shows with some sets of packages",
        "build again; if it stays so, take a base with another npm, or pin it: `npm install -g npm@…`",
    )
