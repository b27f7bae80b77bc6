"""eStargz layers, read back by their own rules with zlib and json alone."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import struct
import tarfile
import zlib
from pathlib import Path
from typing import Any

import pytest

from jettison.layer.estargz import (
    CHUNK_BYTES,
    TOC_NAME,
    UNCOMPRESSED_SIZE,
    write_estargz,
)
from jettison.oci.manifest import TOC_DIGEST

FOOTER_BYTES = 51
BIG = random.Random(1).randbytes(2 * CHUNK_BYTES + 12345)
FILES = {"a": b"hello", "dir/big": BIG, "dir/empty": b"", "dir/four": BIG[:CHUNK_BYTES], "z": b"z"}


def tar_of(files: dict[str, bytes], *others: tarfile.TarInfo) -> io.BytesIO:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.mode, member.uid = len(data), 1000, 0o4755, 12
            tar.addfile(member, io.BytesIO(data))
        for each in others:
            tar.addfile(each)
    return out


def member(name: str, kind: bytes, **fields: Any) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type = kind
    for key, value in fields.items():
        setattr(made, key, value)
    return made


def written(tar: io.BytesIO, level: int | None = None) -> tuple[bytes, str, dict[str, str]]:
    out = io.BytesIO()
    result = write_estargz(tar, out.write, level)
    assert result is not None
    return out.getvalue(), *result


def table_of(blob: bytes) -> tuple[list[dict[str, Any]], bytes]:
    """Find the table of contents as readers do: by the footer."""
    footer = blob[-FOOTER_BYTES:]
    assert footer[:4] == b"\x1f\x8b\x08\x04"
    (extra,) = struct.unpack("<H", footer[10:12])
    assert footer[12:14] == b"SG"
    text = footer[16 : 12 + extra]
    assert text.endswith(b"STARGZ")
    assert gzip.decompress(footer) == b""
    offset = int(text[:16], 16)
    inner = gzip.decompress(blob[offset:-FOOTER_BYTES])
    with tarfile.open(fileobj=io.BytesIO(inner)) as tar:
        (entry,) = tar.getmembers()
        assert entry.name == TOC_NAME.decode()
        toc = tar.extractfile(entry).read()  # type: ignore[union-attr]
    document = json.loads(toc)
    assert document["version"] == 1
    return document["entries"], toc


def test_each_chunk_is_read_alone_by_its_offset() -> None:
    blob, _, annotations = written(tar_of(FILES))
    entries, toc = table_of(blob)
    assert annotations[TOC_DIGEST] == f"sha256:{hashlib.sha256(toc).hexdigest()}"
    found: dict[str, bytes] = {}
    for entry in entries:
        if entry["type"] not in {"reg", "chunk"}:
            continue
        if entry["type"] == "reg":
            found[entry["name"]] = b""
            size = entry.get("size", 0)
        else:
            size = len(FILES[entry["name"]])
        if not size:
            continue
        assert len(found[entry["name"]]) == entry.get("chunkOffset", 0)
        wanted = entry.get("chunkSize", 0) or size - entry.get("chunkOffset", 0)
        data = zlib.decompressobj(31).decompress(blob[entry["offset"] :], wanted)
        assert entry["chunkDigest"] == f"sha256:{hashlib.sha256(data).hexdigest()}"
        found[entry["name"]] += data
    assert found == FILES
    digests = {each["name"]: each["digest"] for each in entries if each["type"] == "reg"}
    wanted_digests = {n: f"sha256:{hashlib.sha256(d).hexdigest()}" for n, d in FILES.items()}
    assert digests == wanted_digests


def test_the_tar_is_kept_and_the_diff_id_is_that_of_everything() -> None:
    tar = tar_of(FILES)
    blob, diff_id, annotations = written(tar)
    plain = gzip.decompress(blob)
    assert plain.startswith(tar.getvalue())
    assert diff_id == f"sha256:{hashlib.sha256(plain).hexdigest()}"
    assert annotations[UNCOMPRESSED_SIZE] == str(len(plain))
    with tarfile.open(fileobj=io.BytesIO(plain)) as again:
        assert again.getnames() == list(FILES)  # readers stop before the table


def test_all_kinds_of_entries_are_described() -> None:
    attributes = {"SCHILY.xattr.user.x": "value"}
    blob, _, _ = written(
        tar_of(
            {"f": b"1"},
            member("d/", tarfile.DIRTYPE, mode=0o1777, mtime=0),
            member("l", tarfile.SYMTYPE, linkname="f"),
            member("h", tarfile.LNKTYPE, linkname="f"),
            member("c", tarfile.CHRTYPE, devmajor=1, devminor=3),
            member("p", tarfile.FIFOTYPE),
            member("x", tarfile.REGTYPE, pax_headers=attributes),
        )
    )
    entries = {each["name"].rstrip("/"): each for each in table_of(blob)[0]}
    kinds = {name: each["type"] for name, each in entries.items()}
    assert kinds == {
        "f": "reg", "d": "dir", "l": "symlink", "h": "hardlink",
        "c": "char", "p": "fifo", "x": "reg",
    }  # fmt: skip
    assert entries["f"]["mode"] == 0o4755
    assert entries["f"]["uid"] == 12
    assert entries["f"]["modtime"] == "1970-01-01T00:16:40Z"
    assert "modtime" not in entries["d"]
    assert entries["h"]["linkName"] == entries["l"]["linkName"] == "f"
    assert (entries["c"]["devMajor"], entries["c"]["devMinor"]) == (1, 3)
    assert entries["x"]["xattrs"] == {"user.x": "dmFsdWU="}


@pytest.mark.parametrize("level", [0, 1, 9])
def test_the_bytes_follow_from_tar_and_level(level: int) -> None:
    tar = tar_of({"a": b"x" * 100_000, "b": b"y"})
    first = written(tar, level)
    assert written(tar, level) == first
    assert gzip.decompress(first[0]).startswith(tar.getvalue())


def test_what_can_have_no_table_is_left_alone(tmp_path: Path) -> None:
    out = io.BytesIO()
    assert write_estargz(tar_of({TOC_NAME.decode(): b"{}"}), out.write) is None
    sparse = member("s", tarfile.GNUTYPE_SPARSE)
    header = bytearray(sparse.tobuf(tarfile.GNU_FORMAT))
    header[483:495] = b"00000001000\0"
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    assert write_estargz(io.BytesIO(bytes(header) + bytes(1024)), out.write) is None
    assert out.getvalue() == b""


def test_an_empty_layer_has_an_empty_table() -> None:
    blob, _, _ = written(io.BytesIO(bytes(1024)))
    assert table_of(blob)[0] == []
