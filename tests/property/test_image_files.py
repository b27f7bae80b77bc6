"""Random layers as an image: what is listed, printed and exported of it is what a model says."""

from __future__ import annotations

import hashlib
import io
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from image_rig import layout_with
from jettison.api.image_files import image_files, opened_image
from jettison.api.session import Session
from jettison.errors import PathNotFoundError
from jettison.events import no_progress
from jettison.exporter.rootfs_tar import END, TarWriter
from jettison.settings import Settings
from layer_archives import archive, directory, hard_link, member, symlink

pytestmark = pytest.mark.needs_root

_NAMES = ("a", "b", "c é", "\x1b[2J", "x" * 200)
_PATHS = st.lists(st.sampled_from(_NAMES), min_size=1, max_size=3).map("/".join)
_ENTRIES = st.one_of(
    st.tuples(st.just("file"), _PATHS, st.binary(max_size=40)),
    st.tuples(st.just("dir"), _PATHS, st.sampled_from((0o755, 0o700, 0o1777))),
    st.tuples(st.just("link"), _PATHS, st.sampled_from(("a", "/b", "../../a", "/a/b/c é"))),
    st.tuples(st.just("gone"), _PATHS, st.just(b"")),
    st.tuples(st.just("opaque"), _PATHS, st.just(b"")),
    st.tuples(st.just("hard"), _PATHS, _PATHS),
)
_LAYERS = st.lists(st.lists(_ENTRIES, max_size=8), min_size=1, max_size=4)

ROOT = {"uid": 0, "gid": 0}

Node = tuple[str, object, int]
"""Kind, content, number of the layer."""


class _Layer:
    """A layer that is made on a tree, which it changes.

    Args:
        tree: What the layers below show.
        number: Of the layer.
    """

    def __init__(self, tree: dict[str, Node], number: int) -> None:
        self.tree = tree
        self.number = number
        self.members: list[object] = []
        self._own: dict[str, Node] = {}
        self._below = dict(tree)

    def add(self, kind: str, path: str, value: object) -> None:
        """Add an entry, if it makes sense: what contradicts itself is another test's."""
        parents = [path[:at] for at in range(len(path)) if path[at] == "/"]
        places = [
            where.get(each, ("dir",))[0] for each in parents for where in (self._own, self.tree)
        ]
        if path in self._own or any(kind != "dir" for kind in places):
            return
        if any(each.startswith(f"{path}/") for each in self._own):
            return
        if kind == "gone" and path not in self._below:
            return
        if kind == "hard" and self._own.get(str(value), ("",))[0] != "file":
            return
        for each in parents:
            if each not in self._own:
                self._put(each, ("dir", 0o755, self.number), directory(each, mode=0o755, **ROOT))
        if kind != "dir" or self.tree.get(path, ("dir",))[0] != "dir":
            for each in [each for each in self.tree if f"{each}/".startswith(f"{path}/")]:
                del self.tree[each]
        getattr(self, f"_add_{kind}")(path, value)

    def _put(self, path: str, node: Node, *members: object) -> None:
        self._own[path] = self.tree[path] = node
        self.members += members

    def _add_gone(self, path: str, _: object) -> None:
        parent, _, name = path.rpartition("/")
        self.members.append(member(f"{parent}/.wh.{name}".lstrip("/"), **ROOT))
        self._own[path] = ("gone", b"", self.number)

    def _add_hard(self, path: str, value: object) -> None:
        self._put(path, self._own[str(value)], hard_link(path, str(value), **ROOT))

    def _add_opaque(self, path: str, _: object) -> None:
        made = directory(path, mode=0o755, **ROOT), member(f"{path}/.wh..wh..opq", **ROOT)
        self._put(path, ("dir", 0o755, self.number), *made)

    def _add_file(self, path: str, value: object) -> None:
        self._put(path, ("file", value, self.number), member(path, value, uid=7, gid=8, mode=0o640))

    def _add_link(self, path: str, value: object) -> None:
        self._put(path, ("link", value, self.number), symlink(path, value, **ROOT))

    def _add_dir(self, path: str, value: object) -> None:
        self._put(path, ("dir", value, self.number), directory(path, mode=value, **ROOT))


def _layer(tree: dict[str, Node], entries: list[tuple[str, str, object]], number: int) -> bytes:
    """Return the tar of a layer, and change the tree so."""
    layer = _Layer(tree, number)
    for kind, path, value in entries:
        layer.add(kind, path, value)
    return archive(*layer.members)


@given(_LAYERS)
@settings(max_examples=40, deadline=None)
def test_an_image_shows_what_its_layers_say(
    layers: list[list[tuple[str, str, object]]],
) -> None:
    tree: dict[str, Node] = {}
    with tempfile.TemporaryDirectory() as place:
        tars = [_layer(tree, entries, number) for number, entries in enumerate(layers)]
        name = layout_with(Path(place) / "layout", *tars)
        settings_ = Settings(root=f"{place}/store", ca_bundle="none")
        with Session.open(settings_, {"HOME": place}) as session:
            with image_files(session, name) as found:
                files = list(found.files([], digests=True))
                assert {each.path[1:] for each in files} == tree.keys()
                for each in files:
                    kind, value, number = tree[each.path[1:]]
                    assert each.stat.device == number, each.path
                    if kind == "file":
                        assert isinstance(value, bytes)
                        assert each.sha256 == hashlib.sha256(value).hexdigest()
                        assert (each.stat.uid, each.stat.gid, each.stat.size) == (7, 8, len(value))
                        sink = io.BytesIO()
                        found.copy(found.regular(each.path), sink)
                        assert sink.getvalue() == value
                    elif kind == "link":
                        assert each.target == value
                    else:
                        assert each.stat.mode & 0o7777 == value
                        with pytest.raises(PathNotFoundError):
                            found.regular(each.path)
            assert session.store.images.all() == []
            with opened_image(session, name) as image:
                stack = tuple(each.layer for each in image.layers)
                exported = io.BytesIO()
                TarWriter(exported, "", None, no_progress).write(session.blobs.tree(stack))
                exported.write(END)
            assert dict(_exported(exported.getvalue())) == {
                path: (kind, value) for path, (kind, value, _) in tree.items()
            }


def _exported(data: bytes) -> Iterator[tuple[str, tuple[str, object]]]:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        for each in tar:
            if each.issym():
                yield each.name, ("link", each.linkname)
            elif each.isdir():
                yield each.name, ("dir", each.mode)
            else:
                file = tar.extractfile(each)
                yield each.name, ("file", file.read() if file is not None else b"")
