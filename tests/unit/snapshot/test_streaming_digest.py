"""A change that is digested while it is packed has the digest that it has otherwise."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from jettison.fs.host_tree import HostTree
from jettison.fs.overlay_form import make_opaque, make_whiteout
from jettison.layer.pack import pack
from jettison.snapshot.base import Change
from jettison.snapshot.changes import change_digests
from jettison.snapshot.streaming_digest import StreamingContentDigest
from ownership_rig import OWNERSHIP


def make(upper: Path) -> Path:
    (upper / "dir/sub").mkdir(parents=True)
    (upper / "dir/empty").touch()
    (upper / "dir/file").write_bytes(b"content" * 100_000)
    (upper / "dir.c").write_text("sorts behind what is in `dir`")
    (upper / "dir/second").hardlink_to(upper / "dir/file")
    (upper / os.fsdecode(b"not-\xff-utf-8")).write_text("name")
    (upper / "link").symlink_to("dir/file")
    os.link(upper / "link", upper / "other-link", follow_symlinks=False)
    os.mkfifo(upper / "fifo", 0o600)
    make_whiteout(os.fspath(upper / "gone"))
    make_opaque(os.fspath(upper / "dir/sub"))
    os.setxattr(upper / "dir.c", "user.b", b"2")
    os.setxattr(upper / "dir.c", "user.a", b"")
    os.setxattr(upper / "dir", "user.jettison.other", b"3")
    return upper


@pytest.fixture
def upper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = make(tmp_path / "upper")
    monkeypatch.chdir(made)  # the name of a socket may have 107 bytes
    with socket.socket(socket.AF_UNIX) as endpoint:
        endpoint.bind("socket")
    return made


def packed(change: StreamingContentDigest, upper: Path) -> bytes:
    pieces: list[bytes] = []
    pack(upper, OWNERSHIP, pieces.append, observer=change)
    return b"".join(pieces)


def test_the_digest_is_that_of_a_change_at_rest(upper: Path) -> None:
    plain: list[bytes] = []
    pack(upper, OWNERSHIP, plain.append)
    change = StreamingContentDigest(upper, Change())
    assert packed(change, upper) == b"".join(plain)
    assert change.result() == change_digests(upper, OWNERSHIP)


def test_an_empty_change_has_the_empty_digest(tmp_path: Path) -> None:
    change = StreamingContentDigest(tmp_path, Change())
    packed(change, tmp_path)
    assert change.result() == change_digests(tmp_path, OWNERSHIP)
    assert change.result().facts.entries == 0


def test_known_digests_are_believed(upper: Path) -> None:
    known = {"dir/file": b"\1" * 32, "dir.c": b"\2" * 32}
    change = StreamingContentDigest(upper, Change(known))
    packed(change, upper)
    assert (
        change.result()
        == change_digests(upper, OWNERSHIP, known)
        != change_digests(upper, OWNERSHIP)
    )


def test_marks_that_hide_nothing_are_in_neither_digest_nor_tar(tmp_path: Path) -> None:
    below = tmp_path / "below"
    (below / "dir").mkdir(parents=True)
    results = []
    for name in ("packed", "at rest"):
        upper = make(tmp_path / name)
        os.utime(upper, (1, 1))
        os.utime(upper / "dir", (2, 2))
        if name == "packed":
            change = StreamingContentDigest(upper, Change(below=HostTree(below)))
            tar = packed(change, upper)
            results.append(change.result())
        else:
            results.append(change_digests(upper, OWNERSHIP, below=HostTree(below)))
        assert not os.path.lexists(upper / "gone")
        assert upper.stat().st_mtime == 1
    assert results[0].plain == results[1].plain
    assert results[0].facts == results[1].facts
    assert b".wh." not in tar
