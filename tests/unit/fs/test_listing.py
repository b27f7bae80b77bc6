from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from jettison.fs.layer_file import LayerFile
from jettison.fs.listing import WHITEOUT, ListingBuilder, decode_listing, listing_of
from jettison.fs.overlay_form import make_opaque, make_whiteout
from jettison.snapshot.changes import change_digests, layer_listing
from ownership_rig import OWNERSHIP


def filled(root: Path) -> Path:
    (root / "d").mkdir(parents=True)
    (root / "d/a").write_bytes(b"abc")
    os.link(root / "d/a", root / "d/b")
    (root / "d/l").symlink_to("a")
    (root / os.fsdecode(b"n\xff")).write_bytes(b"")
    os.mkfifo(root / "p", 0o600)
    return root


def test_a_listing_tells_what_each_entry_is(tmp_path: Path) -> None:
    found = decode_listing(change_digests(filled(tmp_path), OWNERSHIP).listing)
    assert found.paths == ["/d", "/d/a", "/d/b", "/d/l", os.fsdecode(b"/n\xff"), "/p"]
    assert (found.sizes[1], found.links, found.targets) == (3, {2: 1}, {3: "a"})
    digest = hashlib.sha256(b"abc").digest()
    assert found.digests == {1: digest, 2: digest, 4: hashlib.sha256(b"").digest()}
    assert found.index["/d/l"] == 3
    assert [found.is_file(entry) for entry in range(6)] == [False, True, True, False, True, False]
    assert found.is_dir(0)
    assert found.modes[5] & 0o7777 == 0o600


def test_a_walk_without_reading_files_gives_the_same_but_for_digests(tmp_path: Path) -> None:
    read = decode_listing(change_digests(filled(tmp_path), OWNERSHIP).listing)
    walked = decode_listing(layer_listing(tmp_path, OWNERSHIP))
    assert walked.digests == {}
    for column in ("paths", "modes", "uids", "gids", "sizes", "links", "targets"):
        assert getattr(read, column) == getattr(walked, column)


def test_whiteouts_and_opaque_directories_are_told(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    make_whiteout(os.fspath(tmp_path / "d/gone"))
    make_opaque(os.fspath(tmp_path / "d"))
    found = decode_listing(layer_listing(tmp_path, OWNERSHIP))
    assert found.modes[found.index["/d/gone"]] == WHITEOUT
    assert found.opaque == {found.index["/d"]}


def test_a_root_that_hides_everything_is_told(tmp_path: Path) -> None:
    st = os.lstat(tmp_path)
    assert listing_of([LayerFile(b"", st, opaque=True)]).opaque == {-1}
    assert listing_of([LayerFile(b"", st)]).paths == []


def test_many_files_take_few_bytes(tmp_path: Path) -> None:
    st = os.stat(__file__)
    files = [
        LayerFile(b"usr/lib/python3/package_%d/module_%d.py" % (n % 300, n), st, sha256=b"x" * 32)
        for n in range(24_000)
    ]
    builder = ListingBuilder()
    for file in files:
        builder.add(file)
    assert len(builder.stored()) - 24_000 * 32 < 300_000


@pytest.mark.parametrize("data", [b"", b"\x93\x00", b"\x93\xc3\xc4\x01x\xc4\x00", b"x" * 100])
def test_a_damaged_listing_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match="damaged"):
        decode_listing(data)
