"""The name of a host was not found: no DNS, no network, or the host is gone."""

from __future__ import annotations

import re

from jettison.errors import Cause
from jettison.failure.base import Failure, quoted

_SIGNS = (
    ("could not resolve host", r"(?i)could not resolve host(?:name)?:? '?(?P<host>[\w.-]+)"),
    ("could not resolve", r"Could not resolve '(?P<host>[\w.-]+)'"),
    ("temporary failure resolving", r"Temporary failure resolving '(?P<host>[\w.-]+)'"),
    ("something wicked happened", r"Something wicked happened resolving '(?P<host>[\w.-]+)"),
    ("unable to resolve host", r"unable to resolve host address .?(?P<host>[\w.-]+)"),
    ("bad address", r"bad address '(?P<host>[\w.-]+)'"),
    ("enotfound", r"getaddrinfo ENOTFOUND (?P<host>[\w.-]+)"),
    ("eai_again", r"getaddrinfo EAI_AGAIN (?P<host>[\w.-]+)"),
    ("no such host", r"lookup (?P<host>[\w.-]+).*no such host"),
    ("server misbehaving", r"lookup (?P<host>[\w.-]+).*server misbehaving"),
    ("unknownhostexception", r"UnknownHostException:? (?P<host>[\w.-]+)"),
    ("unknown host", r"(?i)unknown host '?(?P<host>[\w.-]+\.[a-z]+)"),
    ("name does not resolve", r"(?:(?P<host>[\w.-]+\.[a-z]+): )?Name does not resolve"),
    (
        "name or service not known",
        r"(?:(?P<host>[\w.-]+\.[a-z]+).*)?(?i:name or service not known)",
    ),
    ("temporary failure in name", r"(?i)temporary failure in name resolution"),
    ("nodename nor servname", r"nodename nor servname provided"),
    ("failed to resolve", r"(?i)failed to resolve '(?P<host>[\w.-]+)"),
    ("failed to lookup address", r"failed to lookup address information"),
    ("no address associated with", r"(?i)no address associated with (?:host)?name"),
    ("dns error", r"(?i)dns error: "),
    ("unknown host", r"ssh: Could not resolve hostname (?P<host>[\w.-]+)"),
)
_QUIET = {
    6: re.compile(r"\bcurl\b"),
}
"""Programs whose exit code says it where they print nothing."""


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    found = failure.log.find(*_SIGNS, last=60)
    if found is None and not _is_quiet(failure):
        return None
    host = (found.groupdict().get("host") if found else "") or ""
    what = f"the host {quoted(host)} was not found" if host else "the name of a host was not found"
    if not failure.network:
        return Cause(
            "name-resolution",
            what,
            "the step has no network: `--network=none`",
            "let it have one: leave `--network=none` out of the RUN and the command line",
        )
    return Cause(
        "name-resolution",
        what,
        "the host may be gone, or DNS is not to be had from this machine",
        f"look whether {quoted(host) if host else 'it'} still exists; "
        "for names that only you know: `--add-host NAME:ADDRESS`",
    )


def _is_quiet(failure: Failure) -> bool:
    program = _QUIET.get(failure.exit_code)
    return program is not None and bool(program.search(failure.instruction))
