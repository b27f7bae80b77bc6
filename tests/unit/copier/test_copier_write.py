"""Layers that copies make, on disk."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from copy_rig import CREATED_NS, MTIME_NS, Bench, copy_op, fill, names
from jettison.copier.destination import examine
from jettison.copier.mkdir import make_directories, write_directory
from jettison.copier.select import select
from jettison.copier.write import write
from jettison.errors import ContextError, StorageError
from jettison.fs.digest import file_sha256
from jettison.fs.file_tree import FileTree
from jettison.fs.host_tree import HostTree
from jettison.plan.op import CopyOp, CopySource, MkdirOp
from jettison.snapshot.stack import StackTree
from jettison.source.local import LocalTree
from ownership_rig import OWNERSHIP

pytestmark = pytest.mark.needs_root

CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000")


def test_files_of_a_context_belong_to_root_and_keep_mode_and_time(bench: Bench) -> None:
    tree = bench.context({"d/s": "set-user-ID", "d/sub/f": "plain"})
    os.chown(tree.host_path("/d/s"), 7, 8)
    os.chmod(tree.host_path("/d/s"), 0o6755)
    os.chmod(tree.host_path("/d/sub"), 0o1770)
    os.utime(tree.host_path("/d/sub"), ns=(MTIME_NS, MTIME_NS))
    upper = bench.copy(copy_op("d", "/x/"), [HostTree(bench.tmp / "context1", context=True)])
    facts = (upper / "x/s").lstat()
    assert (facts.st_uid, facts.st_gid, stat.S_IMODE(facts.st_mode)) == (0, 0, 0o6755)
    assert facts.st_mtime_ns == MTIME_NS
    facts = (upper / "x/sub").lstat()
    assert (stat.S_IMODE(facts.st_mode), facts.st_mtime_ns) == (0o1770, MTIME_NS)
    assert (upper / "x/s").read_text() == "set-user-ID"


def test_files_of_an_image_keep_owner_links_and_capabilities(bench: Bench) -> None:
    tree = bench.stage({"d/a": "a", "d/l": "-> a", "d/sub/c": "c"})
    root = bench.tmp / "layer1/d"
    os.chown(root / "a", 5, 6)
    os.lchown(root / "l", 7, 8)
    os.setxattr(root / "a", "security.capability", CAPABILITY)
    os.link(root / "sub/c", root / "z")
    upper = bench.copy(copy_op("/d", "/x", from_image=True), [tree])
    facts = (upper / "x/a").lstat()
    assert (facts.st_uid, facts.st_gid) == (5, 6)
    assert os.getxattr(upper / "x/a", "security.capability") == CAPABILITY
    facts = (upper / "x/l").lstat()
    assert (facts.st_uid, facts.st_gid) == (7, 8)
    assert (upper / "x/l").readlink() == Path("a")
    assert (upper / "x/sub/c").samefile(upper / "x/z")
    assert (upper / "x/z").stat().st_nlink == 2


def test_chown_and_chmod_hold_for_all_files(bench: Bench) -> None:
    tree = bench.context({"d/a": "a", "d/l": "-> a", "d/sub/c": "c"})
    upper = bench.copy(copy_op("d", "/x", owner="3:4", mode="4711"), [tree])
    for name in ("x", "x/a", "x/l", "x/sub", "x/sub/c"):
        facts = (upper / name).lstat()
        assert (facts.st_uid, facts.st_gid) == (3, 4)
        # BuildKit gives what it makes for the destination no more bits than 777.
        wanted = {"x": 0o755, "x/l": 0o777}.get(name, 0o4711)
        assert stat.S_IMODE(facts.st_mode) == wanted


def test_times_are_the_sources_or_the_builds(bench: Bench) -> None:
    tree = bench.context({"f": "f", "d/g": "g"})
    os.utime(bench.tmp / "context1/d", ns=(MTIME_NS, MTIME_NS))
    upper = bench.copy(copy_op("f", "d", "/a/x/"), [tree])
    assert (upper / "a/x/f").stat().st_mtime_ns == MTIME_NS
    assert (upper / "a/x").stat().st_mtime_ns == MTIME_NS
    assert (upper / "a").stat().st_mtime_ns == CREATED_NS


def test_inline_files_are_made_at_the_time_of_the_build(bench: Bench) -> None:
    op = CopyOp(sources=(CopySource(name="EOF", content=b"text\n"),), dest="/x/", owner="1:2")
    upper = bench.copy(op, [])
    facts = (upper / "x/EOF").stat()
    assert (upper / "x/EOF").read_bytes() == b"text\n"
    assert (stat.S_IMODE(facts.st_mode), facts.st_uid, facts.st_gid) == (0o644, 1, 2)
    assert facts.st_mtime_ns == CREATED_NS


def test_directories_above_are_those_of_the_base(bench: Bench) -> None:
    base = bench.stage({"a/b/c": None, "a/other": "x"})
    os.chmod(base.host_path("/a"), 0o711)
    os.chown(base.host_path("/a/b"), 9, 9)
    os.setxattr(base.host_path("/a"), "user.note", b"kept")
    os.utime(base.host_path("/a"), ns=(MTIME_NS, MTIME_NS))
    upper = bench.copy(copy_op("f", "/a/b/"), [bench.context({"f": "f"})], base)
    assert names(upper) == ["a/", "a/b/", "a/b/f"]
    facts = (upper / "a").stat()
    assert (stat.S_IMODE(facts.st_mode), facts.st_mtime_ns) == (0o711, MTIME_NS)
    assert os.getxattr(upper / "a", "user.note") == b"kept"
    facts = (upper / "a/b").stat()
    # Somebody may look at the time of a directory to see that something is new in it.
    assert (facts.st_uid, facts.st_mtime_ns) == (9, CREATED_NS)


def test_the_layer_over_its_base_is_what_was_planned(bench: Bench) -> None:
    base = bench.stage({"t/a": "old", "t/l": "-> a", "t/keep": "kept"})
    tree = bench.context({"d/a": "new", "d/l": "file now", "d/m": "-> a"})
    upper = bench.copy(copy_op("d", "/t"), [tree], base)
    whole = StackTree([bench.tmp / "layer1", upper], OWNERSHIP)
    assert whole.names("/t") == ["a", "keep", "l", "m"]
    assert Path(whole.host_path("/t/a")).read_text() == "new"
    assert Path(whole.host_path("/t/l")).read_text() == "file now"
    assert whole.readlink("/t/m") == "a"


def test_later_sources_replace_earlier_ones(bench: Bench) -> None:
    tree = bench.context({"one/x": "1", "two/x": "2", "two/y": "-> x", "one/y": "1"})
    upper = bench.copy(copy_op("one", "two", "/t/"), [tree])
    assert (upper / "t/x").read_text() == "2"
    assert (upper / "t/y").is_symlink()


def test_whiteouts_of_a_stage_are_not_copied(bench: Bench) -> None:
    tree = bench.stage({"d/gone": "x", "d/stays": "y"}, {"d/new": "z"})
    os.mknod(bench.tmp / "layer2/d/gone", stat.S_IFCHR, 0)
    upper = bench.copy(copy_op("/d", "/x", from_image=True), [tree])
    assert names(upper) == ["x/", "x/new", "x/stays"]


def test_fifos_are_copied_and_sockets_become_files(bench: Bench) -> None:
    root = fill(bench.tmp / "context", {"d/x": "x"})
    os.mkfifo(root / "d/p", 0o640)
    os.mknod(root / "d/s", stat.S_IFSOCK | 0o600)
    upper = bench.copy(copy_op("d", "/y"), [HostTree(root, context=True)])
    assert stat.S_ISFIFO((upper / "y/p").stat().st_mode)
    assert stat.S_IMODE((upper / "y/p").stat().st_mode) == 0o640
    facts = (upper / "y/s").stat()
    assert stat.S_ISREG(facts.st_mode)
    assert (facts.st_size, stat.S_IMODE(facts.st_mode)) == (0, 0o600)


def test_holes_stay_holes(bench: Bench) -> None:
    root = fill(bench.tmp / "context", {"d/x": "x"})
    with open(root / "d/sparse", "wb") as file:
        file.seek(8 << 20)
        file.write(b"end")
        file.truncate(16 << 20)
    if (root / "d/sparse").stat().st_blocks * 512 > 8 << 20:
        pytest.skip("the file system has no holes")
    upper = bench.copy(copy_op("d", "/y"), [HostTree(root, context=True)])
    copied = (upper / "y/sparse").stat()
    assert copied.st_size == 16 << 20
    assert copied.st_blocks * 512 < 1 << 20
    assert file_sha256(upper / "y/sparse") == file_sha256(root / "d/sparse")


def test_many_files_are_all_copied(bench: Bench) -> None:
    files = {f"d/{n % 7}/{n}": f"content {n}" for n in range(900)}
    upper = bench.copy(copy_op("d", "/x"), [bench.context(files)])
    assert {
        f"d/{path.relative_to(upper / 'x')}": path.read_text()
        for path in (upper / "x").rglob("*")
        if path.is_file()
    } == files


# Hard links to committed layers ---------------------------------------------------------------


def test_files_of_committed_layers_are_linked(bench: Bench) -> None:
    tree = bench.stage({"d/a": "a", "d/b": "b"})
    upper = bench.copy(copy_op("/d", "/x", from_image=True), [tree], link=True)
    assert (upper / "x/a").samefile(tree.host_path("/d/a"))


@pytest.mark.parametrize("options", [{"owner": "5:6"}, {"mode": "600"}])
def test_files_with_other_attributes_are_not_linked(bench: Bench, options: dict[str, str]) -> None:
    tree = bench.stage({"d/a": "a"})
    upper = bench.copy(copy_op("/d", "/x", from_image=True, **options), [tree], link=True)
    assert not (upper / "x/a").samefile(tree.host_path("/d/a"))
    assert stat.S_IMODE(os.stat(tree.host_path("/d/a")).st_mode) == 0o644


def test_files_of_a_context_are_never_linked(bench: Bench) -> None:
    tree = bench.context({"d/a": "a"})
    upper = bench.copy(copy_op("d", "/x"), [tree], link=True)
    assert not (upper / "x/a").samefile(tree.host_path("/d/a"))


def test_nothing_is_linked_unless_it_is_allowed(bench: Bench) -> None:
    tree = bench.stage({"d/a": "a"})
    upper = bench.copy(copy_op("/d", "/x", from_image=True), [tree])
    assert not (upper / "x/a").samefile(tree.host_path("/d/a"))


def test_two_copies_of_one_file_are_two_files(bench: Bench) -> None:
    tree = bench.stage({"d/a": "a"})
    os.link(tree.host_path("/d/a"), bench.tmp / "layer1/d/b")
    tree = StackTree([bench.tmp / "layer1"], OWNERSHIP)
    upper = bench.copy(copy_op("/d/a", "/d/b", "/x/", from_image=True), [tree], link=True)
    assert not (upper / "x/a").samefile(upper / "x/b")
    both = bench.copy(copy_op("/d", "/x/", from_image=True), [tree], link=True)
    assert (both / "x/a").samefile(both / "x/b")


def test_equal_inodes_of_different_layers_are_different_files(bench: Bench) -> None:
    bench.stage({"d/a": "a"})
    (bench.tmp / "second/d").mkdir(parents=True)
    os.link(bench.tmp / "layer1/d/a", bench.tmp / "second/d/b")
    tree = StackTree([bench.tmp / "layer1", bench.tmp / "second"], OWNERSHIP)
    upper = bench.copy(copy_op("/d", "/x", from_image=True), [tree], link=True)
    assert not (upper / "x/a").samefile(upper / "x/b")


# What changes meanwhile -----------------------------------------------------------------------


@pytest.mark.parametrize("change", ["gone", "other bytes", "other file", "a link"])
def test_a_file_that_changed_since_it_was_selected_is_an_error(bench: Bench, change: str) -> None:
    root = fill(bench.tmp / "context", {"d/f": "before", "secret": "of the host"})
    tree = LocalTree(root)
    op = copy_op("d", "/x")
    selection = select(op, [tree])
    destination = examine(op, StackTree((), OWNERSHIP), selection)
    path = root / "d/f"
    path.unlink()
    if change == "other bytes":
        path.write_text("after, and longer")
    elif change == "other file":
        path.write_text("before")
        os.utime(path, ns=(MTIME_NS, MTIME_NS))
        os.link(path, root / "pinned")
        path.unlink()
        fill(root, {"d/f": "behind"})
    elif change == "a link":
        path.symlink_to(root / "secret")
    upper = bench.tmp / "upper"
    upper.mkdir()
    with pytest.raises(ContextError, match="`/d/f` changed while it was copied"):
        write(destination, upper, OWNERSHIP, created_ns=0)


def test_a_full_or_missing_store_is_told(bench: Bench) -> None:
    op = copy_op("f", "/x")
    tree = bench.context({"f": "f"})
    _, destination = bench.plan(op, [tree])
    with pytest.raises((StorageError, OSError)):
        write(destination, bench.tmp / "not there", OWNERSHIP, created_ns=0)


def test_a_download_is_one_file_with_the_servers_time(bench: Bench) -> None:
    blob = fill(bench.tmp / "blobs", {"blob": "bytes"}) / "blob"
    tree = FileTree("name", str(blob), file_sha256(blob), mode=0o600, mtime_ns=MTIME_NS - 5)
    upper = bench.copy(copy_op("name", "/x/"), [tree], link=True)
    facts = (upper / "x/name").stat()
    assert (stat.S_IMODE(facts.st_mode), facts.st_mtime_ns) == (0o600, MTIME_NS - 5)
    assert not (upper / "x/name").samefile(blob)
    assert blob.stat().st_mtime_ns == MTIME_NS


# WORKDIR --------------------------------------------------------------------------------------


def test_workdir_writes_its_directories(bench: Bench) -> None:
    base = bench.stage({"a": None})
    os.chmod(base.host_path("/a"), 0o700)
    op = MkdirOp("/a/b/c", "5:6")
    upper = bench.tmp / "upper"
    upper.mkdir()
    write_directory(examine(op, base), upper, OWNERSHIP, created_ns=CREATED_NS)
    assert names(upper) == ["a/", "a/b/", "a/b/c/"]
    assert stat.S_IMODE((upper / "a").stat().st_mode) == 0o700
    facts = (upper / "a/b/c").stat()
    assert (facts.st_uid, facts.st_gid, stat.S_IMODE(facts.st_mode)) == (5, 6, 0o755)
    assert facts.st_mtime_ns == CREATED_NS


def test_a_working_directory_is_made_where_links_lead(bench: Bench) -> None:
    base = bench.stage({"l": "-> /real/../other"})
    upper = bench.tmp / "upper"
    upper.mkdir()
    assert make_directories("/l/x", base, upper, OWNERSHIP, uid=3) == "/other/x"
    assert names(upper) == ["other/", "other/x/"]
    assert make_directories("/", base, upper, OWNERSHIP) == "/"
