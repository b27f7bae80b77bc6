"""What changed in a copied root is told from what did not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jettison.fs.overlay_form import is_whiteout
from jettison.sandbox.rootfs.copied_root import CopiedRoot, copy_stack
from ownership_rig import OWNERSHIP

OLD = 1_000_000_000


@pytest.fixture
def root(tmp_path: Path) -> CopiedRoot:
    base, upper = tmp_path / "base", tmp_path / "upper"
    (base / "dir/sub").mkdir(parents=True)
    for name in ("dir/file", "other"):
        (base / name).write_text(name)
    for path in (base / "dir/file", base / "dir/sub", base / "dir", base):
        os.utime(path, (OLD, OLD))
    upper.mkdir()
    os.utime(upper, (OLD, OLD))
    root = CopiedRoot(tmp_path / "tree", (base,), upper, OWNERSHIP)
    root.remember()
    return root


def changes(root: CopiedRoot) -> list[str]:
    root.collect()
    upper = root.tree.parent / "upper"
    return sorted(str(path.relative_to(upper)) for path in upper.rglob("*"))


def test_nothing_changed(root):
    assert changes(root) == []
    assert (root.tree / "dir").stat().st_mtime == OLD


def test_an_attribute_of_a_directory_is_a_change(root):
    os.setxattr(root.tree / "dir", "user.note", b"new")
    assert changes(root) == ["dir"]
    assert os.getxattr(root.tree.parent / "upper/dir", "user.note") == b"new"


def test_a_directory_that_was_made_anew_and_a_file_that_is_gone_are_told(root):
    (root.tree / "dir/sub").rmdir()
    (root.tree / "dir/file").unlink()
    (root.tree / "dir").rename(root.tree / "away")
    (root.tree / "away").rmdir()
    (root.tree / "dir").mkdir()
    (root.tree / "other").unlink()
    assert changes(root) == ["dir", "other"]
    upper = root.tree.parent / "upper"
    assert is_whiteout((upper / "other").lstat())


def test_a_stack_is_copied_as_one_directory(root, tmp_path):
    above = tmp_path / "above"
    above.mkdir(mode=0o750)
    os.mknod(above / "other", 0o020000)
    (above / "new").write_text("new")
    copy_stack((tmp_path / "base", above), tmp_path / "copied", OWNERSHIP)
    assert sorted(os.listdir(tmp_path / "copied")) == ["dir", "new"]
    assert (tmp_path / "copied").stat().st_mode & 0o777 == 0o750
