"""What a registry's refusal means to the user.

In:  HTTP status, a bounded body (``{"errors": [{code, message, detail}]}``), ``Retry-After``.
Out: errors of the ``RegistryError`` tree.

Source: OCI distribution-spec 1.1, "Error Codes".
Security: bodies are the registry's; only printable text of bounded length gets into a message.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping

import msgspec

from jettison.errors import AuthenticationError, Cause, RegistryError, RegistryUnavailableError

MAX_ERROR_BYTES = 64 << 10
_MAX_TEXT = 300
_SHORTEST = 4


class _Diagnostic(msgspec.Struct):
    code: str = ""
    message: str = ""


class _Diagnostics(msgspec.Struct):
    errors: list[_Diagnostic] = []
    details: str = ""
    error: str = ""


def refusal(
    status: int, body: bytes, *, doing: str, registry: str, granted: str = "", wait: float = 0.0
) -> RegistryError:
    """Return the error for an answer that is no success.

    Args:
        status: HTTP status.
        body: At most ``MAX_ERROR_BYTES`` of it.
        doing: What was tried, as ``pull `library/python` ``.
        registry: Name of the registry, for the hint.
        granted: The ``Authorization`` header that was sent: servers may repeat it.
        wait: Seconds that it asks to wait for before the next attempt.
    """
    said = _without(_diagnosis(body), granted)
    error = _error(status, f": {said}" if said else "", doing, registry, granted, wait)
    error.wait_seconds = wait
    return error


def _error(
    status: int, suffix: str, doing: str, registry: str, granted: str, wait: float
) -> RegistryError:
    login = f"run `jettison login {registry}`"
    if status == 401:
        problem = "does not accept the credentials" if granted else "wants credentials"
        return AuthenticationError(
            f"registry `{registry}` {problem} to {doing}{suffix}", hint=login, status=status
        )
    if status == 403:
        return AuthenticationError(
            f"registry `{registry}` does not allow to {doing}{suffix}",
            hint=f"{login} as a user who may",
            status=status,
        )
    if status == 429:
        pause = f"wait {wait:.0f} seconds" if wait else "wait"
        limited = RegistryError(
            f"registry `{registry}` limits the rate of requests, cannot {doing}{suffix}",
            hint=f"{pause}, or {login} for a higher limit",
            status=status,
        )
        limited.cause = Cause(
            "rate-limit",
            "the registry counts pulls by account, and by address for those without one",
            fix=limited.hint or "",
        )
        return limited
    if status >= 500:
        return RegistryUnavailableError(
            f"registry `{registry}` answers {status}, cannot {doing}{suffix}",
            hint=f"try again in {wait:.0f} seconds" if wait else "try again later",
            status=status,
        )
    return RegistryError(
        f"registry `{registry}` refuses to {doing} with status {status}{suffix}", status=status
    )


def refuse_page(data: bytes, headers: Mapping[str, str], registry: str, wanted: str) -> None:
    """Make sure that an answer is no page for people: of a login, a proxy, a web server.

    Args:
        data: The body.
        headers: Of the answer.
        registry: Who answered.
        wanted: What should have come.

    Raises:
        RegistryError: it is one.
    """
    kind = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != "text/html" and data.lstrip()[:1] != b"<":
        return
    raise RegistryError(
        f"registry `{registry}` answers with a web page instead of {wanted}",
        hint="a login page, a proxy or a web server stands in its place: check the name of the"
        " registry and HTTPS_PROXY",
    )


def _without(text: str, granted: str) -> str:
    """Return what a server says without the credentials that it was sent."""
    scheme, _, value = granted.partition(" ")
    private = [value]
    if scheme == "Basic":
        private.append(base64.b64decode(value).decode(errors="replace").partition(":")[2])
    for each in private:
        if len(each) >= _SHORTEST:
            text = text.replace(each, "***")
    return text[:_MAX_TEXT]


def _diagnosis(body: bytes) -> str:
    try:
        answer = msgspec.json.decode(body, type=_Diagnostics)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    parts = [": ".join(filter(None, (each.code, each.message))) for each in answer.errors]
    text = "; ".join(filter(None, parts)) or answer.details or answer.error
    return "".join(c for c in text if c.isprintable())
