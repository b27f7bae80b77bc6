"""Notes about owners: what they say, and that nothing but owners, modes and devices comes of them."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from pathlib import Path

import pytest

from jettison.fs.ownership import KernelOwnership, Ownership, RecordedOwnership
from jettison.fs.xattr import read_xattrs
from jettison.layer.pack import pack
from jettison.linux.owner_notes import LINKS, NOTE, read_note
from jettison.snapshot.changes import change_digests
from jettison.snapshot.stack import StackTree

pytestmark = pytest.mark.needs_root


RECORDED = RecordedOwnership(0o600)
"""That of a process without the right to override permissions."""


def fill(root: Path, ownership: Ownership) -> Path:
    """Make files of many owners."""
    (root / "dir").mkdir(parents=True)
    root.chmod(0o755)
    descriptor = os.open(root / "dir", os.O_RDONLY)
    try:
        for name, owner, mode in (
            ("a", (1000, 1001), 0o4755),
            ("b", (0, 7), 0),
            ("c", (0, 0), 0o400),
        ):
            (root / "dir" / name).write_text(name)
            ownership.chown(name, owner, descriptor)
            ownership.set_mode(name, mode, descriptor)
        os.symlink("a", "link", dir_fd=descriptor)
        ownership.chown("link", (5, 6), descriptor)
        ownership.make_node("disk", stat.S_IFBLK | 0o660, os.makedev(8, 1), descriptor)
        ownership.set_mode("disk", 0o640, descriptor)
        ownership.chown("disk", (0, 6), descriptor)
        ownership.make_node("pipe", stat.S_IFIFO | 0o600, 0, descriptor)
        ownership.chown("pipe", (7, 8), descriptor)
        ownership.set_mode("pipe", 0o620, descriptor)
    finally:
        os.close(descriptor)
    ownership.chown(os.fspath(root / "dir"), (3, 4))
    ownership.set_mode(os.fspath(root / "dir"), 0o2555)
    for path in (*root.rglob("*"), root):
        os.utime(path, (1, 1), follow_symlinks=False)
    return root


def tar_of(root: Path, ownership: Ownership) -> bytes:
    sink = io.BytesIO()
    pack(root, ownership, sink.write)
    return sink.getvalue()


def test_noted_and_set_owners_make_the_same_layer(tmp_path):
    kernel = KernelOwnership()
    plain = fill(tmp_path / "set", kernel)
    expected = tar_of(plain, kernel), change_digests(plain, kernel).plain
    noted = fill(tmp_path / "noted", RECORDED)
    assert {path.lstat().st_uid for path in noted.rglob("*")} == {0}
    assert all(path.lstat().st_mode & 0o400 for path in noted.rglob("*"))
    found = tar_of(noted, RECORDED), change_digests(noted, RECORDED).plain
    assert found[0] == expected[0]
    assert found[1] == expected[1]


def test_a_stack_shows_files_as_they_should_be(tmp_path):
    tree = StackTree([fill(tmp_path / "layer", RECORDED)], RECORDED)
    facts = {name: tree.lstat(f"/dir/{name}") for name in tree.names("/dir")}
    shown = {name: (oct(each.mode), each.uid, each.gid) for name, each in facts.items()}
    assert shown == {
        "a": ("0o104755", 1000, 1001),
        "b": ("0o100000", 0, 7),
        "c": ("0o100400", 0, 0),
        "disk": ("0o60640", 0, 6),
        "link": ("0o120777", 5, 6),
        "pipe": ("0o10620", 7, 8),
    }
    assert facts["disk"].rdev == os.makedev(8, 1)


def test_notes_are_no_attributes_of_an_image(tmp_path):
    root = fill(tmp_path / "layer", RECORDED)
    names = os.listxattr(root / "dir")
    assert {NOTE, LINKS} <= set(names)
    assert read_xattrs(os.fspath(root / "dir")) == {}
    with tarfile.open(fileobj=io.BytesIO(tar_of(root, RECORDED))) as tar:
        assert not any("jettison" in key for entry in tar for key in entry.pax_headers)


@pytest.mark.parametrize("value", [b"", b"1:2", b"a:b:c:d:e", b"1:2:9:0:0", b"\xff" * 40])
def test_a_malformed_note_says_nothing(tmp_path, value):
    path = tmp_path / "file"
    path.touch()
    os.setxattr(path, NOTE, value)
    assert read_note(os.fspath(path)) == (0, 0, 0, 0, 0)
    assert RECORDED.effective_stat(path.lstat(), os.fspath(path)).st_uid == 0


def test_hard_links_share_their_owner(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.touch()
    RECORDED.chown(os.fspath(first), (9, 9))
    os.link(first, second)
    assert RECORDED.effective_stat(second.lstat(), os.fspath(second)).st_gid == 9


def test_hundreds_of_links_in_a_directory_have_their_owners(tmp_path):
    links = [tmp_path / f"a-link-with-a-long-name-{number}" for number in range(500)]
    for number, link in enumerate(links):
        link.symlink_to("x")
        RECORDED.chown(os.fspath(link), (1000 + number % 2, 1000))
    found = [RECORDED.effective_stat(link.lstat(), os.fspath(link)).st_uid for link in links]
    assert found == [1000, 1001] * 250
    RECORDED.chown(os.fspath(links[0]), (0, 0))
    assert RECORDED.effective_stat(links[0].lstat(), os.fspath(links[0])).st_uid == 0
