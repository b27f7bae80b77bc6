"""Steps that mount caches in any order, with any sharing, neither wait in a circle nor for ever."""

from __future__ import annotations

import tempfile
import threading
import time
from contextlib import ExitStack, nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jettison.fs.lock import FileLock
from jettison.plan.op import ExecMount, ExecOp, MountType, Sharing
from jettison.plan.vertex import Vertex, vertex
from jettison.solver.cancellation import Cancellation, CancelledError
from jettison.solver.ops.caches import Caches
from jettison.solver.runtime import Runtime
from ownership_rig import OWNERSHIP

_SECONDS = 20
VERTEX = vertex(ExecOp(("x",), (), "/"), name="x")
_MOUNT = st.tuples(st.sampled_from("abcd"), st.sampled_from(list(Sharing)))
_STEPS = st.lists(st.lists(_MOUNT, min_size=1, max_size=5), min_size=2, max_size=5)


class FakeRuntime(SimpleNamespace):
    def take(self, lock: FileLock, vertex: Vertex) -> None:
        Runtime.take(self, lock, vertex)


def _runtime(place: Path, *, moves: bool) -> SimpleNamespace:
    return FakeRuntime(
        _name="this",
        emit=lambda _event: None,
        waiting=lambda _vertex: nullcontext(),
        drivers=SimpleNamespace(
            options=SimpleNamespace(cache_mounts=place / "cache-mounts", restore_mount=None),
            ownership=OWNERSHIP,
        ),
        cancellation=Cancellation(),
        sandbox=lambda: SimpleNamespace(moves_directories=moves),
    )


def _mounts(step: list[tuple[str, Sharing]]) -> tuple[ExecMount, ...]:
    return tuple(
        ExecMount(MountType.CACHE, f"/{number}", id=name, sharing=sharing)
        for number, (name, sharing) in enumerate(step)
    )


@settings(max_examples=60, deadline=None)
@given(steps=_STEPS, moves=st.booleans())
def test_steps_with_caches_in_any_order_all_end(steps, moves) -> None:
    with tempfile.TemporaryDirectory() as place:
        runtime = _runtime(Path(place), moves=moves)
        users: dict[Path, int] = {}
        shared: list[Path] = []
        guard = threading.Lock()

        def run(step: list[tuple[str, Sharing]]) -> None:
            mounts = _mounts(step)
            with ExitStack() as stack:
                caches = Caches(mounts, VERTEX, runtime, stack)
                alone = {
                    mount.id
                    for mount in mounts
                    if moves or mount.sharing is not Sharing.SHARED
                }  # fmt: skip
                held = {caches.directory(mount, None) for mount in mounts if mount.id in alone}
                with guard:
                    shared.extend(each for each in held if users.get(each))
                    users.update({each: users.get(each, 0) + 1 for each in held})
                time.sleep(0.001)
                with guard:
                    users.update({each: users[each] - 1 for each in held})

        threads = [threading.Thread(target=run, args=(step,), daemon=True) for step in steps]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(_SECONDS)
        assert not any(thread.is_alive() for thread in threads)
        assert shared == []


@pytest.mark.parametrize("sharing", [Sharing.LOCKED, Sharing.SHARED])
def test_who_waits_for_a_cache_can_be_cancelled(tmp_path: Path, sharing: Sharing) -> None:
    runtime = _runtime(tmp_path, moves=sharing is Sharing.SHARED)
    mounts = _mounts([("a", sharing)])
    ended: list[float] = []

    def wait() -> None:
        with ExitStack() as stack, pytest.raises(CancelledError):
            Caches(mounts, VERTEX, runtime, stack)
        ended.append(time.monotonic())

    with ExitStack() as stack:
        Caches(mounts, VERTEX, runtime, stack)
        waiter = threading.Thread(target=wait, daemon=True)
        waiter.start()
        time.sleep(0.1)
        assert not ended
        asked = time.monotonic()
        runtime.cancellation.cancel()
        waiter.join(_SECONDS)
    assert ended
    assert ended[0] - asked < 1
