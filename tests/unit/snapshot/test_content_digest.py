"""What the digests of a change tell: bytes and facts, times, and times that say something."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from jettison.fs.overlay_form import (
    is_opaque,
    is_whiteout,
    make_opaque,
    make_whiteout,
    overlay_xattr_prefix,
)
from jettison.oci.digest import Digest
from jettison.snapshot.changes import change_digests, layer_facts
from jettison.snapshot.digests import CONTENT_VERSION
from jettison.snapshot.stack import StackTree
from jettison.store.layers import LayerFacts
from ownership_rig import OWNERSHIP

Change = Callable[[Path], object]


def make(root: Path) -> Path:
    """A layer with one of everything that a user without privileges can make."""
    (root / "dir/sub").mkdir(parents=True)
    (root / "dir/file").write_text("content")
    (root / "dir/file").chmod(0o640)
    (root / "dir/second").hardlink_to(root / "dir/file")
    (root / "link").symlink_to("dir/file")
    os.mkfifo(root / "fifo", 0o600)
    make_whiteout(os.fspath(root / "gone"))
    for path in (root, root / "dir", root / "dir/sub"):
        path.chmod(0o755)
    return root


def digest(root: Path) -> Digest:
    return change_digests(root, OWNERSHIP).plain


@pytest.fixture
def layers(tmp_path: Path) -> tuple[Path, Path]:
    return make(tmp_path / "one"), make(tmp_path / "two")


def test_equal_changes_have_equal_digests(layers: tuple[Path, Path]) -> None:
    one, two = layers
    assert digest(one) == digest(two)
    assert digest(one).startswith("sha256:")


NOT_CONTENT: dict[str, Change] = {
    "times": lambda root: os.utime(root / "dir/file", (1, 2)),
    "directory times": lambda root: os.utime(root / "dir", (1, 2)),
    "attributes of overlayfs": lambda root: os.setxattr(
        root / "dir", overlay_xattr_prefix() + "impure", b"y"
    ),
    "order of making": lambda root: (
        (root / "dir/sub").rmdir(),
        (root / "dir/sub").mkdir(),
        (root / "dir/sub").chmod(0o755),
    ),
    "names outside": lambda root: (root.parent / "outside").hardlink_to(root / "dir/file"),
    "permissions of a whiteout": lambda root: os.chmod(root / "gone", 0o444),
}


@pytest.mark.parametrize("change", NOT_CONTENT.values(), ids=NOT_CONTENT)
def test_this_is_no_content(layers: tuple[Path, Path], change: Change) -> None:
    one, two = layers
    change(two)
    assert digest(one) == digest(two)


TIMES: dict[str, Change] = {
    "of a file": lambda root: os.utime(root / "dir/file", (1, 7)),
    "of a directory": lambda root: os.utime(root / "dir/sub", (1, 7)),
    "of a link": lambda root: os.utime(root / "link", (1, 7), follow_symlinks=False),
    "of a pipe": lambda root: os.utime(root / "fifo", ns=(1, 1_999_999_999)),
    "before 1970": lambda root: os.utime(root / "fifo", (1, -2)),
}


@pytest.mark.parametrize("change", TIMES.values(), ids=TIMES)
def test_a_time_is_part_of_what_a_layer_is(layers: tuple[Path, Path], change: Change) -> None:
    one, two = layers
    for root in layers:
        for path in root.rglob("*"):
            os.utime(path, ns=(0, 2_000_000_000), follow_symlinks=False)
    assert change_digests(one, OWNERSHIP) == change_digests(two, OWNERSHIP)
    change(two)
    assert change_digests(one, OWNERSHIP).identity != change_digests(two, OWNERSHIP).identity
    assert change_digests(one, OWNERSHIP).plain == change_digests(two, OWNERSHIP).plain
    told = [change_digests(root, OWNERSHIP, clock_ns=3_000_000_000) for root in layers]
    assert told[0].content != told[1].content


def test_parts_of_seconds_count_as_little_as_in_the_tar_of_a_layer(
    layers: tuple[Path, Path],
) -> None:
    for number, root in enumerate(layers):
        for path in root.rglob("*"):
            os.utime(path, ns=(0, 2_000_000_000 + 999 * number), follow_symlinks=False)
    for clock_ns in (0, 2_000_000_500, 3_000_000_000):
        digests = [change_digests(root, OWNERSHIP, clock_ns=clock_ns) for root in layers]
        assert digests[0].identity == digests[1].identity
        assert digests[0].content == digests[1].content


def test_times_since_the_layer_was_made_say_nothing(layers: tuple[Path, Path]) -> None:
    two = layers[1]
    for number, root in enumerate(layers):
        for path in root.rglob("*"):
            os.utime(path, (0, 10 + number), follow_symlinks=False)
        os.utime(root / "dir/file", (5, 5))
    old, new = (change_digests(root, OWNERSHIP, clock_ns=10 * 10**9) for root in layers)
    assert old.content == new.content != old.plain
    assert old.identity != new.identity
    os.utime(two / "dir/file", (6, 6))
    assert change_digests(two, OWNERSHIP, clock_ns=10 * 10**9).content != old.content


def test_the_time_of_a_root_that_no_tar_tells_of_does_not_count(layers: tuple[Path, Path]) -> None:
    for root in layers:
        for path in root.rglob("*"):
            os.utime(path, (0, 0), follow_symlinks=False)
    os.utime(layers[1], (7, 7))
    assert change_digests(layers[0], OWNERSHIP) == change_digests(layers[1], OWNERSHIP)
    for root in layers:
        root.chmod(0o711)
    assert (
        change_digests(layers[0], OWNERSHIP).identity
        != change_digests(layers[1], OWNERSHIP).identity
    )


def test_a_change_without_entries_has_one_digest(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    found = change_digests(tmp_path, OWNERSHIP, clock_ns=1 << 62)
    assert found.identity == found.content == found.plain


def test_a_socket_is_no_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = make(tmp_path / "one"), make(tmp_path / "two")
    monkeypatch.chdir(two)  # the name of a socket may have 107 bytes
    with socket.socket(socket.AF_UNIX) as endpoint:
        endpoint.bind("socket")
        assert digest(one) == digest(two)


CONTENT: dict[str, Change] = {
    "bytes": lambda root: (root / "dir/file").write_text("CONTENT"),
    "size": lambda root: (root / "dir/file").write_text("content "),
    "mode": lambda root: (root / "dir/file").chmod(0o600),
    "set-user-ID": lambda root: (root / "dir/file").chmod(0o4640),
    "mode of a directory": lambda root: (root / "dir/sub").chmod(0o1755),
    "mode of the root": lambda root: root.chmod(0o700),
    "target": lambda root: ((root / "link").unlink(), (root / "link").symlink_to("dir/fil")),
    "name": lambda root: (root / "dir/sub").rename(root / "dir/suc"),
    "place": lambda root: (root / "dir/sub").rename(root / "sub"),
    "one more": lambda root: (root / "new").touch(),
    "one less": lambda root: (root / "fifo").unlink(),
    "a whiteout less": lambda root: (root / "gone").unlink(),
    "a file, not a whiteout": lambda root: ((root / "gone").unlink(), (root / "gone").touch()),
    "a copy, not a hard link": lambda root: (
        (root / "dir/second").unlink(),
        (root / "dir/second").write_text("content"),
        (root / "dir/second").chmod(0o640),
    ),
    "a hard link to a link": lambda root: os.link(
        root / "link", root / "dir/sub/link", follow_symlinks=False
    ),
    "opaque": lambda root: make_opaque(os.fspath(root / "dir")),
    "opaque root": lambda root: make_opaque(os.fspath(root)),
    "attribute": lambda root: os.setxattr(root / "dir/file", "user.a", b"1"),
    "attribute of a directory": lambda root: os.setxattr(root / "dir", "user.a", b"1"),
}


@pytest.mark.parametrize("change", CONTENT.values(), ids=CONTENT)
def test_this_is_content(layers: tuple[Path, Path], change: Change) -> None:
    one, two = layers
    change(two)
    assert digest(one) != digest(two)


@pytest.mark.needs_root
@pytest.mark.skipif(os.geteuid() != 0, reason="changes owners and makes devices")
@pytest.mark.parametrize(
    "change",
    [
        lambda root: os.chown(root / "dir/file", 1, 0),
        lambda root: os.chown(root / "dir/file", 0, 1),
        lambda root: os.lchown(root / "link", 1, 0),
        lambda root: os.mknod(root / "device", 0o020600, os.makedev(1, 3)),
        lambda root: os.setxattr(
            root / "dir/file",
            "security.capability",
            b"\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00" + bytes(8),
        ),
    ],
    ids=["user", "group", "user of a link", "device", "capability"],
)
def test_owners_devices_and_capabilities_are_content(
    layers: tuple[Path, Path], change: Change
) -> None:
    one, two = layers
    change(two)
    assert digest(one) != digest(two)


@pytest.mark.needs_root
@pytest.mark.skipif(os.geteuid() != 0, reason="makes devices")
def test_devices_differ_by_type_and_number(layers: tuple[Path, Path]) -> None:
    one, two = layers
    os.mknod(one / "device", 0o020600, os.makedev(1, 3))
    seen = {digest(one)}
    for kind, number in ((0o060600, (1, 3)), (0o020600, (1, 5)), (0o020600, (3, 1))):
        os.mknod(two / "device", kind, os.makedev(*number))
        seen.add(digest(two))
        (two / "device").unlink()
    assert len(seen) == 4


def test_two_links_differ_from_one_with_two_names(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for root in (one, two):
        root.mkdir()
        (root / "a").symlink_to("x")
    (one / "b").symlink_to("x")
    os.link(two / "a", two / "b", follow_symlinks=False)
    assert digest(one) != digest(two)


def test_whiteouts_may_share_an_inode_as_the_kernel_makes_them(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for root in (one, two):
        root.mkdir()
        make_whiteout(os.fspath(root / "a"))
    make_whiteout(os.fspath(one / "b"))
    os.link(two / "a", two / "b")
    assert digest(one) == digest(two)


def test_fields_cannot_run_into_each_other(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for root, names in ((one, ("a", "bc")), (two, ("ab", "c"))):
        for name in names:
            (root / name).mkdir(parents=True)
    assert digest(one) != digest(two)


def test_facts_count_every_inode_once(layers: tuple[Path, Path]) -> None:
    expected = LayerFacts(size_bytes=len("content"), entries=7)
    assert (
        change_digests(layers[0], OWNERSHIP).facts == layer_facts(layers[0], OWNERSHIP) == expected
    )


def test_big_files_read_in_threads_give_the_same_digest(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for root in (one, two):
        root.mkdir()
        for number in range(5):
            (root / f"big{number}").write_bytes(bytes([number]) * (2 << 20))
    assert digest(one) == digest(two)
    (two / "big3").write_bytes(bytes([3]) * ((2 << 20) - 1) + b"x")
    assert digest(one) != digest(two)


def test_a_file_whose_digest_is_known_is_not_read(layers: tuple[Path, Path]) -> None:
    one, two = layers
    known = {"dir/file": hashlib.sha256(b"content").digest()}
    (two / "dir/file").write_text("changed")
    assert change_digests(two, OWNERSHIP, known).plain == digest(one)


@pytest.mark.needs_root
@pytest.mark.skipif(os.geteuid() != 0, reason="owners are part of the digest")
def test_digests_change_only_together_with_their_version(tmp_path: Path) -> None:
    assert CONTENT_VERSION == b"jettison-content-1\0"
    expected = "sha256:c1fac917eab9023da30eac9a1341cf36300f2b88937b5b9f02e2a2f3725b3c7c"
    assert digest(make(tmp_path / "layer")) == expected


def below_of(place: Path) -> StackTree:
    """A layer with a directory and a file to hide."""
    (place / "dir").mkdir(parents=True)
    (place / "gone").write_text("")
    (place / "was-file").write_text("")
    return StackTree([place], OWNERSHIP)


def test_marks_that_hide_nothing_are_taken_away(tmp_path: Path) -> None:
    below = below_of(tmp_path / "below")
    marked, plain = make(tmp_path / "marked"), make(tmp_path / "plain")
    for root in (marked, plain):
        (root / "new").mkdir()
        (root / "was-file").mkdir()
        os.utime(root / "dir/sub", (5, 5))
        make_opaque(os.fspath(root / "dir"))
    make_opaque(os.fspath(marked / "new"))
    make_opaque(os.fspath(marked / "was-file"))
    make_whiteout(os.fspath(marked / "dir/sub/never-there"))
    os.utime(marked / "dir/sub", (5, 5))
    assert digest(marked) != digest(plain)
    kept = change_digests(marked, OWNERSHIP, below=below)
    assert kept.plain == change_digests(plain, OWNERSHIP, below=below).plain == digest(marked)
    assert is_opaque(os.fspath(marked / "dir"))
    assert is_whiteout((marked / "gone").lstat())
    assert os.listdir(marked / "dir/sub") == []
    assert (marked / "dir/sub").stat().st_mtime == 5
