"""The library of sigstore's: whether it is there, and what its errors say.

In:  errors of the library, and of those that it is made of.
Out: one line of plain text.

What the library is given is hostile, and it lets errors of many kinds through: of certificates,
numbers, JSON, sockets. None of their texts is trusted to be one line, or short.
"""

from __future__ import annotations

from jettison.errors import UsageError

_MOST_TEXT = 240


def require_library() -> None:
    """See that keyless signatures can be made and verified.

    Raises:
        UsageError: the library is not installed.
    """
    try:
        import sigstore  # noqa: F401
    except ImportError:
        raise UsageError(
            "keyless signatures need the library `sigstore`, which is not installed",
            hint="install it: `pip install 'jettison[keyless]'`, or name a key with --key FILE",
        ) from None


def reason(error: BaseException) -> str:
    r"""Return what an error says, in one line.

    >>> reason(ValueError("bad\n  number"))
    'bad number'
    """
    answer = getattr(error.__cause__ or error, "response", None)
    said = _message_of(getattr(answer, "text", ""))
    if said:
        return said
    text = " ".join(str(part) for part in error.args) or str(error.__cause__ or "")
    line = " ".join(text.split()) or type(error).__name__
    return line if len(line) <= _MOST_TEXT else f"{line[:_MOST_TEXT]}…"


def _message_of(answer: object) -> str:
    """Return the message in an answer of Fulcio's or Rekor's, empty without one."""
    import msgspec

    try:
        found = msgspec.json.decode(str(answer).encode(), type=dict[str, object])
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return ""
    message = found.get("message")
    return " ".join(message.split())[:_MOST_TEXT] if isinstance(message, str) else ""
