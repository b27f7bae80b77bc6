"""Known values are found in layers, however they are written, and nothing that is found shows them."""

from __future__ import annotations

import gzip
import io
import lzma
import os
import random
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jettison.analysis.secrets.inflate import inflater
from jettison.analysis.secrets.known import KnownSecrets, is_distinct
from jettison.analysis.secrets.search import Searcher, Sighting
from jettison.fs.zstd import ZstdCompressor

VALUE = b"hunter2-Zq83!vXw"


def searched(layer: Path, *values: bytes) -> list[Sighting]:
    secrets = {f"s{number}": value for number, value in enumerate(values or (VALUE,))}
    return list(Searcher(secrets).in_layer(layer))


TEXT = bytes(random.Random(3).choices(b"abcdefghijklmnop", k=5000))
"""What is compressed by the bit: no value is left in it."""


def zstd(data: bytes) -> bytes:
    compressor = ZstdCompressor()
    return compressor.compress(data) + compressor.flush()


def archive(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "form"),
    [
        ("plain", b"token = " + VALUE, "as it is"),
        ("dump.gz", gzip.compress(bytes(300_000) + VALUE), "compressed, as it is"),
        ("two.gz", gzip.compress(b"one") + gzip.compress(VALUE), "compressed, as it is"),
        ("hex.gz", gzip.compress(VALUE.hex().encode()), "compressed, hexadecimal digits"),
        ("app.jar", archive({"a.txt": b"no" * 99, "b.txt": b"x" + VALUE}), "compressed, as it is"),
        ("stored.zip", archive({"a": VALUE}, zipfile.ZIP_STORED), "as it is"),
        ("dump.xz", lzma.compress(TEXT + VALUE), "compressed, as it is"),
        (
            "two.xz",
            lzma.compress(b"one") + bytes(8) + lzma.compress(TEXT + VALUE),
            "compressed, as it is",
        ),
        ("dump.zst", zstd(TEXT + VALUE), "compressed, as it is"),
        ("two.zst", zstd(b"one") + zstd(TEXT + VALUE), "compressed, as it is"),
    ],
    ids=lambda each: each if isinstance(each, str) and "." in each else "",
)
def test_a_value_is_found_in_a_file(tmp_path: Path, name: str, content: bytes, form: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert searched(tmp_path) == [Sighting("s0", f"/{name}", form)]


def test_names_links_and_attributes_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / VALUE.decode()).touch()
    (tmp_path / "link").symlink_to("/" + VALUE.decode())
    (tmp_path / "file").touch()
    os.setxattr(tmp_path / "file", "user.note", VALUE)
    assert {each.path for each in searched(tmp_path)} == {"/***", "/link", "/file"}
    assert VALUE.decode() not in repr(searched(tmp_path))


def test_all_secrets_and_all_files_are_listed_each_once(tmp_path: Path) -> None:
    other = b"another-One_4711"
    (tmp_path / "a").write_bytes(VALUE * 3 + other)
    (tmp_path / "b").write_bytes(other)
    found = [(each.secret, each.path) for each in searched(tmp_path, VALUE, other)]
    assert sorted(found) == [("s0", "/a"), ("s1", "/a"), ("s1", "/b")]


@pytest.mark.parametrize("compress", [gzip.compress, lzma.compress, zstd])
def test_a_bomb_costs_a_bounded_time(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    (tmp_path / "a").write_bytes(compress(bytes(8 << 20)) * 80)
    began = time.process_time()
    assert searched(tmp_path) == []
    assert time.process_time() - began < 60


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300), st.lists(st.integers(1, 60), max_size=20), st.booleans())
def test_damaged_archives_are_no_error(noise: bytes, cuts: list[int], zipped: bool) -> None:
    whole = archive({"a": VALUE * 5, "b": noise}) if zipped else gzip.compress(VALUE + noise)
    damaged = whole[:20] + noise + whole[25:]
    inside = inflater(whole, 1 << 20)
    assert inside is not None
    at = 0
    for cut in [*cuts, len(damaged)]:
        for data in inside.feed(damaged[at : at + cut]):
            assert len(data) <= 1 << 20
        at += cut


@settings(max_examples=40, deadline=None)
@given(
    st.binary(max_size=300), st.lists(st.integers(1, 60), max_size=20),
    st.sampled_from([lzma.compress, zstd]), st.booleans(),
)  # fmt: skip
def test_streams_of_xz_and_zstd_come_out_however_they_are_cut_and_damaged_ones_end(
    noise: bytes, cuts: list[int], compress: Callable[[bytes], bytes], is_damaged: bool
) -> None:
    content = noise + VALUE
    whole = compress(content) * 2
    if is_damaged:
        whole = whole[:14] + noise + whole[19:]
    inside = inflater(whole, 1 << 20)
    assert inside is not None
    at, out = 0, b""
    for cut in [*cuts, len(whole)]:
        out += b"".join(inside.feed(whole[at : at + cut]))
        at += cut
    assert is_damaged or out == content * 2
    assert len(out) <= 1 << 20


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 90), min_size=1, max_size=30), st.booleans())
def test_members_come_out_however_the_file_is_cut(cuts: list[int], zipped: bool) -> None:
    content = bytes(random.Random(1).randbytes(2000)) + VALUE
    whole = archive({"a": b"first" * 50, "b": content}) if zipped else gzip.compress(content)
    inside = inflater(whole, 1 << 20)
    assert inside is not None
    at, out = 0, b""
    for cut in [*cuts, len(whole)]:
        out += b"".join(inside.feed(whole[at : at + cut]))
        at += cut
    assert out.endswith(content)


def test_many_secrets_are_searched_for_as_fast_as_few(tmp_path: Path) -> None:
    rng = random.Random(2)
    (tmp_path / "big").write_bytes(rng.randbytes(16 << 20))
    one = {"a": rng.randbytes(9).hex().encode()}
    many = {str(at): rng.randbytes(12).hex().encode() + b"/+% \"'" for at in range(40)}
    took = []
    for secrets in (one, many):
        searcher = Searcher(secrets)
        began = time.process_time()
        assert list(searcher.in_layer(tmp_path)) == []
        took.append(time.process_time() - began)
    assert took[1] < 40 * took[0]


def test_short_and_simple_values_are_not_known() -> None:
    assert KnownSecrets({"a": b"short", "b": b"aaaaaaaaaaaaaaaa", "c": b"true"}).values == {}
    assert list(KnownSecrets({"a": b"short", "b": VALUE + b"\n"}).values.values()) == [VALUE]
    assert is_distinct(VALUE)


def test_the_token_of_a_file_is_known_by_itself() -> None:
    token = "0fe1c2d3-" + "aa41-4bb2-9cc3-1d2e3f405162"
    file = f"registry=https://r.example/\n//r.example/:_authToken={token}\nemail=a@b\n".encode()
    known = KnownSecrets({"secret `npmrc`": file})
    assert token.encode() in known.values.values()
    assert {known.name(key) for key in known.values} == {"secret `npmrc`"}
    assert {known.length(key) for key in known.values} == {len(token), len(file.strip())}


def test_nothing_of_a_value_is_in_what_is_shown_or_kept() -> None:
    known = KnownSecrets({"token": VALUE})
    assert "hunter2" not in repr(known)
    one, other = known.digest(b"k" * 32, "layer"), known.digest(b"q" * 32, "layer")
    assert one != other
    assert one == KnownSecrets({"token": VALUE}).digest(b"k" * 32, "layer")
    assert one != known.digest(b"k" * 32, "layer2")
    assert one != KnownSecrets({"token": VALUE + b"x"}).digest(b"k" * 32, "layer")
