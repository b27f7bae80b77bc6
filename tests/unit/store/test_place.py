"""Where a store is: its own place, closed to others, on a way that nobody else can change."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jettison.errors import StorageError
from jettison.store.place import LATER_PARTS, PARTS, resolved, take, take_parts

OTHER = 65534


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("a/b", "a/b"),
        ("link/b", "a/b"),
        ("link/../x", "x"),  # the kernel's `..`, not that of the text
        ("up", "a"),
        ("missing/x/../y", "missing/y"),
        ("./a/.", "a"),
    ],
)
def test_links_are_followed_as_the_kernel_does(tmp_path, path, place):
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "link").symlink_to("a")
    (tmp_path / "up").symlink_to(f"{tmp_path}/a/b/..")
    assert resolved(tmp_path / path) == tmp_path / place


def test_links_in_a_cycle_lead_nowhere(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(StorageError) as caught:
        resolved(tmp_path / "a/store")
    assert caught.value.message == (
        f"the store `{tmp_path}/a/store` leads nowhere: its links go in circles"
    )


@pytest.mark.parametrize(("bits", "is_safe"), [(0o755, True), (0o777, False), (0o1777, True)])
def test_others_must_not_rename_a_directory_on_the_way(tmp_path, bits, is_safe):
    (tmp_path / "way").mkdir()
    (tmp_path / "way").chmod(bits)
    if is_safe:
        assert resolved(tmp_path / "way/store") == tmp_path / "way/store"
        return
    with pytest.raises(StorageError) as caught:
        resolved(tmp_path / "way/store")
    assert caught.value.message == (
        f"the store `{tmp_path}/way/store` is not safe: other users can write to `{tmp_path}/way`"
    )
    assert f"`chmod go-w {tmp_path}/way`" in caught.value.hint


@pytest.mark.needs_root
@pytest.mark.parametrize("kind", ["directory", "link"])
def test_what_is_another_user_s_on_the_way_is_refused(tmp_path, kind):
    (tmp_path / "directory").mkdir()
    (tmp_path / "link").symlink_to("directory")
    os.chown(tmp_path / kind, OTHER, OTHER, follow_symlinks=False)
    with pytest.raises(StorageError) as caught:
        resolved(tmp_path / kind / "store")
    assert f"the {kind} `{tmp_path}/{kind}` belongs to another user (" in caught.value.message
    assert f"uid {OTHER})" in caught.value.message


def test_a_new_store_is_closed_to_others_and_its_parents_are_usual(tmp_path):
    take(tmp_path / "a/b/store")
    assert mode(tmp_path / "a/b/store") == 0o700
    assert mode(tmp_path / "a/b") == 0o755
    take_parts(tmp_path / "a/b/store")
    assert {mode(tmp_path / "a/b/store" / part) for part in PARTS} == {0o700}
    assert not any((tmp_path / "a/b/store" / part).exists() for part in LATER_PARTS)


def test_a_store_that_others_may_read_is_closed(tmp_path):
    store = tmp_path / "store"
    for part in ("", "blobs", "git"):
        (store / part).mkdir()
        (store / part).chmod(0o755)
    (store / "state.db").write_text("")
    (store / "state.db").chmod(0o644)
    take(store)
    take_parts(store)
    assert {mode(store), mode(store / "blobs"), mode(store / "git")} == {0o700}
    assert mode(store / "state.db") == 0o600


def test_a_store_that_others_could_have_written_to_is_refused_unless_it_is_empty(tmp_path):
    store = tmp_path / "sto re"
    store.mkdir()
    store.chmod(0o777)
    take(store)
    assert mode(store) == 0o700
    (store / "blobs").mkdir()
    store.chmod(0o777)
    with pytest.raises(StorageError) as caught:
        take(store)
    assert caught.value.message == f"the store `{store}` is not safe: other users can write to it"
    assert f"`chmod 700 '{store}'`" in caught.value.hint


@pytest.mark.parametrize("name", ["file", "file/store"])
def test_a_file_is_no_store(tmp_path, name):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError) as caught:
        take(tmp_path / name)
    assert caught.value.message == (
        f"the store `{tmp_path / name}` cannot be made: there is a file in its place"
    )


@pytest.mark.needs_root
def test_a_store_of_another_user_is_refused(tmp_path):
    (tmp_path / "store").mkdir()
    os.chown(tmp_path / "store", OTHER, OTHER)
    with pytest.raises(StorageError, match=f"belongs to another user \\(.*uid {OTHER}\\)"):
        take(tmp_path / "store")


@pytest.mark.parametrize(
    ("part", "kind"), [("trash", "link"), ("blobs", "file of another type or user")]
)
def test_a_part_that_is_something_else_is_refused(tmp_path, part, kind):
    (tmp_path / "victim").mkdir()
    take(tmp_path / "store")
    if kind == "link":
        (tmp_path / "store" / part).symlink_to(tmp_path / "victim")
    else:
        (tmp_path / "store" / part).write_text("")
    with pytest.raises(StorageError) as caught:
        take_parts(tmp_path / "store")
    assert caught.value.message == (
        f"the store `{tmp_path}/store` is not safe: its part `{part}` is a {kind}"
    )
    assert mode(tmp_path / "victim") == 0o755
