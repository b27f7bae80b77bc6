"""Where files go, and what of the base that depends on."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from copy_rig import Bench, Files, copy_op
from jettison.copier.destination import Destination, examine
from jettison.errors import ContextError, SolveError
from jettison.fs.tree import Tree
from jettison.plan.op import CopyOp, MkdirOp
from jettison.snapshot.stack import StackTree
from ownership_rig import OWNERSHIP

CONTEXT: Files = {"f": "f", "g": "g", "d/a": "a", "d/sub/b": "b", "e/empty": None}


def paths(destination: Destination) -> list[str]:
    return sorted(destination.files)


def made(destination: Destination) -> list[str]:
    """Return the directories that the base has not."""
    return sorted(
        path for path, each in destination.directories.items() if not each.in_base and path
    )


@pytest.mark.parametrize(
    ("sources", "dest", "base", "expected"),
    [
        (["f"], "/x", {}, ["/x"]),
        (["f"], "/x/", {}, ["/x/f"]),
        (["f"], "/x", {"x": None}, ["/x/f"]),
        (["f"], "/a/b/c", {}, ["/a/b/c"]),
        (["f", "g"], "/x/", {}, ["/x/f", "/x/g"]),
        (["f", "g"], "/x", {}, ["/x"]),
        (["d"], "/x", {}, ["/x/a", "/x/sub/b"]),
        (["d"], "/x/", {"x": None}, ["/x/a", "/x/sub/b"]),
        (["d"], "/", {}, ["/a", "/sub/b"]),
        (["d", "f"], "/x/", {}, ["/x/a", "/x/f", "/x/sub/b"]),
        (["f"], "/link", {"link": "-> real", "real/": None}, ["/real/f"]),
        (["f"], "/link/", {"link": "-> /real", "real/": None}, ["/real/f"]),
        (["f"], "/link", {"link": "-> target", "target": "old"}, ["/target"]),
        (["f"], "/link", {"link": "-> nowhere"}, ["/nowhere"]),
        (["f"], "/link/x/y", {"link": "-> no/where"}, ["/no/where/x/y"]),
        (["f"], "/a/l/", {"a/l": "-> ../../../../b"}, ["/b/f"]),
        (["d"], "/link", {"link": "-> real", "real/": None}, ["/real/a", "/real/sub/b"]),
        (["f"], "/t/", {"t/f": "-> /etc/passwd"}, ["/t/f"]),
        (["nothing*"], "/x/", {}, []),
    ],
)
def test_files_go_where_buildkit_puts_them(
    bench: Bench, sources: list[str], dest: str, base: Files, expected: list[str]
) -> None:
    files = {name.rstrip("/"): content for name, content in base.items()}
    _, destination = bench.plan(
        copy_op(*sources, dest), [bench.context(CONTEXT)], bench.stage(files)
    )
    assert paths(destination) == expected


@pytest.mark.parametrize(
    ("sources", "dest", "base", "message"),
    [
        (["d"], "/x", {"x": "file"}, "cannot copy to non-directory: /x"),
        (["d"], "/x", {"x/sub": "file"}, "cannot copy to non-directory: /x/sub"),
        (["d"], "/x", {"x/sub": "-> /"}, "cannot copy to non-directory: /x/sub"),
        (["d"], "/x", {"x/a": None}, "cannot replace to directory /x/a with file"),
        (["f"], "/x/", {"x/f": None}, "cannot replace to directory /x/f with file"),
        (["f"], "/x/y", {"x": "file"}, "mkdir /x: not a directory"),
        (["f"], "/x/", {"x": "file"}, "mkdir /x: not a directory"),
        (["f"], "/loop/x", {"loop": "-> loop"}, "cannot follow `/loop`"),
    ],
)
def test_what_is_in_the_way_is_an_error(
    bench: Bench, sources: list[str], dest: str, base: Files, message: str
) -> None:
    with pytest.raises(SolveError, match=message):
        bench.plan(copy_op(*sources, dest), [bench.context(CONTEXT)], bench.stage(base))


def test_sources_of_one_copy_can_be_in_each_others_way(bench: Bench) -> None:
    tree = bench.context({"one/x": "file", "two/x/y": "below"})
    with pytest.raises(SolveError, match="cannot copy to non-directory: /t/x"):
        bench.plan(copy_op("one", "two", "/t/"), [tree])
    with pytest.raises(SolveError, match="cannot replace to directory /t/x with file"):
        bench.plan(copy_op("two", "one", "/t/"), [tree])


@pytest.mark.parametrize(
    ("options", "mode", "owner"),
    [
        ({}, 0o755, (0, 0)),
        ({"owner": "5:6"}, 0o755, (5, 6)),
        ({"mode": "770"}, 0o770, (0, 0)),
        ({"mode": "u=rwx,go="}, 0o755, (0, 0)),
    ],
)
def test_new_directories_belong_to_chown_and_have_an_octal_chmod(
    bench: Bench, options: dict[str, str], mode: int, owner: tuple[int, int]
) -> None:
    _, destination = bench.plan(copy_op("f", "/a/b/f", **options), [bench.context(CONTEXT)])
    assert made(destination) == ["/a", "/a/b"]
    for path in made(destination):
        directory = destination.directories[path]
        assert stat.S_IMODE(directory.mode) == mode
        assert (directory.uid, directory.gid) == owner


def base_with(bench: Bench, files: Files, modes: dict[str, int]) -> StackTree:
    tree = bench.stage(files)
    for path, mode in modes.items():
        os.chmod(tree.host_path(path), mode)
    return tree


def test_a_directory_that_is_there_keeps_its_attributes_but_those_below_take_the_sources(
    bench: Bench,
) -> None:
    base = base_with(bench, {"t/sub": None}, {"/t": 0o700, "/t/sub": 0o711})
    _, destination = bench.plan(copy_op("d", "/t"), [bench.context(CONTEXT)], base)
    assert stat.S_IMODE(destination.directories["/t"].mode) == 0o700
    assert stat.S_IMODE(destination.directories["/t/sub"].mode) == 0o755


def test_link_does_not_look_at_the_base(bench: Bench) -> None:
    base = base_with(bench, {"t/sub": None, "l": "-> t"}, {"/t": 0o700})
    tree = bench.context(CONTEXT)
    op = copy_op("d", "/t/", link=True)
    _, linked = bench.plan(op, [tree], base)
    _, alone = bench.plan(op, [tree], StackTree((), OWNERSHIP))
    assert linked.digest() == alone.digest()
    assert stat.S_IMODE(linked.directories["/t"].mode) == 0o755
    _, over_link = bench.plan(copy_op("f", "/l/", link=True), [tree], base)
    assert paths(over_link) == ["/l/f"]


# Digests: exactly the facts that matter --------------------------------------------------------


def digest(op: CopyOp, context: Tree, base: Tree, bench: Bench) -> str:
    return bench.plan(op, [context], base)[1].digest()


@pytest.mark.parametrize(
    ("dest", "before", "after", "same"),
    [
        ("/x/", {}, {"y": "other"}, True),
        ("/x/", {"x": None}, {"x": None, "x/z": "beside"}, True),
        ("/x/f", {"x": None}, {"x": None, "x/f": "replaced"}, True),
        ("/x/f", {"x": None}, {"x": None, "x/f": "-> z"}, False),
        ("/x", {}, {"x": None}, False),
        ("/l/f", {"l": "-> a", "a": None}, {"l": "-> b", "b": None}, False),
        ("/a/b/", {"a/b": None}, {"a": None}, True),
    ],
)
def test_a_copy_depends_on_little_of_its_base(
    bench: Bench, dest: str, before: Files, after: Files, same: bool
) -> None:
    context = bench.context(CONTEXT)
    op = copy_op("f", dest)
    first = digest(op, context, bench.stage(before), bench)
    second = digest(op, context, bench.stage(after), bench)
    assert (first == second) == same


def test_the_attributes_of_directories_above_count(bench: Bench) -> None:
    context = bench.context(CONTEXT)
    op = copy_op("f", "/a/b/")
    files: Files = {"a/b": None, "c": None}
    plain = digest(op, context, bench.stage(files), bench)
    assert digest(op, context, base_with(bench, files, {"/a": 0o711}), bench) != plain
    assert digest(op, context, base_with(bench, files, {"/c": 0o711}), bench) == plain


def test_times_of_the_base_do_not_count(bench: Bench) -> None:
    context = bench.context(CONTEXT)
    first, second = bench.stage({"a": None}), bench.stage({"a": None})
    os.utime(second.host_path("/a"), ns=(1, 1))
    op = copy_op("f", "/a/")
    assert digest(op, context, first, bench) == digest(op, context, second, bench)


def test_a_named_owner_counts_by_its_numbers(bench: Bench) -> None:
    context = bench.context(CONTEXT)
    op = copy_op("f", "/f", owner="u")

    def base(passwd: str) -> StackTree:
        return bench.stage({"etc/passwd": passwd})

    first = digest(op, context, base("u:x:5:6::/:\n"), bench)
    assert digest(op, context, base("root:x:0:0\nu:x:5:6::/home:\n"), bench) == first
    assert digest(op, context, base("u:x:5:7::/:\n"), bench) != first
    with pytest.raises(ContextError, match="unable to find user u"):
        digest(op, context, base(""), bench)


@pytest.mark.needs_root
def test_attributes_that_a_merged_directory_keeps_count(bench: Bench) -> None:
    context = bench.context(CONTEXT)
    op = copy_op("d", "/t")
    first, second = bench.stage({"t/sub": None}), bench.stage({"t/sub": None})
    os.setxattr(second.host_path("/t/sub"), "user.kept", b"1")
    assert digest(op, context, first, bench) != digest(op, context, second, bench)


# WORKDIR --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "base", "expected"),
    [
        ("/a/b", {}, ["/a", "/a/b"]),
        ("/a/b", {"a/b": None}, []),
        ("/a/b", {"a": "-> c", "c": None}, ["/c/b"]),
        ("/l", {"l": "-> nowhere"}, ["/nowhere"]),
        ("/", {}, []),
    ],
)
def test_workdir_makes_what_is_missing(
    bench: Bench, path: str, base: Files, expected: list[str]
) -> None:
    destination = examine(MkdirOp(path), bench.stage(base))
    assert made(destination) == expected


@pytest.mark.parametrize(
    ("owner", "expected"),
    [("", (0, 0)), ("7", (7, 7)), ("5:6", (5, 6)), ("u", (50, 60)), ("nosuch", (0, 0))],
)
def test_workdir_belongs_to_the_user(bench: Bench, owner: str, expected: tuple[int, int]) -> None:
    base = bench.stage({"etc/passwd": "u:x:50:60::/:\n"})
    destination = examine(MkdirOp("/w/x", owner), base)
    for path in ("/w", "/w/x"):
        directory = destination.directories[path]
        assert (directory.uid, directory.gid) == expected


def test_workdir_on_a_file_is_an_error(bench: Bench) -> None:
    with pytest.raises(SolveError, match="mkdir /x: not a directory"):
        examine(MkdirOp("/x/y"), bench.stage({"x": "file"}))


def test_a_workdir_that_is_there_changes_nothing(bench: Bench, tmp_path: Path) -> None:
    destination = examine(MkdirOp("/a"), bench.stage({"a": None}))
    assert (dict(destination.directories), dict(destination.files)) == ({}, {})


@pytest.mark.skipif(os.geteuid() != 0, reason="files of a context belong to root")
def test_what_the_base_has_just_so_counts_where_it_leaves_the_layer(bench: Bench) -> None:
    context, op = bench.context(CONTEXT), copy_op("f", "/x/f")
    same, other = bench.stage({"x/f": CONTEXT["f"]}), bench.stage({"x/f": CONTEXT["f"]})
    os.utime(other.host_path("/x/f"), (6, 6))
    plans = [bench.plan(op, [context], base)[1] for base in (same, other)]
    assert [plan.same.paths for plan in plans] == [("/x", "/x/f"), ()]
    assert plans[0].digest() != plans[1].digest()
    linked = bench.plan(copy_op("f", "/x/f", link=True), [context], same)[1]
    assert linked.same.paths == ()
