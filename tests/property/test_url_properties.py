# ruff: noqa: RUF001, SIM905 - letters that look like others; lists of words
"""One reading of URLs: ours is urllib3's, and loopback is what the resolver says."""

from __future__ import annotations

import ipaddress
import re
import socket
from urllib.parse import urljoin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from jettison.oci.redact import redacted
from jettison.oci.url import Url, UrlError, is_loopback, split_user

NUMBER = st.one_of(
    st.integers(0, 300).map(str),
    st.integers(0, 1 << 33).map(str),
    st.integers(0, 1 << 33).map(hex),
    st.integers(0, 400).map(lambda n: f"0{n:o}"),
    st.sampled_from(["127", "0x7f", "0177", "0X7F", "08", "0x", "00127", "1_0", "+1", ""]),
)
HOST = st.one_of(
    st.lists(NUMBER, min_size=1, max_size=5).map(".".join),
    st.sampled_from(
        "localhost localhost. LOCALHOST a.localhost localhost.example 127.0.0.1. [::1] [::] [v1.a]"
        " [::ffff:127.0.0.1] [::ffff:7f00:1] [::127.0.0.1] [fe80::1%25lo] [::1 ::1 example.org a..b"
        " . - a_b %31 xn--a bücher.example １２７.0.0.1 127。0。0。1 ⓛocalhost faß.de".split()
    ),
    st.ip_addresses(v=6).map(lambda each: f"[{each}]"),
)
PIECE = st.one_of(
    st.sampled_from("@ : / // \\ ? # %40 % [ ] . .. a 80 u:p@ 127.0.0.1 evil.example ; &".split()),
    st.sampled_from(["http:", "https://", "é", " ", "\t", "\n", "\x00"]),
)
TEXT = st.one_of(
    st.tuples(
        st.sampled_from(["http://", "https://", "HTTP://", "http:/", "http:", "//", "ftp://", ""]),
        st.one_of(HOST, st.lists(PIECE, max_size=5).map("".join)),
        st.sampled_from(["", ":80", ":443", ":0", ":65535", ":65536", ":08", ":x", ":"]),
        st.lists(PIECE, max_size=6).map("".join),
    ).map("".join),
    st.text(max_size=40),
)


def parsed(text: str) -> Url | None:
    try:
        return Url.parse(text)
    except UrlError:
        return None


@settings(deadline=None)
@given(TEXT)
def test_what_is_taken_has_the_host_and_port_that_urllib3_connects_to(text: str) -> None:
    url = parsed(text)
    if url is None:
        return
    theirs = parse_url(str(url))
    assert theirs.auth is None
    assert (theirs.scheme, (theirs.host or "").strip("[]"), theirs.port or url.port) == (
        url.scheme,
        url.host,
        url.port,
    )
    if not text.isascii():
        return
    try:
        raw = parse_url(text)
    except LocationParseError:
        return
    assert raw.auth is None
    host = (raw.host or "").strip("[]").lower()  # numbers stay as they are written
    assert (host, raw.port or url.port) == (url.host, url.port)


@settings(deadline=None)
@given(TEXT)
def test_a_url_is_read_again_as_itself(text: str) -> None:
    url = parsed(text)
    if url is not None:
        assert Url.parse(str(url)) == url
        assert str(url).isascii()
        assert not set(str(url)) & set(" \\\r\n\t\x00#")


@settings(deadline=None)
@given(HOST)
def test_a_host_is_loopback_when_the_resolver_needs_to_ask_nobody_and_says_so(host: str) -> None:
    url = parsed(f"http://{host}/")
    if url is None or url.host.removesuffix(".").endswith("localhost"):
        return
    try:
        found = socket.getaddrinfo(
            url.host, 80, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
        )
    except OSError:
        assert not url.is_loopback
        return
    address = ipaddress.ip_address(found[0][4][0])
    mapped = getattr(address, "ipv4_mapped", None) or address
    assert url.is_loopback == mapped.is_loopback


@settings(deadline=None)
@given(st.lists(PIECE, max_size=8).map("".join))
def test_joins_are_those_of_the_rfc(reference: str) -> None:
    base = Url.parse("https://r.example/v2/a/b/blobs/uploads/?q=1")
    try:
        joined = base.join(reference)
    except UrlError:
        return
    expected = parsed(urljoin(str(base), reference))
    if expected is None or any(each in reference for each in ("#", ";", "//")) or not reference:
        return  # the library keeps fragments, knows parameters of paths and joins slashes
    theirs = parse_url(str(expected))
    assert joined.origin == expected.origin
    assert parse_url(str(joined)).path == theirs.path


@pytest.mark.parametrize(
    ("reference", "expected"),
    # RFC 3986 §5.4, with http URLs only.
    [
        ("g", "http://a/b/c/g"),
        ("./g", "http://a/b/c/g"),
        ("g/", "http://a/b/c/g/"),
        ("/g", "http://a/g"),
        ("//g", "http://g/"),
        ("?y", "http://a/b/c/d;p?y"),
        ("g?y", "http://a/b/c/g?y"),
        ("#s", "http://a/b/c/d;p?q"),
        ("g#s", "http://a/b/c/g"),
        (";x", "http://a/b/c/;x"),
        ("", "http://a/b/c/d;p?q"),
        (".", "http://a/b/c/"),
        ("..", "http://a/b/"),
        ("../g", "http://a/b/g"),
        ("../..", "http://a/"),
        ("../../../g", "http://a/g"),
        ("/./g", "http://a/g"),
        ("/../g", "http://a/g"),
        ("g.", "http://a/b/c/g."),
        ("..g", "http://a/b/c/..g"),
        ("g;x=1/../y", "http://a/b/c/y"),
        ("g?y/../x", "http://a/b/c/g?y/../x"),
    ],
)
def test_references_of_the_rfc(reference: str, expected: str) -> None:
    assert str(Url.parse("http://a/b/c/d;p?q").join(reference)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:1@evil.example/",
        "http://127.0.0.1\\@evil.example/",
        "http://evil.example\\.127.0.0.1/",
        "http://a b/",
        "http://a/\r\nX: y",
        "http://",
        "http:///x",
        "http://a:0/",
        "http://a:65536/",
        "http://a:+1/",
        "http://a:١/",
        "http://[::1",
        "http://[::1]x/",
        "http://::1/",
        "http://1.2.3.4.5/",
        "http://256.1/",
        "http://0x/",
        "http://%31/",
        "http://" + "a" * 64 + "/",
        "http://a/" + "x" * 20_000,
    ],
)
def test_what_may_be_read_in_two_ways_is_refused(text: str) -> None:
    with pytest.raises(UrlError) as raised:
        Url.parse(text)
    assert text not in str(raised.value)


@pytest.mark.parametrize(
    ("host", "expected"), [("127.1", True), ("0x7f.1", True), ("localhost.", True), ("0", False)]
)
def test_forms_of_this_machine(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


PASSWORD = st.text("abcXYZ019!$&'()*+,;=/?#[]%:-._~@", min_size=8, max_size=20)


@settings(deadline=None)
@given(st.sampled_from(["http", "https", "git", "ssh"]), PASSWORD)
def test_no_password_of_a_url_is_shown(scheme: str, password: str) -> None:
    if re.match(r"\d+[/?#]", password):
        return  # a port
    if re.search(r"@.*[/?#]", password):
        return  # a host
    text = f"ADD {scheme}://user:{password}@host.example/x.git /x"
    assert redacted(text).startswith(f"ADD {scheme}://xxxxx:xxxxx@")
    assert redacted(text).endswith("/x.git /x")
    assert password not in redacted(text)
    if scheme.startswith("http"):
        try:
            url, user = split_user(f"{scheme}://user:{password}@host.example/x.git")
        except UrlError:
            return
        assert (url.host, user is not None) == ("host.example", True)
