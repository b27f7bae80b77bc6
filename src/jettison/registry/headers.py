"""Values of HTTP headers, as hostile servers write them.

In:  one header's text.
Out: challenges, the next page, lengths, dates, pauses; nothing for what is malformed or too long.

Source: RFC 9110 (challenges §11, dates §5.6.7, Retry-After §10.2.3), RFC 8288 (Link).
Security: each text is bounded before it is looked at, and looked at in linear time.
"""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable, Iterable

import msgspec

MAX_HEADER_LENGTH = 16 << 10
"""Characters of a header that are looked at; a longer one counts as absent."""

_MAX_CHALLENGES = 16
_MAX_DATE_LENGTH = 64
_MAX_DIGITS = 15
_WORD = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
# Possessive: what was taken is never given back, so that no text is read twice.
_ITEM = re.compile(
    rf"[\s,]*+({_WORD})(?:\s*+=\s*+(?:\"((?:[^\"\\]|\\.)*+)\"|({_WORD}))|(?=[\s,]|$))", re.DOTALL
)
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", re.ASCII)
_LINK = re.compile(r"<([^<>]*+)>([^<]*+)")


class Challenge(msgspec.Struct, frozen=True):
    """One challenge of a server; ``scheme`` is lower case, names of parameters as well."""

    scheme: str
    parameters: dict[str, str]


def parse_challenges(texts: Iterable[str]) -> list[Challenge]:
    """Return the challenges of all ``WWW-Authenticate`` headers, in order.

    >>> parse_challenges(['Bearer realm="https://a/t",service="s", Basic realm=x'])[1].scheme
    'basic'
    """
    found: list[Challenge] = []
    for text in itertools.islice(texts, _MAX_CHALLENGES):
        if len(text) > MAX_HEADER_LENGTH:
            continue
        current: Challenge | None = None
        position = 0
        while (match := _ITEM.match(text, position)) and len(found) <= _MAX_CHALLENGES:
            position = match.end()
            name, quoted, word = match.groups()
            if quoted is None and word is None:
                current = Challenge(name.lower(), {})
                found.append(current)
            elif current is not None:
                value = word if quoted is None else re.sub(r"(?s)\\(.)", r"\1", quoted)
                current.parameters.setdefault(name.lower(), value)
    return found[:_MAX_CHALLENGES]


def next_link(text: str) -> str:
    """Return the reference of a ``Link`` header's ``rel="next"``, or nothing.

    >>> next_link('</v2/a?n=1>; rel="prev", </v2/a?n=3>; rel="next"')
    '/v2/a?n=3'
    """
    if len(text) > MAX_HEADER_LENGTH:
        return ""
    for match in _LINK.finditer(text):
        for field in match[2].split(";"):
            name, _, value = field.partition("=")
            relations = value.strip(' \t,"').lower().split()
            if name.strip().lower() == "rel" and "next" in relations:
                return match[1]
    return ""


def parse_length(text: str) -> int | None:
    """Return the number of a ``Content-Length``, None when it is none.

    >>> parse_length("12"), parse_length("²"), parse_length("-1")
    (12, None, None)
    """
    good = text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS
    return int(text) if good else None


def range_start(text: str) -> int | None:
    """Return where the bytes of a ``Content-Range`` start, None when it says nothing.

    >>> range_start("bytes 5-9/10"), range_start("bytes */10"), range_start("5-9")
    (5, None, None)
    """
    unit, _, rest = text.strip().partition(" ")
    return parse_length(rest.strip().partition("-")[0]) if unit.lower() == "bytes" else None


def content_range(text: str) -> tuple[int, int, int | None] | None:
    """Return the first and last byte, and the size or None, that a ``Content-Range`` says.

    >>> content_range("bytes 5-9/10"), content_range("bytes 5-9/*"), content_range("bytes */10")
    ((5, 9, 10), (5, 9, None), None)
    """
    found = _CONTENT_RANGE.fullmatch(text.strip())
    if found is None:
        return None
    return int(found[1]), int(found[2]), None if found[3] == "*" else int(found[3])


def range_end(text: str) -> int | None:
    """Return the last byte that an upload's ``Range`` says to be there, None when it says nothing.

    >>> range_end("0-99"), range_end("bytes=0-99"), range_end("5-9"), range_end("0-")
    (99, 99, None, None)
    """
    first, _, last = text.strip().removeprefix("bytes=").partition("-")
    return parse_length(last) if first == "0" else None


def parse_http_date(text: str) -> int:
    """Return nanoseconds since the epoch, 0 for what is no date.

    >>> parse_http_date("Wed, 21 Oct 2015 07:28:00 GMT")
    1445412480000000000
    """
    import email.utils  # only downloads pay

    if not text or len(text) > _MAX_DATE_LENGTH:
        return 0
    try:
        seconds = email.utils.parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError, TypeError, IndexError):
        return 0
    return max(0, min(int(seconds), 1 << 33)) * 10**9


def retry_after(text: str, clock: Callable[[], float] = time.time) -> float:
    """Return the seconds that a ``Retry-After`` asks to wait for: a number, or until a date.

    >>> retry_after("120"), retry_after("Thu, 01 Jan 1970 00:01:00 GMT", lambda: 20.0)
    (120.0, 40.0)
    """
    seconds = parse_length(text.strip())
    if seconds is not None:
        return float(seconds)
    moment = parse_http_date(text)
    return max(0.0, moment / 1e9 - clock()) if moment else 0.0
