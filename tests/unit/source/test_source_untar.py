"""Contexts that come as tars."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from pathlib import Path

import pytest

from jettison.errors import UnsafeArchiveError
from jettison.layer.archive import open_archive
from jettison.source.untar import unpack_context


def unpack(tmp: Path, *members: tuple[str, bytes | str, dict[str, object]]) -> Path:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content, fields in members:
            info = tarfile.TarInfo(name)
            info.mtime = 1_500_000_000
            if isinstance(content, bytes):
                info.size = len(content)
            for key, value in fields.items():
                setattr(info, key, value)
            if isinstance(content, str):
                info.linkname = content
            archive.addfile(info, io.BytesIO(content) if isinstance(content, bytes) else None)
    path = tmp / "t.tar"
    path.write_bytes(stream.getvalue())
    into = tmp / "into"
    into.mkdir(exist_ok=True)
    opened = open_archive(path)
    assert opened is not None
    with opened:
        unpack_context(opened, into)
    return into


SYMLINK = {"type": tarfile.SYMTYPE}
LINK = {"type": tarfile.LNKTYPE}
DIRECTORY = {"type": tarfile.DIRTYPE}


def test_files_keep_mode_and_time(tmp_path: Path) -> None:
    into = unpack(
        tmp_path,
        ("./", b"", {**DIRECTORY, "mode": 0o700}),
        ("./d", b"", {**DIRECTORY, "mode": 0o750}),
        ("./d/f", b"content", {"mode": 0o640, "uid": 12345}),
        ("./d/h", "d/f", LINK),
        ("./l", "/anywhere", SYMLINK),
        ("./p", b"", {"type": tarfile.FIFOTYPE}),
        ("./dev", b"", {"type": tarfile.CHRTYPE}),
        (".wh.name", b"itself", {}),
    )
    assert sorted(os.listdir(into)) == [".wh.name", "d", "l", "p"]
    facts = (into / "d/f").stat()
    assert (stat.S_IMODE(facts.st_mode), facts.st_mtime) == (0o640, 1_500_000_000)
    assert facts.st_uid == os.geteuid()
    assert (into / "d/h").samefile(into / "d/f")
    assert stat.S_IMODE((into / "d").stat().st_mode) == 0o750
    assert (into / "d").stat().st_mtime == 1_500_000_000
    assert (into / "l").readlink() == Path("/anywhere")


def test_a_later_entry_replaces_an_earlier_one(tmp_path: Path) -> None:
    into = unpack(
        tmp_path,
        ("a", b"1", {}),
        ("a", b"second", {}),
        ("b/c", b"deep", {}),
        ("b", b"file", {}),
        ("d", "a", SYMLINK),
        ("d", b"", DIRECTORY),
        ("d/e", b"in", {}),
    )
    assert (into / "a").read_bytes() == b"second"
    assert (into / "b").read_bytes() == b"file"
    assert (into / "d/e").read_bytes() == b"in"


def test_no_entry_leaves_the_directory(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(UnsafeArchiveError, match="leads through something that is no directory"):
        unpack(tmp_path, ("l", str(out), SYMLINK), ("l/f", b"x", {}))
    with pytest.raises(UnsafeArchiveError):
        unpack(tmp_path, ("../f", b"x", {}))
    with pytest.raises(UnsafeArchiveError):
        unpack(tmp_path, ("k", str(out), SYMLINK), ("h", "k/f", LINK))
    assert list(out.iterdir()) == []


def test_a_hard_link_to_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UnsafeArchiveError, match="hard link to nothing"):
        unpack(tmp_path, ("h", "nothing", LINK))
