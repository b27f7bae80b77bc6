"""The tree of an image's files: sums, limits, what is shown."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from jettison.report.contents import Node
from jettison.report.tree import MOST_DEPTH, File, tree_of


def _all(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _all(child)


NAMES = st.sampled_from(["a", "b", "lib", "x" * 20, "…"])
PATHS = st.lists(NAMES, min_size=1, max_size=5).map("/".join)


@given(
    st.dictionaries(PATHS, st.tuples(st.integers(0, 10**9), st.integers(0, 3)), max_size=60),
    st.integers(2, 40),
)
def test_sums_are_those_of_all_files_and_nodes_are_few(
    files: dict[str, tuple[int, int]], most: int
) -> None:
    tree = tree_of((File(p, "file", size, who) for p, (size, who) in files.items()), most)
    assert (tree.bytes, tree.files) == (sum(size for size, _ in files.values()), len(files))
    nodes = list(_all(tree))
    assert len(nodes) <= most
    for node in nodes:
        if node.children:
            assert node.bytes == sum(child.bytes for child in node.children)
            assert node.files == sum(child.files for child in node.children)
            shown = [child.bytes for child in node.children if child.kind != "more"]
            assert shown == sorted(shown, reverse=True)


def test_the_largest_are_shown_wherever_they_are() -> None:
    files = [File(f"/etc/{n}", "file", 10, 0) for n in range(100)]
    files.append(File("/opt/app/bin/server", "file", 5000, 1, 7))
    files.append(File("/usr/lib/huge", "file", 9000, 0))
    tree = tree_of(files, 14)
    assert [(node.name, node.kind) for node in _all(tree)] == [
        ("", "dir"),
        ("usr", "dir"),
        ("lib", "dir"),
        ("huge", "file"),
        ("opt", "dir"),
        ("app", "dir"),
        ("bin", "dir"),
        ("server", "file"),
        ("… 100 files", "more"),
    ]
    server = next(node for node in _all(tree) if node.name == "server")
    assert (server.origin, server.line, server.files) == (1, 7, 1)


def test_what_a_stage_made_is_shown_beside_a_base_image_that_is_much_larger() -> None:
    files = [File(f"/usr/lib/l{n}.so", "file", 1_000_000, 0) for n in range(100)]
    files.append(File("/app/dist/server.js", "file", 377, 1, 9))
    tree = tree_of(files, 20)
    assert "server.js" in [node.name for node in _all(tree)]
    assert sum(node.kind == "file" for node in _all(tree)) == 10


def test_a_small_image_is_shown_whole() -> None:
    tree = tree_of([File("bin/sh", "link", 0, 0), File("/bin/busybox", "file", 900, 0)])
    (binaries,) = tree.children
    assert [(node.name, node.kind, node.bytes) for node in binaries.children] == [
        ("busybox", "file", 900),
        ("sh", "link", 0),
    ]


def test_a_directory_is_of_who_made_most_of_it() -> None:
    tree = tree_of([File("/a", "file", 5, 1), File("/b", "file", 3, 2), File("/c", "file", 3, 2)])
    assert tree.origin == 2


def test_an_image_without_files_is_a_root() -> None:
    assert tree_of([]) == Node("", "dir", 0, 0, 0)


def test_very_deep_paths_do_not_make_a_very_deep_tree() -> None:
    tree = tree_of([File("/d" * 2000 + "/file", "file", 1, 0)])
    depth = 0
    node = tree
    while node.children:
        (node,) = node.children
        depth += 1
    assert depth <= MOST_DEPTH + 2
    assert (node.kind, node.bytes, tree.files) == ("file", 1, 1)
