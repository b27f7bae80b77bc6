"""The step writes to `/etc/hosts` or `/etc/resolv.conf`, which are each step's own."""

from __future__ import annotations

from jettison.errors import Cause
from jettison.failure.base import Failure

_SIGNS = (
    ("read-only", r"/etc/(?:hosts|resolv\.conf).*(?i:read-only)"),
    ("resource busy", r"/etc/(?:hosts|resolv\.conf).*(?i:resource busy)"),
)


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    if not failure.log.find(*_SIGNS, last=5):
        return None
    return Cause(
        "hosts-file",
        "the step writes to a file with names of hosts",
        "`/etc/hosts` and `/etc/resolv.conf` are made for each step and are no part of the image",
        "names of hosts are given by `--add-host NAME:ADDRESS`",
    )
