"""Text that is no ASCII, in a stage without a UTF-8 locale."""

from __future__ import annotations

from jettison.errors import Cause
from jettison.failure.base import Failure

_SIGNS = (
    ("'ascii' codec can't", r"'ascii' codec can't (?:de|en)code"),
    ("in us-ascii", r"invalid (?:byte sequence|multibyte char).*US-ASCII"),
    ("unsupported locale setting", r"unsupported locale setting"),
    ("unmappable character", r"unmappable character .*for encoding (?:ASCII|US-ASCII)"),
    ("invalid argument (invalid byte", r"hGetContents: invalid argument \(invalid byte"),
    ("will abort further execution because python", r"Click will abort further execution"),
    ("commitbuffer: invalid", r"commitBuffer: invalid argument"),
)


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    if not failure.log.find(*_SIGNS, last=30):
        return None
    return Cause(
        "locale",
        "text is no ASCII, and the stage has no UTF-8 locale",
        "images set no LANG, so that programs take ASCII",
        "`ENV LANG=C.UTF-8` above the step",
    )
