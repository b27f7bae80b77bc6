"""No text of a server, a registry or git takes long to be read, whatever it is made of.

Every parser is given texts of many shapes, as long as the parser lets through and far longer, in
a program of its own that must end within a deadline. What looks at a text a number of times that
grows with its length needs hours for these.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jettison.errors import JettisonError
from jettison.oci.codec import decode
from jettison.oci.config import ImageConfig
from jettison.oci.digest import parse_digest
from jettison.oci.manifest import Index, Manifest
from jettison.oci.redact import redacted
from jettison.oci.reference import parse_reference
from jettison.oci.url import Url, UrlError, split_user
from jettison.registry.error import refusal
from jettison.registry.headers import (
    next_link,
    parse_challenges,
    parse_http_date,
    parse_length,
    retry_after,
)

DEADLINE_SECONDS = 100
LENGTHS = (16_000, 100_000)

PARSERS: dict[str, tuple[Callable[[str], object], tuple[str, ...]]] = {
    "challenges": (
        lambda text: parse_challenges([text] * 50),
        ("a", "a=b", " ", ",", '"', "\\", "=", 'a="', "Bearer ", "\t", "\x01", 'a="b" '),
    ),
    "link": (next_link, ("<", ">", ";", ",", "rel", "=", '"', "next", " ", "<a>;", "<a>; rel=x, ")),
    "length": (parse_length, ("1", "²", "0", " ", "-")),
    "date": (parse_http_date, ("1", "Wed, ", ":", "Oct ", "(", ")", '"', "\\", "+", " ", "GMT")),
    "pause": (retry_after, ("1", "Wed, ", ":", "(", '"', " ")),
    "digest": (parse_digest, ("sha256:", "a", ":", "0")),
    "reference": (parse_reference, ("a", "-", "_", ".", "/", ":", "@", "A", "[", "1", "__", "a-")),
    "url": (Url.parse, ("http://", "a", ".", "@", ":", "[", "%", "/", "é", "0x", "xn--", "-")),
    "url with user": (split_user, ("http://", "a", "@", ":", "%40", "/", "http://u:p@")),
    "location": (
        Url.parse("https://r.example/v2/").join,
        ("/", ".", "..", "../", "a/", "?", "é", "//"),
    ),
    "redaction": (redacted, ("://", "a", "@", ":", "/", " ", "://u:", "://u:p@", "1", "http")),
    "refusal": (
        lambda text: refusal(400, text.encode()[: 64 << 10], doing="x", registry="r"),
        ("[", "{", '{"errors":', '"', "\\u0000", "1", '{"errors":[{"message":"'),
    ),
    "manifest": (
        lambda text: decode(Manifest, text.encode()),
        ("[", "{", '{"a":', '"', "\\", "1", '{"layers":['),
    ),
    "index": (
        lambda text: decode(Index, text.encode()),
        ("[", "null,", '{"manifests":[', '"', "1", "]", "}"),
    ),
    "config": (
        lambda text: decode(ImageConfig, text.encode()),
        ("[", '{"config":', '"', "1", '{"rootfs":{"diff_ids":["', "}"),
    ),
}


def texts(units: tuple[str, ...], length: int):
    for prefix, unit, suffix in itertools.product(("", units[0]), units, ("", "\x01", units[-1])):
        yield prefix + unit * (length // len(unit)) + suffix
    for one, other in itertools.permutations(units, 2):
        pair = one + other
        yield pair * (length // len(pair))
        yield one * (length // 2 // len(one)) + other * (length // 2 // len(other))


def read_all(name: str) -> None:
    parse, units = PARSERS[name]
    for length in LENGTHS:
        for text in texts(units, length):
            with suppress(JettisonError, UrlError):
                parse(text)


@pytest.mark.parametrize("name", PARSERS)
def test_no_text_takes_long_to_be_read(name: str) -> None:
    program = f"""
import importlib.util, sys
sys.path[:] = {sys.path!r}
spec = importlib.util.spec_from_file_location("m", {__file__!r})
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
module.read_all({name!r})
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=DEADLINE_SECONDS)


@pytest.mark.parametrize("name", PARSERS)
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_any_text_is_read_or_refused(name: str, data: st.DataObject) -> None:
    parse, units = PARSERS[name]
    piece = st.one_of(st.sampled_from(units), st.characters(max_codepoint=0x2FF))
    text = "".join(data.draw(st.lists(piece, max_size=30)))
    with suppress(JettisonError, UrlError):  # nothing else
        parse(text)
