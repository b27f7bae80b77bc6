"""What COPY and ADD take."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from copy_rig import Bench, copy_op
from jettison.copier.select import Selection, select
from jettison.errors import ContextError, FrontendError
from jettison.fs.host_tree import HostTree
from jettison.fs.pattern import PatternMatcher
from jettison.plan.op import CopyOp, CopySource
from jettison.source.local import LocalTree

FILES = {
    "f": "f",
    "a.txt": "a",
    "b.txt": "b",
    "d/x": "x",
    "d/.hidden": "h",
    "d/sub/y": "y",
    "d/link": "-> x",
    "e/empty": None,
    "to-d": "-> d",
    "to-f": "-> /f",
    "dangling": "-> nowhere",
    "p/q/r/deep.txt": "1",
    "p/q2/r/deep.txt": "2",
}


def taken(selection: Selection) -> list[tuple[str, list[str]]]:
    """Return (name, paths below) of each source."""
    return [(each.name, [e.path for e in each.entries[1:]]) for each in selection.sources]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("f", [("f", [])]),
        ("./f/", [("f", [])]),
        ("../../f", [("f", [])]),
        ("d/../f", [("f", [])]),
        ("d", [("d", [".hidden", "link", "sub", "sub/y", "x"])]),
        ("d/", [("d", [".hidden", "link", "sub", "sub/y", "x"])]),
        ("d/.", [("d", [".hidden", "link", "sub", "sub/y", "x"])]),
        ("to-d", [("to-d", [".hidden", "link", "sub", "sub/y", "x"])]),
        ("to-d/x", [("x", [])]),
        ("to-d/s*", [("sub", ["y"])]),
        ("to-f", [("to-f", [])]),
        ("d/link", [("link", [])]),
        ("e", [("e", ["empty"])]),
        ("*.txt", [("a.txt", []), ("b.txt", [])]),
        ("?.txt", [("a.txt", []), ("b.txt", [])]),
        ("[b-z].txt", [("b.txt", [])]),
        ("[^b].txt", [("a.txt", [])]),
        ("p/*/r/deep.txt", [("deep.txt", []), ("deep.txt", [])]),
        ("**/x", [("x", [])]),
        ("nothing*", []),
    ],
)
def test_a_source_names_files(
    bench: Bench, pattern: str, expected: list[tuple[str, list[str]]]
) -> None:
    assert taken(select(copy_op(pattern, "/"), [bench.context(FILES)])) == expected


@pytest.mark.parametrize("pattern", ["missing", "d/missing", "f/below", "dangling", "missing/"])
def test_a_plain_source_must_be_there(bench: Bench, pattern: str) -> None:
    with pytest.raises(ContextError, match="not found in the build context"):
        select(copy_op("f", pattern, "/"), [bench.context(FILES)])


def test_a_missing_source_tells_what_may_be_meant(bench: Bench) -> None:
    with pytest.raises(ContextError) as caught:
        select(copy_op("d/Sub/y", "/"), [bench.context(FILES)])
    assert caught.value.hint == "did you mean `/d/sub`?"


def test_an_ignored_source_tells_by_which_pattern(bench: Bench) -> None:
    root = Path(bench.context({"gone": "x"}).host_path("/gone")).parent
    tree = LocalTree(root, ignored=PatternMatcher(["g*"]))
    with pytest.raises(ContextError, match="`/gone` not found in the build context") as caught:
        select(copy_op("gone", "/"), [tree])
    assert caught.value.hint == "add `!gone` after that rule"
    assert caught.value.cause is not None
    assert caught.value.cause.what == "the ignore file excludes it with `g*`"


def test_a_loop_of_links_is_an_error(bench: Bench) -> None:
    with pytest.raises(ContextError, match="too many levels of symbolic links"):
        select(copy_op("loop", "/"), [bench.context({"loop": "-> loop"})])


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("p/q/r/deep.txt", ["p", "p/q", "p/q/r", "p/q/r/deep.txt"]),
        ("p/./q/r/deep.txt", ["q", "q/r", "q/r/deep.txt"]),
        ("p/q*/./r/deep.txt", ["r", "r/deep.txt", "r", "r/deep.txt"]),
        ("p/./**/deep.txt", ["q", "q/r", "q/r/deep.txt", "q2", "q2/r", "q2/r/deep.txt"]),
        ("p/./q", ["q", "q/r", "q/r/deep.txt"]),
        ("d/./nothing*", []),
    ],
)
def test_parents_recreates_directories_behind_the_pivot(
    bench: Bench, source: str, expected: list[str]
) -> None:
    selection = select(copy_op(source, "/", parents=True), [bench.context(FILES)])
    assert [path for _, paths in taken(selection) for path in paths] == expected


def test_parents_needs_a_plain_path_to_be_there(bench: Bench) -> None:
    with pytest.raises(ContextError, match="`/p/q/missing` not found"):
        select(copy_op("p/./q/missing", "/", parents=True), [bench.context(FILES)])


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (("x",), [".hidden", "link", "sub", "sub/y"]),
        (("sub",), [".hidden", "link", "x"]),
        (("sub", "!sub/y"), [".hidden", "link", "sub", "sub/y", "x"]),
        (("**", "!**/y"), ["sub", "sub/y"]),
        (("*",), []),
        (("/x",), [".hidden", "link", "sub", "sub/y", "x"]),
    ],
)
def test_exclude_patterns_are_relative_to_the_directory(
    bench: Bench, patterns: tuple[str, ...], expected: list[str]
) -> None:
    selection = select(copy_op("d", "/", exclude=patterns), [bench.context(FILES)])
    assert taken(selection) == [("d", expected)]


def test_a_directory_made_for_an_exception_is_implied(bench: Bench) -> None:
    selection = select(copy_op("d", "/", exclude=("sub", "!sub/y")), [bench.context(FILES)])
    implied = [entry.path for entry in selection.sources[0].entries if entry.implied]
    assert implied == ["sub"]


def test_a_malformed_exclude_pattern_is_an_error(bench: Bench) -> None:
    with pytest.raises(FrontendError, match="invalid exclude patterns"):
        select(copy_op("d", "/", exclude=("[a",)), [bench.context(FILES)])


def test_an_unreadable_file_is_an_error_with_its_path(bench: Bench) -> None:
    tree = bench.context({"f": "x"})
    selection = select(copy_op("f", "/"), [tree])
    os.unlink(tree.host_path("/f"))
    with pytest.raises(ContextError, match="no such file"):
        selection.digest()


# Digests --------------------------------------------------------------------------------------


def digest(tree: HostTree, *paths: str, **options: object) -> str:
    return select(copy_op(*paths, **options), [tree]).digest()


def test_the_digest_does_not_see_times_and_places(bench: Bench) -> None:
    first = bench.context(FILES)
    second = bench.context(FILES)
    os.utime(second.host_path("/d/x"), ns=(1, 1))
    assert digest(first, "d", "/") == digest(second, "d", "/elsewhere/")
    assert digest(first, "d", "/") == digest(bench.context({"z/w": "x"} | FILES), "d", "/")


@pytest.mark.parametrize(
    "change",
    [
        {"d/x": "other"},
        {"d/new": ""},
        {"d/link": "-> y"},
        {"d/sub/y": "-> x"},
    ],
)
def test_the_digest_sees_content(bench: Bench, change: dict[str, str]) -> None:
    assert digest(bench.context(FILES), "d", "/") != digest(bench.context(FILES | change), "d", "/")


def test_the_digest_sees_modes_unless_they_are_set(bench: Bench) -> None:
    first, second = bench.context(FILES), bench.context(FILES)
    Path(second.host_path("/d/x")).chmod(0o755)
    second = HostTree(Path(second.host_path("/d")).parent, context=True)
    assert digest(first, "d", "/") != digest(second, "d", "/")
    assert digest(first, "d", "/", mode="600") == digest(second, "d", "/", mode="600")
    assert digest(first, "d", "/", mode="a=r") == digest(second, "d", "/", mode="a=r")
    assert digest(first, "d", "/", mode="a+X") != digest(second, "d", "/", mode="a+X")
    assert digest(first, "d", "/", mode="600") != digest(first, "d", "/", mode="601")


def test_the_digest_does_not_see_the_mode_of_the_directory_that_is_named(bench: Bench) -> None:
    first, second = bench.context(FILES), bench.context(FILES)
    Path(second.host_path("/d")).chmod(0o700)
    second = HostTree(Path(second.host_path("/d")).parent, context=True)
    assert digest(first, "d", "/") == digest(second, "d", "/")
    assert digest(first, ".", "/") != digest(second, ".", "/")


@pytest.mark.needs_root
def test_the_digest_sees_owners_where_they_are_kept(bench: Bench) -> None:
    def tree(uid: int) -> HostTree:
        root = Path(bench.context({"f": "x"}).host_path("/f")).parent
        os.chown(root / "f", uid, uid)
        return HostTree(root)

    op = copy_op("f", "/", from_image=True)
    assert select(op, [tree(1)]).digest() != select(op, [tree(2)]).digest()
    op = copy_op("f", "/", from_image=True, owner="7")
    assert select(op, [tree(1)]).digest() == select(op, [tree(2)]).digest()


def test_the_digest_sees_hard_links(bench: Bench) -> None:
    first, second = bench.context({"d/a": "x", "d/b": "x"}), bench.context({"d/a": "x"})
    os.link(second.host_path("/d/a"), second.host_path("/d/a")[:-1] + "b")
    second = HostTree(Path(second.host_path("/d")).parent, context=True)
    assert digest(first, "d", "/") != digest(second, "d", "/")


def test_the_digest_of_inline_files_sees_names_and_bytes() -> None:
    def inline(name: str, content: bytes) -> str:
        op = CopyOp(sources=(CopySource(name=name, content=content),), dest="/x/")
        return select(op, []).digest()

    digests = {inline("a", b"1"), inline("b", b"1"), inline("a", b"2"), inline("a", b"")}
    assert len(digests) == 4


def test_names_need_not_be_utf_8(bench: Bench) -> None:
    tree = bench.context({"d/x": "x"})
    raw = os.fsencode(tree.host_path("/d")) + b"/\xff"
    with open(raw, "wb") as file:
        file.write(b"raw")
    selection = select(copy_op("d", "/"), [tree])
    assert [entry.path for entry in selection.sources[0].entries] == ["", "x", "\udcff"]
    assert selection.digest().startswith("sha256:")


def test_a_socket_stands_for_an_empty_file(bench: Bench, tmp_path: Path) -> None:
    tree = bench.context({"d/x": "x"})
    folder = os.open(tree.host_path("/d"), os.O_PATH)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"/proc/self/fd/{folder}/s")
    os.close(folder)
    entries = select(copy_op("d", "/"), [tree]).sources[0].entries
    assert [(entry.path, entry.mode & 0o170000) for entry in entries[1:]] == [
        ("s", 0o100000),
        ("x", 0o100000),
    ]


def test_the_golden_digest_does_not_change_by_accident(bench: Bench) -> None:
    """A change here throws away every user's cache: new versions of selections and notes."""
    tree = bench.context({"d/x": "x", "d/sub/y": "y", "d/link": "-> x"})
    for path, mode in {"/d/x": 0o644, "/d/sub/y": 0o755, "/d/sub": 0o750}.items():
        os.chmod(tree.host_path(path), mode)
    tree = HostTree(Path(tree.host_path("/d")).parent, context=True)
    assert digest(tree, "d", "d/x", "/") == GOLDEN


GOLDEN = "sha256:1654dad35e9a518ce540abe77a7558dbfb5859b27b820fc424ea36af75468e16"


@pytest.mark.parametrize("pattern", ["a[", "a[]", "[^]x", "d/a[-", "d/*/[a-", "[", "[a/b]"])
@pytest.mark.parametrize("parents", [False, True])
def test_a_malformed_pattern_is_an_error(bench: Bench, pattern: str, parents: bool) -> None:
    if parents and pattern == "[a/b]":
        return  # of the whole path, this is a class
    tree = bench.stage(FILES)
    op = copy_op(pattern, "/", parents=parents)
    with pytest.raises((ContextError, FrontendError)) as caught:
        select(op, (tree,))
    assert caught.value.message.endswith("syntax error in pattern")
