"""Cache mounts of a step: which directories they are, and who shares them."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, nullcontext
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from jettison.concurrency import Once
from jettison.plan.op import ExecMount, ExecOp, MountType, Sharing
from jettison.plan.vertex import vertex as make_vertex
from jettison.snapshot.overlay import OverlayLayerStore
from jettison.solver.cancellation import Cancellation, CancelledError
from jettison.solver.ops.caches import Caches
from jettison.solver.runtime import Runtime as SolverRuntime
from jettison.store.store import Store
from ownership_rig import OWNERSHIP


class Runtime(SimpleNamespace):
    """What caches need of a ``Runtime``, on a real store."""

    def __init__(self, store: Store, *, moves: bool = False, restore=None) -> None:
        layer_store = OverlayLayerStore(store, OWNERSHIP)
        options = SimpleNamespace(
            cache_mounts=store.cache_mounts, discard=store.trash, restore_mount=restore
        )
        drivers = SimpleNamespace(options=options, ownership=OWNERSHIP, layer_store=layer_store)
        self.said = []
        super().__init__(
            drivers=drivers,
            renewed=Once(),
            cancellation=Cancellation(),
            emit=self.said.append,
            waiting=lambda _vertex: nullcontext(),
            _name="this",
            sandbox=lambda: SimpleNamespace(moves_directories=moves),
        )

    def take(self, lock, vertex):
        SolverRuntime.take(self, lock, vertex)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store") as opened:
        yield opened


def cache(name: str = "id", **fields) -> ExecMount:
    return ExecMount(MountType.CACHE, "/c", id=name, **{"sharing": Sharing.SHARED, **fields})


def directory(
    runtime: Runtime, mount: ExecMount, stack: ExitStack, *, renew=False, seed=None
) -> Path:
    op = ExecOp(("x",), (), "/")
    vertex = msgspec.structs.replace(make_vertex(op, name="x"), ignore_cache=renew)
    return Caches((mount,), vertex, runtime, stack).directory(mount, seed)


def test_a_directory_is_named_by_a_hash_and_has_a_mode_and_an_owner(store):
    with ExitStack() as stack:
        place = directory(Runtime(store), cache("../../x", mode=0o700), stack)
        usual = directory(Runtime(store), cache("y"), stack)
    assert place.parent == store.cache_mounts
    assert place.name.isalnum()
    assert stat.S_IMODE(os.stat(place).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(usual).st_mode) == 0o755


@pytest.mark.parametrize(("sharing", "is_same"), [(Sharing.SHARED, True), (Sharing.PRIVATE, False)])
def test_two_steps_have_one_directory_or_each_its_own(store, sharing, is_same):
    with ExitStack() as stack:
        first = directory(Runtime(store), cache(sharing=sharing), stack)
        second = directory(Runtime(store), cache(sharing=sharing), stack)
        assert (first == second) is is_same
    with ExitStack() as stack:
        assert directory(Runtime(store), cache(sharing=sharing), stack) == first


@pytest.mark.parametrize("moves", [False, True])
def test_a_step_that_waits_for_a_locked_one_can_be_cancelled(store, moves):
    sharing = Sharing.SHARED if moves else Sharing.LOCKED  # what is moved cannot be shared
    waiting = Runtime(store, moves=moves)
    waiting.cancellation.cancel()
    with ExitStack() as stack:
        directory(Runtime(store, moves=moves), cache(sharing=sharing), stack)
        with ExitStack() as other, pytest.raises(CancelledError):
            directory(waiting, cache(sharing=sharing), other)


def test_a_new_cache_appears_with_what_it_begins_with(store):
    def seed(place: Path) -> None:
        (place / "seed").write_text("x")

    with ExitStack() as stack:
        place = directory(Runtime(store), cache(), stack, seed=seed)
        assert os.listdir(place) == ["seed"]
        (place / "more").write_text("")
        directory(Runtime(store), cache(), stack, seed=seed)
    assert sorted(os.listdir(place)) == ["more", "seed"]


@pytest.mark.parametrize(("has", "begins_with"), [(True, "restored"), (False, "seed")])
def test_a_new_cache_is_restored_once_before_it_begins_with_anything_else(store, has, begins_with):
    asked = []

    def restore(mount: str, place: Path) -> bool:
        asked.append(mount)
        if has:
            (place / "restored").write_text("x")
        return has

    def seed(place: Path) -> None:
        (place / "seed").write_text("x")

    runtime = Runtime(store, restore=restore)
    with ExitStack() as stack:
        place = directory(runtime, cache(), stack, seed=seed)
        directory(runtime, cache(), stack, seed=seed)
    assert os.listdir(place) == [begins_with]
    assert asked == [cache().id]


def test_a_beginning_that_fails_leaves_no_cache(store):
    def seed(place: Path) -> None:
        (place / "half").write_text("x")
        raise ZeroDivisionError

    with ExitStack() as stack, pytest.raises(ZeroDivisionError):
        directory(Runtime(store), cache(), stack, seed=seed)
    assert [each for each in os.listdir(store.cache_mounts) if "." not in each] == []


@pytest.mark.parametrize(("fields", "begins_empty"), [({"mode": 0o700}, True), ({}, False)])
def test_without_a_cache_those_with_a_mode_of_their_own_begin_empty_once(
    store, fields, begins_empty
):
    with ExitStack() as stack:
        (directory(Runtime(store), cache(**fields), stack) / "old").write_text("x")
    runtime = Runtime(store)
    with ExitStack() as stack:
        place = directory(runtime, cache(**fields), stack, renew=True)
        assert os.listdir(place) == ([] if begins_empty else ["old"])
        (place / "new").write_text("x")
        place = directory(runtime, cache(**fields), stack, renew=True)
        assert "new" in os.listdir(place)  # of this build


def test_a_step_that_waits_says_for_whom(store):
    mount = cache(sharing=Sharing.LOCKED)
    first, second, same = Runtime(store), Runtime(store), Runtime(store)
    first._name, second._name, same._name = (
        "the build of `a`",
        "the build of `b`",
        "the build of `a`",
    )
    with ExitStack() as stack:
        directory(first, mount, stack)
        assert first.said == []
        for runtime in (second, same):
            waiter = threading.Thread(target=_hold_briefly, args=(runtime, mount))
            waiter.start()
            while not runtime.said:
                time.sleep(0.01)
            runtime.waiter = waiter
    second.waiter.join()
    same.waiter.join()
    assert [event.holder for event in second.said] == ["the build of `a`", ""]
    assert [event.holder for event in same.said] == ["another step of this build", ""]


def _hold_briefly(runtime: Runtime, mount: ExecMount) -> None:
    with ExitStack() as stack:
        directory(runtime, mount, stack)
