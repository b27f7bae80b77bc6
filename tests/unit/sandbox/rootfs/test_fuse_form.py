"""What fuse-overlayfs leaves is brought into the form of overlayfs."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from jettison.fs.host_tree import HostTree
from jettison.fs.overlay_form import is_opaque, is_whiteout, opaque_xattr
from jettison.sandbox.rootfs.fuse_form import FuseForm
from jettison.snapshot.unchanged import leave_out_unchanged
from ownership_rig import OWNERSHIP

OLD = 1_000_000_000


@pytest.fixture
def layers(tmp_path: Path) -> tuple[Path, Path]:
    """A lower and an upper directory."""
    lower, upper = tmp_path / "lower", tmp_path / "upper"
    for name in ("dir/sub", "shared"):
        (lower / name).mkdir(parents=True)
    (lower / "shared").chmod(0o2775)
    (lower / "one").write_text("of two names")
    (lower / "two").hardlink_to(lower / "one")
    upper.mkdir()
    return lower, upper


def undo(lower: Path, upper: Path) -> None:
    FuseForm(upper, (lower,)).undo()


def test_files_named_as_in_a_tar_become_whiteouts(layers):
    lower, upper = layers
    (upper / "dir").mkdir()
    (upper / "dir/.wh.sub").touch()
    os.utime(upper / "dir", (OLD, OLD))
    undo(lower, upper)
    assert os.listdir(upper / "dir") == ["sub"]
    assert is_whiteout((upper / "dir/sub").lstat())
    assert (upper / "dir").stat().st_mtime == OLD


@pytest.mark.parametrize("mark", ["file", "device", "attribute"])
def test_each_way_to_say_that_a_directory_is_opaque_becomes_overlayfs_s(layers, mark):
    lower, upper = layers
    (upper / "dir/new/deeper").mkdir(parents=True)
    for directory in (upper / "dir", upper / "dir/new"):
        if mark == "file":
            (directory / ".wh..wh..opq").touch()
        elif mark == "device":
            os.mknod(directory / ".wh..opq", stat.S_IFCHR)
        else:
            os.setxattr(directory, "user.fuseoverlayfs.opaque", b"y")
    os.mknod(upper / "dir/new/gone", stat.S_IFCHR)
    undo(lower, upper)
    assert is_opaque(os.fspath(upper / "dir"))
    assert os.listxattr(upper / "dir") == [opaque_xattr()]
    assert os.listdir(upper / "dir") == ["new"]
    # Nothing is below what is new in an opaque directory: marks there would say nothing.
    assert os.listdir(upper / "dir/new") == ["deeper"]
    assert os.listxattr(upper / "dir/new") == []


def test_attributes_of_its_own_are_taken_away_and_others_are_kept(layers):
    lower, upper = layers
    (upper / "file").touch()
    os.setxattr(upper / "file", "user.fuseoverlayfs.origin", b"file")
    os.setxattr(upper / "file", "user.note", b"kept")
    undo(lower, upper)
    assert os.listxattr(upper / "file") == ["user.note"]


def test_bits_that_copying_a_directory_up_has_lost_are_back(layers):
    lower, upper = layers
    (upper / "shared").mkdir()
    (upper / "shared").chmod(0o775)
    (upper / "dir").mkdir()
    (upper / "dir").chmod(0o700)
    undo(lower, upper)
    assert stat.S_IMODE((upper / "shared").stat().st_mode) == 0o2775
    assert stat.S_IMODE((upper / "dir").stat().st_mode) == 0o700


@pytest.mark.parametrize(("content", "is_kept"), [("of two names", False), ("of 2 names..", True)])
def test_a_name_that_was_copied_up_for_the_other_s_sake_is_left_out(layers, content, is_kept):
    lower, upper = layers
    (upper / "two").write_text(content)
    facts = (lower / "two").stat()
    os.utime(upper / "two", ns=(facts.st_atime_ns, facts.st_mtime_ns))
    (upper / "other").write_text(content)
    undo(lower, upper)
    leave_out_unchanged(upper, OWNERSHIP, HostTree(lower), 0)
    assert (upper / "two").exists() == is_kept
    assert (upper / "other").exists()


def test_no_link_is_followed(layers, tmp_path):
    lower, upper = layers
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/.wh..wh..opq").touch()
    (upper / "link").symlink_to(tmp_path / "outside")
    undo(lower, upper)
    assert os.listdir(tmp_path / "outside") == [".wh..wh..opq"]
