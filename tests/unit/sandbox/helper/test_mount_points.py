"""Removal of mount points from an upper directory that a container could write to."""

from __future__ import annotations

import os

import pytest

from jettison.linux.files import fingerprint
from jettison.sandbox.helper.mount_points import remove_points
from jettison.sandbox.wire import CopiedDirectory, MountPoint, Ready

OLD = 1_500_000_000 * 10**9


@pytest.fixture
def upper(tmp_path):
    path = tmp_path / "upper"
    path.mkdir()
    return path


def old(path) -> None:
    os.utime(path, ns=(OLD, OLD))


def ready(points, parents=()) -> Ready:
    """Return what a container says: points by path and kind, directories as they are now."""
    made = [MountPoint(path=path, directory=directory) for path, directory in points]
    return Ready(points=made, parents=[copied(*each) for each in parents], pid=0)


def copied(name: bytes, path) -> CopiedDirectory:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return CopiedDirectory(path=name, fingerprint=fingerprint(descriptor))
    finally:
        os.close(descriptor)


def test_empty_mount_points_go_and_times_stay(upper):
    (upper / "run/secrets").mkdir(parents=True)
    (upper / "run/secrets/key").touch()
    old(upper)
    points = [(b"run", True), (b"run/secrets", True), (b"run/secrets/key", False)]
    remove_points(upper, ready(points))
    assert os.listdir(upper) == []
    assert upper.stat().st_mtime_ns == OLD


def test_what_the_container_filled_stays(upper):
    (upper / "dir").mkdir()
    (upper / "dir/mine").touch()
    (upper / "file").write_text("mine")
    remove_points(upper, ready([(b"dir", True), (b"file", False)]))
    assert sorted(os.listdir(upper)) == ["dir", "file"]


def test_a_stub_that_became_something_else_stays(upper):
    (upper / "dir").symlink_to("elsewhere")
    (upper / "file").mkdir()
    remove_points(upper, ready([(b"dir", True), (b"file", False), (b"gone", True)]))
    assert sorted(os.listdir(upper)) == ["dir", "file"]


def test_links_are_not_followed(upper, tmp_path):
    outside = tmp_path / "outside"
    (outside / "stub").mkdir(parents=True)
    (upper / "dir").symlink_to(outside)
    remove_points(upper, ready([(b"dir/stub", True)], [(b"dir", outside)]))
    assert (outside / "stub").is_dir()
    assert (upper / "dir").is_symlink()


def test_a_copied_directory_that_is_as_it_was_goes(upper):
    (upper / "etc/deep").mkdir(parents=True)
    (upper / "etc/deep/hosts").touch()
    for path in (upper / "etc/deep", upper / "etc", upper):
        old(path)
    parents = [(b"etc/deep", upper / "etc/deep"), (b"etc", upper / "etc")]
    remove_points(upper, ready([(b"etc/deep/hosts", False)], parents))
    assert os.listdir(upper) == []
    assert upper.stat().st_mtime_ns == OLD


@pytest.mark.parametrize("change", ["mode", "time", "content", "attribute"])
def test_a_copied_directory_that_the_container_changed_stays(upper, change):
    etc = upper / "etc"
    etc.mkdir()
    (etc / "hosts").touch()
    old(etc)
    said = ready([(b"etc/hosts", False)], [(b"etc", etc)])
    if change == "mode":
        etc.chmod(0o700)
    elif change == "time":
        os.utime(etc)
    elif change == "content":
        (etc / "motd").touch()
        old(etc)
    else:
        os.setxattr(etc, "user.mine", b"1")
    remove_points(upper, said)
    assert etc.is_dir()
    assert not (etc / "hosts").exists()
