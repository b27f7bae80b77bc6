"""Layers of images as trees without unpacking them: they show what unpacked ones show."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from image_rig import AMD64, Rig, layout_with
from jettison.errors import ContentError
from jettison.fs.tree import Tree
from jettison.image.browse import LayerBrowser
from jettison.image.files import LayerUnpacker
from jettison.image.remote import RemoteBlobs
from jettison.image.resolve import ImageResolver
from jettison.snapshot.base import ALL_TELL
from jettison.snapshot.stack import StackTree
from jettison.store.layer import Stack
from layer_archives import archive, directory, hard_link, member, symlink

BASE = archive(
    directory("usr", mode=0o750, mtime=5),
    directory("usr/lib", mode=0o711, mtime=7, pax_headers={"SCHILY.xattr.user.note": "1"}),
    member("usr/lib/libc.so", b"c" * 500, mode=0o755),
    symlink("lib", "usr/lib"),
    directory("gone"),
    member("gone/file", b"1"),
    directory("opaque"),
    member("opaque/below", b"1"),
)
MIDDLE = archive(
    member("usr/lib/implied/deep", b"deep"),  # no entry says what these directories are
    member("lib/through-a-link", b"linked"),
    member("first", b"two names"),
    hard_link("second", "first"),
    member(".wh.gone"),
    member("opaque/.wh..wh..opq"),
    member("opaque/above", b"2"),
)
TOP = archive(directory("./", mode=0o700), member("usr/bin/tool", b"tool", mode=0o4755))


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path / "store") as made:
        yield made


def stack_of(rig: Rig, reference: str) -> Stack:
    image = ImageResolver(rig.store, None).resolve(reference, AMD64).image
    return tuple(layer.layer for layer in image.layers)


def browsed(rig: Rig, stack: Stack, wanted: list[str] | None = None) -> Tree:
    return rig.blobs.browse(stack, [ALL_TELL] * len(stack), wanted=wanted)


def shown(tree: Tree) -> dict[str, tuple[object, ...]]:
    """Return all that a COPY may ask of a tree, by path."""
    found: dict[str, tuple[object, ...]] = {}
    pending = ["/"]
    identities: dict[tuple[int, int], str] = {}
    while pending:
        path = pending.pop()
        st = tree.lstat(path)
        assert st is not None
        content: object = tree.readlink(path) if st.is_symlink else None
        first = path
        if st.is_file:
            content = tree.file_digest(path), Path(tree.host_path(path)).read_bytes()
            first = identities.setdefault(st.identity, path)
        mtime = st.mtime_ns if path != "/" else 0  # nobody says when that of an image was changed
        size = st.size if st.is_file else 0
        found[path] = (st.mode, st.uid, st.gid, size, mtime, st.dated, tree.xattrs(path), content)
        found[path] += (first, st.nlink > 1 and st.is_file)
        if st.is_dir:
            names = tree.names(path)
            pending += [f"{path.rstrip('/')}/{name}" for name in names[::-1]]
    return found


def unpacked(rig: Rig, stack: Stack) -> StackTree:
    ownership = rig.layer_store.ownership
    return StackTree(rig.blobs.materialise(stack), ownership, clocks=[ALL_TELL] * len(stack))


@pytest.mark.parametrize("wanted", [None, ["/usr"], ["/lib"]])
def test_a_browsed_stack_shows_what_the_unpacked_one_does(
    rig: Rig, tmp_path: Path, wanted: list[str] | None
) -> None:
    stack = stack_of(rig, layout_with(tmp_path / "layout", BASE, MIDDLE, TOP))
    found = shown(browsed(rig, stack, wanted))
    assert all(rig.layer_store.info(layer) is None for layer in stack)
    assert found == shown(unpacked(rig, stack))
    assert found["/usr"][0] == 0o40750  # what the base says, though a layer above has it, too
    assert found["/usr/lib/implied"][4] == 0


@pytest.mark.parametrize("here", [1, 2])
def test_layers_that_are_here_and_others_show_the_same(rig: Rig, tmp_path: Path, here: int) -> None:
    stack = stack_of(rig, layout_with(tmp_path / "layout", BASE, MIDDLE, TOP))
    rig.blobs.materialise(stack[:here])
    found = shown(browsed(rig, stack))
    assert rig.layer_store.info(stack[-1]) is None
    assert found == shown(unpacked(rig, stack))
    assert shown(browsed(rig, stack)) == found  # the same, though now all are here


def test_bytes_that_nobody_wants_are_not_written(rig: Rig, tmp_path: Path) -> None:
    stack = stack_of(rig, layout_with(tmp_path / "layout", BASE))
    tree = browsed(rig, stack, ["/gone"])
    assert tree.lstat("/usr/lib/libc.so").size == 500
    place = Path(tree.host_path("/gone/file"))
    assert place.read_bytes() == b"1"
    unread = place.parents[1] / "usr/lib/libc.so"
    assert (unread.stat().st_size, unread.stat().st_blocks) == (500, 0)
    # What was not expected is written when it is asked for; what was linked before stays.
    (kept := tmp_path / "store/kept").hardlink_to(place)
    assert Path(tree.host_path("/usr/lib/libc.so")).read_bytes() == b"c" * 500
    assert kept.read_bytes() == Path(tree.host_path("/gone/file")).read_bytes() == b"1"


def test_an_outline_is_known_when_the_blob_is_gone(rig: Rig, tmp_path: Path) -> None:
    reference = layout_with(tmp_path / "layout", BASE, MIDDLE, TOP)
    stack = stack_of(rig, reference)
    tree = browsed(rig, stack)
    before = {path: tree.lstat(path) for path in ("/", "/usr", "/usr/bin/tool", "/none")}
    for digest in rig.store.blobs.all():
        rig.store.blobs.remove(digest)
    for path in (tmp_path / "layout/blobs/sha256").iterdir():
        path.unlink()
    with Rig(rig.store.root) as later:
        tree = browsed(later, stack)
        assert {path: tree.lstat(path) for path in before} == before
        assert tree.names("/opaque") == ["above"]


def test_a_hard_link_into_the_layers_below_needs_these(rig: Rig, tmp_path: Path) -> None:
    upper = archive(hard_link("alias", "usr/lib/libc.so"))
    stack = stack_of(rig, layout_with(tmp_path / "layout", BASE, upper))
    assert shown(browsed(rig, stack, ["/alias"])) == shown(unpacked(rig, stack))


def test_an_archive_that_contradicts_itself_is_an_error(rig: Rig, tmp_path: Path) -> None:
    bad = archive(member("a", b"1"), member("a/b", b"2"))
    reference = layout_with(tmp_path / "layout", bad)
    for _ in range(2):  # nothing of it is known the second time
        with Rig(rig.store.root) as each:
            tree = browsed(each, stack_of(each, reference))
            with pytest.raises(ContentError, match="used as a directory"):
                tree.lstat("/a")


def test_a_tar_that_is_another_is_an_error_and_leaves_nothing(rig: Rig, tmp_path: Path) -> None:
    diff_ids = ["sha256:" + "1" * 64]
    reference = layout_with(tmp_path / "layout", BASE, diff_ids=diff_ids)
    for _ in range(2):
        with Rig(rig.store.root) as each:
            tree = browsed(each, stack_of(each, reference))
            with pytest.raises(ContentError, match="diff ID"):
                tree.lstat("/usr")


def test_a_file_of_two_names_is_written_for_each_of_them(rig: Rig, tmp_path: Path) -> None:
    stack = stack_of(rig, layout_with(tmp_path / "layout", MIDDLE))
    tree = browsed(rig, stack, [])
    assert Path(tree.host_path("/second")).read_bytes() == b"two names"
    assert os.path.samefile(tree.host_path("/second"), tree.host_path("/first"))


def test_layers_are_shared_by_the_trees_of_a_build(rig: Rig, tmp_path: Path) -> None:
    stack = stack_of(rig, layout_with(tmp_path / "layout", BASE, TOP))
    rig.blobs.materialise(stack[:1])
    unpacker = LayerUnpacker(rig.store, rig.layer_store, RemoteBlobs(None))
    browser = LayerBrowser(rig.store, rig.layer_store, unpacker, RemoteBlobs(None))
    asked: list[str] = []
    for wanted in (None, ["/usr/bin"]):
        tree = browser.tree(
            stack, [ALL_TELL] * 2, lambda item, *_: asked.append(item), wanted=wanted
        )
        assert tree.names("/usr") == ["bin", "lib"]
    assert len(set(asked)) == 1  # of the layer that was not here


def test_a_layer_that_is_here_as_files_is_used(rig: Rig) -> None:
    layer = rig.layer({"a": "1", "link": "-> a"})
    tree = browsed(rig, (layer,))
    assert tree.host_path("/a") == f"{rig.layer_store.directory(layer)}/a"
    assert tree.readlink("/link") == "a"
