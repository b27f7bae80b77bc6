"""A proxy refuses the connection, or cannot be reached."""

from __future__ import annotations

from jettison.errors import Cause
from jettison.failure.base import Failure

_SIGNS = (
    ("proxy authentication required", r"(?i)407 proxy authentication required"),
    ("could not resolve proxy", r"(?i)could not resolve proxy"),
    ("cannot connect to proxy", r"(?i)cannot connect to proxy"),
    ("from proxy after connect", r"(?i)received http code \d+ from proxy after connect"),
    ("tunneling socket could not", r"tunneling socket could not be established"),
    ("proxyconnect tcp", r"proxyconnect tcp: "),
    ("unable to connect to proxy", r"(?i)unable to connect to proxy"),
    ("proxy tunneling failed", r"(?i)proxy tunneling failed"),
)


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    found = failure.log.find(*_SIGNS, last=60)
    if found is None:
        return None
    return Cause(
        "proxy",
        "the proxy did not let the connection through",
        "steps use the proxy of HTTP_PROXY and HTTPS_PROXY of the builder's environment",
        "correct these variables, or except the host with `NO_PROXY`",
    )
