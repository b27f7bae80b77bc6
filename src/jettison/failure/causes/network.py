"""A server could not be reached, or broke off the connection."""

from __future__ import annotations

from jettison.errors import Cause
from jettison.failure.base import Failure, quoted

_LOCAL = (
    ("localhost", r"(?i)localhost\S*.{0,60}(?:refused|could not connect)"),
    ("127.0.0.1", r"(?i)(?:refused|connect).{0,60}127\.0\.0\.1|127\.0\.0\.1.{0,60}refused"),
    ("econnrefused ::1", r"ECONNREFUSED ::1"),
    ("is the server running", r"Is the server running (?:on|locally)"),
    ("can't connect to local mysql", r"Can't connect to local MySQL server"),
)
_HOSTS = (
    ("failed to connect to", r"(?i)failed to connect to (?P<host>[\w.-]+)"),
    ("could not connect to", r"(?i)could not connect to (?P<host>[\w.-]+\.[\w.-]+)"),
    ("unable to connect to", r"(?i)unable to connect to (?P<host>[\w.-]+\.[\w.-]+)"),
)
_SIGNS = (
    *_HOSTS,
    ("connection refused", r"(?i)connection refused"),
    ("econnrefused", r"\bECONNREFUSED\b"),
    ("timed out", r"(?i)(?:connection|operation|connect|read|request|handshake)\S* timed out"),
    ("etimedout", r"\bE(?:SOCKET|CONN)?TIMEDOUT\b"),
    ("connecttimeouterror", r"ConnectTimeoutError|ReadTimeoutError"),
    ("read timeout", r"(?i)\bread timeout\b(?! is)"),
    ("network is unreachable", r"(?i)network is unreachable"),
    ("no route to host", r"(?i)no route to host"),
    ("connection reset", r"(?i)connection reset by peer"),
    ("econnreset", r"\bECONNRESET\b"),
    ("i/o timeout", r"dial (?:tcp|udp) .*i/o timeout"),
    ("remote end hung up", r"remote end hung up unexpectedly"),
    ("early eof", r"fatal: early EOF"),
    ("rpc failed", r"RPC failed; "),
    ("unexpected eof", r"(?i)unexpected eof while reading|: unexpected EOF$"),
    ("connection aborted", r"(?i)connection aborted"),
    ("remotedisconnected", r"RemoteDisconnected|IncompleteRead"),
    ("socket hang up", r"socket hang up"),
    ("connection failed", r"Connection failed \[IP"),
    ("network connectivity", r"(?i)trouble with your network connection"),
    ("socket timeout", r"(?i)socket timeout"),
    ("curl: (18)", r"curl: \((?:7|18|28|52|55|56)\)"),
    ("curl: (", r"curl: \((?:7|18|28|52|55|56|92)\)"),
)
_QUIET = {"curl": {7, 28, 52, 56}, "wget": {4}}
"""Exit codes of programs that may print nothing."""


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    if failure.log.find(*_LOCAL, last=40):
        return Cause(
            "service-not-running",
            "the step speaks to a service on its own machine, where none runs",
            "each RUN starts in a fresh container: servers of earlier steps are gone",
            "start the service in the same RUN, or do this when the container runs",
        )
    found = failure.log.find(*_SIGNS, last=40)
    if found is None and not _is_quiet(failure):
        return None
    named = failure.log.find(*_HOSTS, last=40)
    host = named["host"] if named is not None else ""
    what = f"a connection to {quoted(host)} failed" if host else "a connection to a server failed"
    if not failure.network:
        fix = "let it have a network: leave `--network=none` out of the RUN and the command line"
        return Cause("network", what, "the step has no network: `--network=none`", fix)
    if "git://" in failure.log:
        return Cause(
            "network",
            what,
            "the address begins with `git://`, which most servers do not speak any more",
            'use https: `RUN git config --global url."https://".insteadOf git://`',
        )
    return Cause(
        "network",
        what,
        "the server is gone, busy, or a firewall is in between",
        "build again; if it stays so, try the address outside the build, or set HTTPS_PROXY",
    )


def _is_quiet(failure: Failure) -> bool:
    return any(
        f"{program} " in failure.instruction and failure.exit_code in codes
        for program, codes in _QUIET.items()
    )
