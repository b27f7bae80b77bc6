"""Credentials of URLs in texts that people are shown, well-formed or not."""

from __future__ import annotations

import time

import pytest

from jettison.oci.redact import blanked, passwords, redacted, unescaped

TOKEN = "0123456789abcdef"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://u:p@h", "https://xxxxx:xxxxx@h"),
        ("https://:p@h", "https://xxxxx:xxxxx@h"),
        (f"https://{TOKEN}@h", "https://xxxxx@h"),
        ("a https://u:p@h b git://u@h c", "a https://xxxxx:xxxxx@h b git://xxxxx@h c"),
        ("https://u:p@q@h", "https://xxxxx:xxxxx@h"),
        ("https://u:p/q@h", "https://xxxxx:xxxxx@h"),
        ("https://u:p?q#r@h", "https://xxxxx:xxxxx@h"),
        ("http://h:80/@types/node", "http://h:80/@types/node"),
        ("http://h/@e", "http://h/@e"),
        ("me@example.org", "me@example.org"),
        ("https://h/a b@c", "https://h/a b@c"),
        ("", ""),
    ],
)
def test_credentials_are_masked(text, shown):
    assert redacted(text) == shown
    assert redacted(shown) == shown


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("https://u:p%40q@h", [("p@q", "p%40q")]),
        ("https://u:a@h https://v:a@h https://w:b@h", [("a", "a"), ("b", "b")]),
        (f"https://{TOKEN}@h https://git@h", [(TOKEN, TOKEN)]),
        ("https://u:@h", []),
        ("https://h/x", []),
    ],
)
def test_passwords_and_tokens_are_found_as_written_and_as_they_are(text, found):
    assert passwords(text) == found


@pytest.mark.parametrize("text", ["x https://u:pw@h/y", "https://u:pw/q@h", f"git://{TOKEN}@h"])
def test_a_blanked_text_keeps_its_length_and_loses_its_secrets(text):
    (_, secret), *_ = passwords(text)
    assert len(blanked(text)) == len(text)
    assert secret not in blanked(text)
    assert passwords(blanked("https://h/x")) == []


def test_what_is_decoded_may_be_no_text():
    assert unescaped("a%41%zz%ff%2") == "aA%zz\N{REPLACEMENT CHARACTER}%2"


def test_long_texts_take_no_long_time():
    began = time.monotonic()
    for text in (
        "://" * 15_000 + "@",
        "://a:" * 6_000 + "@x",
        "://" + "a:" * 15_000,
        "@" * 60_000,
    ):
        redacted(text)
        passwords(text)
    assert time.monotonic() - began < 2
