"""Credentials of URLs in texts, well-formed URLs or not: found, masked.

In:  text that people are shown.
Out: the same without credentials.

No URL is parsed here: what must not be seen is taken out of what is none, too.
"""

from __future__ import annotations

import re

_USER = r"(?<=://)[^\s/?#]*@"
# A password with a raw slash makes no URL, but is a password; `host:80/@types` is none.
_ODD_USER = r"(?<=://)[^\s/?#@:]{0,256}:(?!\d+[/?#]|xxxxx@)[^\s@]{1,256}@"
_MASK = "xxxxx"
_SHORTEST_TOKEN = 16


def passwords(text: str) -> list[tuple[str, str]]:
    """Return the passwords of all URLs in a text: decoded, and as they are written.

    A long user without a password is one, too: tokens are given so.

    >>> passwords("http://me:s%40crt@a https://0123456789abcdef@b http://git@c http://d/@e")
    [('s@crt', 's%40crt'), ('0123456789abcdef', '0123456789abcdef')]
    """
    found: dict[str, str] = {}
    for match in (*re.finditer(_USER, text), *re.finditer(_ODD_USER, text)):
        username, colon, password = match[0][:-1].partition(":")
        written = password if colon else username
        if written and (colon or len(written) >= _SHORTEST_TOKEN):
            found[written] = unescaped(written)
    return [(plain, written) for written, plain in found.items()]


def redacted(text: str) -> str:
    """Return a text in which the credentials of all URLs are masked, well-formed URLs or not.

    >>> redacted("ADD https://me:token@host/x.git git://t@host/y /x")
    'ADD https://xxxxx:xxxxx@host/x.git git://xxxxx@host/y /x'
    """
    if "://" not in text or "@" not in text:
        return text
    return re.sub(_ODD_USER, _mask, re.sub(_USER, _mask, text))


def blanked(text: str) -> str:
    """Return a text as long as it was, with crosses for the credentials of URLs.

    >>> blanked("ADD https://me:token@host/x")
    'ADD https://xxxxxxxx@host/x'
    """
    if "://" not in text or "@" not in text:
        return text
    return re.sub(_ODD_USER, _blank, re.sub(_USER, _blank, text))


def unescaped(text: str) -> str:
    """Return a text with each ``%XX`` decoded."""
    return re.sub(
        rb"%([0-9A-Fa-f]{2})", lambda match: bytes([int(match[1], 16)]), text.encode()
    ).decode(errors="replace")


def _blank(match: re.Match[str]) -> str:
    return "x" * (len(match[0]) - 1) + "@"


def _mask(match: re.Match[str]) -> str:
    return f"{_MASK}:{_MASK}@" if ":" in match[0] else f"{_MASK}@"
