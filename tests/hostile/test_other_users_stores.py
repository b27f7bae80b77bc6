"""What other users of the machine see of a store, and what they can make its user do."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from host_tools import tool
from jettison.errors import StorageError
from jettison.fs.remove import open_up
from jettison.store.store import Store
from level_rig import library_paths
from other_user import interpreter
from scratch_rig import Scratch

pytestmark = pytest.mark.needs_root
OTHER = 54321


def jettison(store: Path | str, *args: str, uid: int = 0) -> tuple[int, str]:
    """Run a command on a store as a user; return status and what it said."""
    ids = [f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
    become = [tool("setpriv"), *ids, tool("env")] if uid else []
    command = [*become, interpreter(become), "-m", "jettison", "--root", str(store), *args]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(Path(store).parent),
        "PYTHONPATH": os.pathsep.join(library_paths()),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        command, env=environment, cwd="/", capture_output=True, text=True, check=False, timeout=60
    )
    return done.returncode, done.stdout + done.stderr


def seen_by_others(place: Path, names: Sequence[str]) -> list[str]:
    """Return what of a list another user can read below a directory."""
    script = 'cd "$0"; for each; do cat "$each" >/dev/null 2>&1 || (cd "$each" && ls) >/dev/null 2>&1 || continue; echo "$each"; done'
    command = [tool("setpriv"), f"--reuid={OTHER}", f"--regid={OTHER}", "--clear-groups"]
    done = subprocess.run(
        [*command, "sh", "-c", script, place, *names], capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def test_a_store_in_an_existing_directory_is_closed_to_others(
    scratch: Scratch, open_place: Path
) -> None:
    scratch.store = open_place / "store"
    scratch.store.mkdir(mode=0o755)
    done = scratch.build(
        "FROM busybox\nRUN --mount=type=cache,target=/c cp /bin/busybox /c/su && chmod 4755 /c/su\n"
    )
    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE(scratch.store.stat().st_mode) == 0o700
    # Even a store that somebody opens again shows nothing.
    scratch.store.chmod(0o755)
    parts = [path.name for path in scratch.store.iterdir()]
    assert {"blobs", "cache-mounts", "snapshots", "state.db", "tmp"} <= set(parts)
    harmless = {"oci-layout", "boot", "sandbox.json", "levels.json"}
    assert set(seen_by_others(scratch.store, parts)) <= harmless
    assert len(list((scratch.store / "cache-mounts").glob("*/su"))) == 1
    assert jettison(scratch.store, "images")[0] == 0
    assert stat.S_IMODE(scratch.store.stat().st_mode) == 0o700


def test_parts_of_an_older_store_are_closed_when_it_is_opened(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store") as store:
        store.images.tags()
    parts = [tmp_path / "store" / name for name in ("blobs/sha256", "cache-mounts", "tmp")]
    for each in (*parts, tmp_path / "store"):
        each.chmod(0o755)
    (tmp_path / "store/state.db").chmod(0o644)
    with Store.open(tmp_path / "store"):
        for each in (*parts, tmp_path / "store"):
            assert stat.S_IMODE(each.stat().st_mode) == 0o700
        assert stat.S_IMODE((tmp_path / "store/state.db").stat().st_mode) == 0o600


def test_a_store_of_another_user_is_refused_and_nothing_of_the_host_is_removed(
    open_place: Path,
) -> None:
    victim = open_place / "victim"
    victim.mkdir()
    (victim / "precious").write_text("x")
    home = open_place / "home"
    home.mkdir()
    os.chown(home, OTHER, OTHER)
    status, said = jettison(home / "store", "images", uid=OTHER)
    assert status == 0, said
    (home / "store/trash").rmdir()
    (home / "store/trash").symlink_to(victim)
    for command in (["prune", "--all", "--force"], ["fsck", "--repair"], ["images"]):
        status, said = jettison(home / "store", *command)
        assert status == 5, said
        assert "belongs to another user" in said
        assert "--root" in said
        assert (victim / "precious").exists()


@pytest.mark.parametrize("part", ["trash", "tmp", "blobs", "snapshots", "cache-mounts", "failed"])
def test_a_part_of_a_store_that_is_a_link_is_refused(open_place: Path, part: str) -> None:
    victim = open_place / "victim"
    victim.mkdir()
    (victim / "precious").write_text("x")
    with Store.open(open_place / "store") as store:
        root = store.root
    if (root / part).exists():
        (root / part).rename(open_place / "away")
    (root / part).symlink_to(victim)
    status, said = jettison(root, "prune", "--all", "--force")
    assert status == 5, said
    assert f"`{part}` is a link" in said
    assert (victim / "precious").exists()


def test_a_way_that_others_can_change_is_refused(open_place: Path) -> None:
    def refused(path: Path, words: str) -> None:
        with pytest.raises(StorageError, match=words) as caught:
            Store.open(path)
        assert caught.value.hint

    shared = open_place / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    refused(shared / "store", "other users can write to")
    refused(shared / "deep/down/store", "other users can write to")
    assert list(shared.iterdir()) == []
    shared.chmod(0o775)
    os.chown(shared, 0, OTHER)
    refused(shared / "store", "other users can write to")

    shared.chmod(0o1777)
    Store.open(shared / "store").close()
    (shared / "link").symlink_to(open_place / "elsewhere")
    Store.open(shared / "link").close()
    assert (open_place / "elsewhere/oci-layout").exists()
    os.chown(shared / "link", OTHER, OTHER, follow_symlinks=False)
    refused(shared / "link", "another user")
    refused(shared / "link/store", "another user")
    (shared / "mine").mkdir()
    os.chown(shared / "mine", OTHER, OTHER)
    refused(shared / "mine/store", "another user")

    written = open_place / "written"
    Store.open(written).close()
    written.chmod(0o777)
    refused(written, "other users can write to it")
    written.chmod(0o700)
    Store.open(written).close()
    empty = open_place / "empty"
    empty.mkdir()
    empty.chmod(0o777)
    Store.open(empty).close()
    assert stat.S_IMODE(empty.stat().st_mode) == 0o700


def test_directories_above_a_new_store_are_not_open_to_all_whatever_the_umask(
    open_place: Path,
) -> None:
    before = os.umask(0)
    try:
        Store.open(open_place / "one/two/store").close()
    finally:
        os.umask(before)
    assert stat.S_IMODE((open_place / "one").stat().st_mode) == 0o755
    Store.open(open_place / "one/two/store").close()


def test_a_directory_that_becomes_a_link_while_it_is_removed_is_not_followed(
    tmp_path: Path,
) -> None:
    (tmp_path / "victim").mkdir(mode=0o755)
    (tmp_path / "link").symlink_to("victim")
    with pytest.raises(NotADirectoryError):
        open_up(tmp_path / "link")
    assert stat.S_IMODE((tmp_path / "victim").stat().st_mode) == 0o755
