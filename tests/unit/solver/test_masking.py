"""Secrets are masked however a stream is cut and however they are written."""

from __future__ import annotations

import base64
import json
import shlex
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from jettison.analysis.secrets.encodings import forms, needles
from jettison.analysis.secrets.matching import Matcher
from jettison.errors import ExecError, SecretInLayerError
from jettison.events import Event, Outcome, VertexEnded
from jettison.solver.leaks import find_leak, refuse_leaks
from jettison.solver.masking import Masker, MaskingSink

SECRETS = st.binary(min_size=6, max_size=40).filter(lambda value: len(value.strip()) >= 6)
TEXTS = st.text(
    st.one_of(st.sampled_from("\"'\\/ $`&<>+=:é€\t*!,"), st.characters(codec="utf-8")),
    min_size=6,
    max_size=30,
).filter(lambda value: len(value.strip().encode()) >= 6 and "*" not in value)


def masker_of(*values: bytes) -> Masker:
    return Masker(Matcher(needles(values)))


def feed(masker: Masker, data: bytes, cuts: list[int]) -> bytes:
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    shown = b"".join(masker.feed(data[begin:end]) for begin, end in pairwise(places))
    return shown + masker.finish()


def raw(value: bytes) -> bytes:
    return value


def in_base64(value: bytes, before: bytes = b"") -> bytes:
    """Return the characters that depend on the value only."""
    text = base64.b64encode(before + value)
    return text[(0, 2, 3)[len(before)] : len(before + value) * 8 // 6]


ENCODINGS = {
    "raw": raw,
    "base64": in_base64,
    "base64 after one byte": lambda value: in_base64(value, b"u"),
    "base64 after two bytes": lambda value: in_base64(value, b"u:"),
    "url-safe base64": lambda value: in_base64(value).translate(bytes.maketrans(b"+/", b"-_")),
    "hex": lambda value: value.hex().encode(),
    "HEX": lambda value: value.hex().upper().encode(),
    "quote": lambda value: quote(value).encode(),
    "quote all": lambda value: quote(value, safe="").encode(),
    "quote plus": lambda value: quote_plus(value).encode(),
    "json": lambda value: json.dumps(value.decode()).encode()[1:-1],
    "json in UTF-8": lambda value: json.dumps(value.decode(), ensure_ascii=False).encode()[1:-1],
    "json with slashes": lambda v: json.dumps(v.decode()).encode()[1:-1].replace(b"/", b"\\/"),
    "xml": lambda value: escape(value.decode()).encode(),
    "shell": lambda value: shlex.quote(value.decode()).encode().strip(b"'"),
    "backslashes": lambda value: value.replace(b"'", b"'\\''"),
}
WRAPPED = ("base64", "base64 after one byte", "base64 after two bytes", "hex", "HEX")


@given(SECRETS, st.binary(max_size=60), st.binary(max_size=60), st.lists(st.integers(0, 200)))
def test_no_way_of_cutting_a_stream_shows_a_secret(
    secret: bytes, before: bytes, after: bytes, cuts: list[int]
) -> None:
    assert secret.strip() not in feed(masker_of(secret), before + secret + after, cuts)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(TEXTS, min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from(sorted(ENCODINGS)), st.binary(max_size=9)),
             min_size=1, max_size=6),
    st.lists(st.integers(0, 500), max_size=30),
)  # fmt: skip
def test_no_secret_is_printed_in_any_form(
    secrets: list[str], written: list[tuple[int, str, bytes]], cuts: list[int]
) -> None:
    values = [secret.strip().encode() for secret in secrets]
    data, texts = b"", []
    for number, encoding, between in written:
        text = ENCODINGS[encoding](values[number % len(values)])
        texts.append(text)
        data += text + between.replace(b"*", b"") + b"\n"
    shown = feed(masker_of(*values), data, cuts)
    # What is left is only between masks: no text may be in one piece of it, unless it is short.
    for piece in shown.split(b"***"):
        for text in texts:
            assert len(text) < 8 or text not in piece
    again = feed(masker_of(*values), data, [])
    assert shown == again


@settings(max_examples=60, deadline=None)
@given(
    st.binary(min_size=12, max_size=90),
    st.sampled_from(WRAPPED),
    st.integers(8, 80),
    st.sampled_from([b"\n", b"\r\n"]),
    st.integers(0, 80),
    st.lists(st.integers(0, 500), max_size=30),
)
def test_wrapped_forms_are_masked_at_any_column(
    secret: bytes, encoding: str, column: int, end: bytes, before: int, cuts: list[int]
) -> None:
    value = secret.strip()
    assume(len(value) >= 12)
    text = b"~" * before + ENCODINGS[encoding](value)
    lines = [text[at : at + column] for at in range(0, len(text), column)]
    shown = feed(masker_of(value), end.join(lines), cuts)
    assert b"***" in shown
    left = shown.replace(b"***", b"").replace(b"~", b"").translate(None, b"\r\n")
    assert len(left) <= 3  # what stood before a break and was not held back


@given(
    st.text("ab", min_size=4, max_size=9),
    st.text("ab", min_size=4, max_size=9),
    st.text("ab", max_size=40),
    st.lists(st.integers(0, 50), max_size=20),
)
def test_secrets_that_overlap_are_masked_together(
    one: str, two: str, data: str, cuts: list[int]
) -> None:
    values, text = (one.encode(), two.encode()), data.encode()
    covered = [
        any(text.startswith(value, at) and at <= place < at + len(value)
            for value in values for at in range(place + 1))
        for place in range(len(text))
    ]  # fmt: skip
    expected = "".join(
        char if not hidden else "" if at and covered[at - 1] else "***"
        for at, (char, hidden) in enumerate(zip(data, covered, strict=True))
    )
    assert feed(masker_of(*values), text, cuts) == expected.encode()


def test_a_secret_that_begins_as_another_does_not_show_its_end() -> None:
    masker = masker_of(b"hunter2", b"hunter2-production")
    assert masker.feed(b"a hunter2") == b"a "
    assert masker.feed(b"-prod") == b""
    assert masker.feed(b"uction :") == b"*** :"
    assert masker.feed(b"hunter2-prod") == b""
    assert masker.feed(b" :") == b"***-prod :"


@pytest.mark.parametrize("cut", range(1, 12))
def test_an_overlap_is_masked_in_two_writes(cut: int) -> None:
    masker = masker_of(b"abcdefg", b"efghijk")
    data = b"abcdefghijk"
    assert masker.feed(data[:cut]) + masker.feed(data[cut:]) + masker.finish() == b"***"


@given(st.lists(st.binary(max_size=300)), st.lists(SECRETS, max_size=3))
def test_output_without_secrets_comes_through_unchanged(
    chunks: list[bytes], secrets: list[bytes]
) -> None:
    data = b"".join(chunks)
    texts = [needle.text for needle in needles(secrets)]
    seen = data.translate(None, b"\r\n")
    assume(not any(text[3:] in data or text[3:] in seen for text in texts))
    masker = masker_of(*secrets)
    assert b"".join(map(masker.feed, chunks)) + masker.finish() == data


def test_harmless_output_is_shown_at_once() -> None:
    masker = masker_of(b"hunter2")
    assert masker.feed(b"progress 10%") == b"progress 10%"
    assert masker.feed(b"a hun") == b"a "
    assert masker.feed(b"dred.") == b"hundred."


def test_lines_that_end_as_an_encoded_secret_begins_are_shown_at_once() -> None:
    masker = masker_of(b"hunter2")
    assert masker.feed(b"a\nb 68\n6") == b"a\nb 68\n"  # 0x68 is h


def test_what_is_held_back_is_bounded() -> None:
    value = bytes(range(33, 120)) * 40
    masker = masker_of(value)
    text = base64.encodebytes(value)
    assert masker.feed(b"\n" * 9) == b"\n" * 9
    masker.feed(text[:500])
    shown = sum(len(masker.feed(b"\n" * 100)) for _ in range(40))
    assert shown > 4_000 - 3 * 1024


def test_lines_of_a_key_are_masked_one_by_one() -> None:
    key = b"-----BEGIN KEY-----\nfirst+line+of+it\nsecond/line/of/it\n-----END KEY-----\n"
    masker = masker_of(key)
    shown = masker.feed(b"> second/line/of/it\n-----BEGIN KEY-----\n") + masker.finish()
    assert shown == b"> ***\n-----BEGIN KEY-----\n"
    shown = masker.feed(b'{"k": "second\\/line\\/of\\/it"}') + masker.finish()
    assert shown == b'{"k": "***"}'


def test_a_long_secret_is_masked_to_its_last_byte() -> None:
    value = bytes(33 + at * at % 90 for at in range(1024 * 3 + 5))
    masker = masker_of(value)
    assert masker.feed(b"<" + value + b">") + masker.finish() == b"<***>"


def test_values_of_three_bytes_are_not_masked() -> None:
    assert needles([b"abc\n"]) == ()


def test_events_and_errors_lose_the_secret() -> None:
    events: list[Event] = []
    sink = MaskingSink(events.append, [b"hunter2"])
    sink(VertexEnded(0, "v", "RUN x", Outcome.FAILED, "hunter2 failed"))
    assert events == [VertexEnded(0, "v", "RUN x", Outcome.FAILED, "*** failed")]
    error = ExecError("hunter2", exit_code=1, log_tail="said hunter2", hint="not hunter2")
    error.add_note("also hunter2")
    sink.mask_error(error)
    told = f"{error} {error.message} {error.hint} {error.log_tail} {error.__notes__}"
    assert "hunter2" not in told


def test_a_secret_at_the_seam_of_two_chunks_is_found(tmp_path: Path) -> None:
    for size in (4 << 20, 256 << 10):
        (tmp_path / "file").write_bytes(bytes(size - 3) + b"hunter2" + bytes(100))
        leak = find_leak(tmp_path, {"id": b"hunter2\n"})
        assert leak is not None
        assert (leak.secret, leak.path, leak.form) == ("id", "/file", "as it is")


@settings(max_examples=60, deadline=None)
@given(TEXTS, st.sampled_from(sorted(ENCODINGS)), st.integers(0, 9), st.integers(0, 30))
def test_every_form_is_found_in_layers(
    tmp_path_factory: pytest.TempPathFactory, secret: str, encoding: str, before: int, column: int
) -> None:
    value = secret.strip().encode()
    text = ENCODINGS[encoding](value)
    assume(len(text) >= 8)
    if encoding in WRAPPED and column > 3:
        text = b"\n".join(text[at : at + column] for at in range(0, len(text), column))
    place = tmp_path_factory.mktemp("layer")
    (place / "file").write_bytes(b"~" * before + text + b"~")
    assert find_leak(place, {"id": value}) is not None


def test_huge_holes_are_not_read(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        file.truncate(1 << 42)
        file.seek(1 << 41)
        file.write(b"hunter2")
    assert find_leak(tmp_path, {"id": b"hunter2"}) is not None
    assert find_leak(tmp_path, {"id": b"hunter3"}) is None


def test_wrapped_base64_of_a_long_secret_is_found(tmp_path: Path) -> None:
    secret = bytes(range(33, 120)) * 3
    (tmp_path / "file").write_bytes(base64.encodebytes(b"user:" + secret))
    with pytest.raises(SecretInLayerError, match="base64"):
        refuse_leaks(tmp_path, {"id": secret})


def test_short_values_are_not_looked_for(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"true")
    assert find_leak(tmp_path, {"id": b"true"}) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b'a"b\\c\nd', b'a\\"b\\\\c\\nd'),
        (b"it's it", b"it'\\''s it"),
        (b"it's it", b"it'\"'\"'s it"),
        (b"a b$c&d", b"a\\ b\\$c\\&d"),
        (b"a<b>&c'", b"a&lt;b&gt;&amp;c&#39;"),
        ("schlüssel".encode(), b"schl\\u00fcssel"),
        ("schlüssel".encode(), b"schl\\xc3\\xbcssel"),
        ("schlüssel".encode(), b"schl\\303\\274ssel"),
        (b"a&b<c", b"a\\u0026b\\u003cc"),
        (b"a/b!c(d", b"a%2Fb!c(d"),
    ],
)
def test_escapes_of_other_programs_are_known(value: bytes, text: bytes) -> None:
    assert text in forms(value)
