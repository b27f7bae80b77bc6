"""Containers in a store: their records and states, found by names and IDs, made and removed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from jettison.container.request import RunRequest
from jettison.container.state.catalog import Catalog, Container, is_running
from jettison.container.state.directory import ContainerDirectory
from jettison.container.state.names import checked_name, new_id, random_name
from jettison.container.state.record import NEW, ContainerRecord, ContainerState, Status
from jettison.errors import ContainerError, StorageError, UsageError
from jettison.oci.config import ContainerConfig
from jettison.oci.digest import Digest
from jettison.snapshot.base import ActiveSnapshot
from jettison.store.layer import LayerId
from jettison.store.store import Store

IMAGE = Digest("sha256:" + "a" * 64)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store") as opened:
        yield opened


def record(name: str = "", *, number: int = 1, **more) -> ContainerRecord:
    return ContainerRecord(
        id=new_id(), name=name, image="box", image_id=IMAGE, layers=(LayerId("diff:x"),),
        config=ContainerConfig(env=("A=\udcff",)), argv=("sh", "\udcfe"), created_ns=number,
        request=RunRequest("box", env=("B=\udcfd",), stop_seconds=3), **more,
    )  # fmt: skip


def add(store: Store, name: str = "", **more) -> Container:
    path = store.tmp()
    (path / "fs").mkdir()
    active = ActiveSnapshot(path, path / "fs", path / "work")
    return Catalog(store).add(record(name, **more), active)


def test_what_is_kept_is_read_again_whatever_bytes_are_in_it(store: Store) -> None:
    made = add(store, "web", labels={"a": "b"})
    found = Catalog(store).find("web").record
    assert found == made.record
    assert (found.argv, found.request.env) == (("sh", "\udcfe"), ("B=\udcfd",))
    assert made.state() == NEW
    assert made.directory.path.stat().st_mode & 0o777 == 0o700
    for file in ("record.json", "state.json"):
        assert (made.directory.path / file).stat().st_mode & 0o777 == 0o600


def test_a_container_is_found_by_name_id_and_beginning(store: Store) -> None:
    one, two = add(store, "one", number=1), add(store, "two", number=2)
    catalog = Catalog(store)
    for text in ("one", "/one", one.record.id, one.record.short_id):
        assert catalog.find(text).record.id == one.record.id
    assert [each.record.name for each in catalog.all()] == ["two", "one"]
    assert catalog.layers() == {"diff:x"}
    assert {each.record.id for each in catalog.users_of(IMAGE)} == {one.record.id, two.record.id}
    for text in ("", "three", "f" * 64, "zz"):
        with pytest.raises(ContainerError, match="No such container"):
            catalog.find(text)


def test_a_beginning_of_two_ids_is_an_error(store: Store) -> None:
    while True:
        one, two = add(store), add(store)
        if one.record.id[0] == two.record.id[0]:
            break
    with pytest.raises(ContainerError, match="multiple IDs found with provided prefix"):
        Catalog(store).find(one.record.id[0])


def test_a_name_is_given_once_and_has_docker_s_letters(store: Store) -> None:
    first = add(store, "web")
    with pytest.raises(ContainerError, match=f'already in use by container "{first.record.id}"'):
        add(store, "web")
    for name in ("x", "-ab", "a/b", "a b", "ä"):
        with pytest.raises(UsageError, match="Invalid container name"):
            add(store, name)
    assert checked_name("/ok_.-1") == "ok_.-1"
    assert len(Catalog(store).all()) == 1


def test_who_has_no_name_gets_one_that_is_free() -> None:
    class Taken:
        def __contains__(self, name: object) -> bool:
            return not str(name)[-1].isdigit()

    assert random_name(Taken())[-1].isdigit()
    assert "_" in random_name(())


def test_a_container_that_is_removed_is_gone(store: Store) -> None:
    made = add(store, "web")
    catalog = Catalog(store)
    catalog.remove(made)
    catalog.remove(made)  # by somebody else, meanwhile
    assert catalog.all() == []
    with pytest.raises(ContainerError, match="No such container"):
        made.state()


_HOLD = """
import sys
from pathlib import Path
from jettison.container.state.directory import ContainerDirectory
lock = ContainerDirectory(Path(sys.argv[1])).lock()
lock.acquire()
print("held", flush=True)
sys.stdin.read()
"""


def test_a_container_whose_keeper_was_killed_is_dead(store: Store) -> None:
    made = add(store, "web")
    running = ContainerState(Status.RUNNING, pid=4711, started_ns=1)
    made.directory.write_state(running)
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, made.directory.path],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert made.state() == running
        assert is_running(made.state())
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
    dead = made.state()
    assert (dead.status, dead.exit_code, dead.pid) == (Status.DEAD, 137, 0)


def test_what_is_damaged_is_an_error_and_can_be_removed(store: Store) -> None:
    made, good = add(store, "bad", number=1), add(store, "good", number=2)
    for text in (b"", b"{", b'{"id": 1}', b"[" * 100_000, b"\xff"):
        (made.directory.path / "record.json").write_bytes(text)
        with pytest.raises(StorageError, match="is damaged"):
            made.directory.record()
    catalog = Catalog(store)
    assert [each.record.name for each in catalog.all()] == ["good"]
    damaged = catalog.damaged(made.record.id[:12])
    assert damaged is not None
    assert damaged.path == made.directory.path
    assert catalog.damaged(good.record.id) is None


def test_a_state_is_replaced_as_a_whole(tmp_path: Path) -> None:
    directory = ContainerDirectory(tmp_path)
    directory.write_state(NEW)
    changed = msgspec.structs.replace(NEW, status=Status.EXITED, exit_code=3, error="x")
    directory.write_state(changed)
    assert directory.state() == changed
    assert [each.name for each in tmp_path.iterdir()] == ["state.json"]
