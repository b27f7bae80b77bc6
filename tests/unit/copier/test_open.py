"""Selected files, opened: only the very file that was selected."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from copy_rig import fill
from jettison.copier.entry import SourceEntry
from jettison.copier.open import check_unchanged, is_immutable, open_source
from jettison.errors import ContextError
from jettison.fs.host_tree import HostTree
from jettison.snapshot.stack import StackTree
from ownership_rig import OWNERSHIP

CHANGED = "`/file` changed while it was copied"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return fill(tmp_path / "root", {"file": "content", "other": "content"})


def selected(tree) -> SourceEntry:
    st = tree.lstat("/file")
    return SourceEntry("", "/file", st, st.mode)


def test_the_selected_file_is_opened(root):
    tree = HostTree(root, context=True)
    descriptor, st = open_source(tree, selected(tree))
    assert os.read(descriptor, 100) == b"content"
    assert st.st_ino == os.stat(root / "file").st_ino
    os.close(descriptor)


@pytest.mark.parametrize(
    "what", ["another", "longer", "later", "link", "pipe", "gone", "directory"]
)
def test_what_is_not_that_file_any_more_is_an_error(root, what):
    tree = HostTree(root, context=True)
    entry = selected(tree)
    if what == "another":
        os.rename(root / "other", root / "file")
    elif what == "longer":
        (root / "file").write_text("content and more")
    elif what == "later":
        os.utime(root / "file")
    else:
        (root / "file").unlink()
    if what == "link":
        (root / "file").symlink_to("other")
    elif what == "pipe":
        os.mkfifo(root / "file")  # is not waited for
    elif what == "directory":
        (root / "file").mkdir()
    before = set(os.listdir("/proc/self/fd"))
    with pytest.raises(ContextError) as caught:
        open_source(tree, entry)
    assert caught.value.message == CHANGED
    assert set(os.listdir("/proc/self/fd")) == before


def test_a_file_that_is_written_while_it_is_read_is_an_error(root):
    tree = HostTree(root, context=True)
    entry = selected(tree)
    descriptor, st = open_source(tree, entry)
    check_unchanged(entry, descriptor, st)
    os.utime(root / "file", ns=(st.st_mtime_ns, st.st_mtime_ns))  # the change time tells
    with pytest.raises(ContextError) as caught:
        check_unchanged(entry, descriptor, st)
    assert caught.value.message == CHANGED
    os.close(descriptor)


def test_files_of_layers_never_change_so_only_their_size_is_looked_at(root):
    tree = StackTree([root], OWNERSHIP)
    assert is_immutable(tree)
    assert not is_immutable(HostTree(root, context=True))
    entry = selected(tree)
    os.utime(root / "file")
    descriptor, _ = open_source(tree, entry)
    os.close(descriptor)
