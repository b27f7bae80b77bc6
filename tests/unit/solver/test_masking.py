"""Secrets are masked however a stream is cut and however they are written."""

from __future__ import annotations

import base64
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jettison.errors import ExecError, SecretInLayerError
from jettison.events import Event, Outcome, VertexEnded
from jettison.solver.leaks import Finder, refuse_leaks
from jettison.solver.masking import Masker, MaskingSink, needles

SECRETS = st.binary(min_size=6, max_size=40).filter(lambda value: len(value.strip()) >= 6)


@given(SECRETS, st.binary(max_size=60), st.binary(max_size=60), st.lists(st.integers(0, 200)))
def test_no_way_of_cutting_a_stream_shows_a_secret(
    secret: bytes, before: bytes, after: bytes, cuts: list[int]
) -> None:
    data = before + secret + after
    masker = Masker(needles([secret]))
    shown = b""
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for begin, end in pairwise(places):
        shown += masker.feed(data[begin:end])
    shown += masker.finish()
    assert secret.strip() not in shown


@given(SECRETS, st.integers(0, 5), st.binary(max_size=5))
def test_every_form_of_a_secret_is_masked(secret: bytes, before: int, after: bytes) -> None:
    value = secret.strip()
    for text in (
        base64.b64encode(bytes(before) + value + after),
        base64.urlsafe_b64encode(bytes(before) + value + after),
        value.hex().encode(),
        value.hex().upper().encode(),
        quote(value).encode(),
        quote(value, safe="").encode(),
        quote_plus(value).encode(),
    ):
        masker = Masker(needles([secret]))
        assert b"***" in masker.feed(text) + masker.finish()


@given(st.binary(max_size=300))
def test_output_without_secrets_comes_through_unchanged(data: bytes) -> None:
    masker = Masker(needles([b"never-in-here-0123456789"]))
    assert masker.feed(data) + masker.finish() == data


def test_harmless_output_is_shown_at_once() -> None:
    masker = Masker(needles([b"hunter2"]))
    assert masker.feed(b"progress 10%") == b"progress 10%"
    assert masker.feed(b"a hun") == b"a "
    assert masker.feed(b"dred") == b"hundred"


def test_lines_of_a_key_are_masked_one_by_one() -> None:
    key = b"-----BEGIN KEY-----\nfirst+line+of+it\nsecond/line/of/it\n-----END KEY-----\n"
    masker = Masker(needles([key]))
    shown = masker.feed(b"> second/line/of/it\n-----BEGIN KEY-----\n") + masker.finish()
    assert shown == b"> ***\n-----BEGIN KEY-----\n"


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
    (tmp_path / "file").write_bytes(bytes((4 << 20) - 3) + b"hunter2" + bytes(100))
    leak = Finder({"id": b"hunter2\n"}).find(tmp_path)
    assert leak is not None
    assert (leak.secret, leak.path, leak.form) == ("id", "/file", "as it is")


def test_wrapped_base64_of_a_long_secret_is_found(tmp_path: Path) -> None:
    secret = bytes(range(33, 120)) * 3
    (tmp_path / "file").write_bytes(base64.encodebytes(secret))
    with pytest.raises(SecretInLayerError, match="base64"):
        refuse_leaks(tmp_path, {"id": secret})


def test_short_values_are_not_looked_for(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"true")
    assert Finder({"id": b"true"}).find(tmp_path) is None
