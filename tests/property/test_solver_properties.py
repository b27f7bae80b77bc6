"""Whatever order threads run in and wherever a solve is struck, results and traces are the same."""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jettison.api.fsck import check_store
from jettison.api.session import Session
from jettison.errors import ExecError, StorageError
from jettison.events import Outcome, VertexEnded, VertexStarted
from jettison.oci.digest import Digest
from jettison.plan.graph import Plan
from jettison.plan.op import CopyOp, CopySource, ExecMount, ExecOp, HttpOp, MkdirOp, MountType, Op
from jettison.plan.vertex import Vertex, vertex
from jettison.settings import Settings
from jettison.solver.result import Solution
from solver_rig import Stage, StruckError, plan_of

MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
EXPECTED: dict[str, type[BaseException]] = {
    "disk": StorageError,
    "bug": StruckError,
    "interrupt": KeyboardInterrupt,
}


@contextmanager
def in_memory() -> Iterator[Path]:
    """A directory for some hundred small stores, where no disk makes them wait."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as directory:
        yield Path(directory)


def execution(verb: str, content: str, file: str, word: str, *, reads: bool = False) -> ExecOp:
    mounts = (ExecMount(type=MountType.BIND, target="/in", input=0, readonly=True),)
    return ExecOp(argv=(verb, content, file, word), env=(), cwd="/", mounts=mounts if reads else ())


def copy_all() -> CopyOp:
    return CopyOp(sources=(CopySource(path="/", input=0),), dest="/copied/", from_image=True)


def download(name: str) -> HttpOp:
    url = f"http://files/{name}"
    return HttpOp(url, "sha256:" + hashlib.sha256(url.encode()).hexdigest(), name)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Graphs in which equal definitions, equal keys and equal results of unequal steps abound."""
    made: list[Vertex] = []
    layered: list[Vertex] = []
    for number in range(draw(st.integers(1, 9))):
        base = draw(st.sampled_from([None, *layered]))
        kind = draw(st.sampled_from(["exec", "exec", "bound", "mkdir", "inline", "copy", "http"]))
        few = st.sampled_from(["a", "b"])
        inputs: tuple[Vertex, ...] = ()
        op: Op
        if kind == "http":
            source = vertex(download(draw(few)), name=f"GET {number}")
            inputs = (source,)
            op = CopyOp(sources=(CopySource(path="/*", input=0),), dest="/got/")
            made.append(source)
        elif kind in {"copy", "bound"} and layered:
            inputs = (draw(st.sampled_from(layered)),)
            op = copy_all() if kind == "copy" else execution("write", "x", "f", "", reads=True)
        elif kind == "mkdir":
            op = MkdirOp(path=f"/made-{draw(few)}/w")
        elif kind == "inline":
            file = CopySource(name=draw(few), content=draw(few).encode())
            op = CopyOp(sources=(file,), dest="/inline/")
        else:
            op = execution("write", draw(few), draw(few), draw(few))
        ignored = draw(st.integers(0, 9)) == 0
        step = vertex(op, name=f"step {number}", base=base, inputs=inputs, ignore_cache=ignored)
        layered.append(step)
        made.append(step)
    return plan_of(made)


ORDERS = st.lists(st.integers(0, 8), max_size=120)


def stacks(stage: Stage, plan: Plan) -> dict[Digest, tuple[str, ...]]:
    """Solve; return what the layers of all vertices hold, but for when they were made."""
    stage.solve(plan)
    return stage.contents


def assert_told(stage: Stage) -> None:
    """What has begun has ended, once."""
    started = Counter(e.vertex for e in stage.events if isinstance(e, VertexStarted))
    ended = Counter(e.vertex for e in stage.events if isinstance(e, VertexEnded))
    assert max([*started.values(), *ended.values()], default=1) == 1
    assert set(started) <= set(ended)


def assert_nothing_left(stage: Stage) -> None:
    assert stage.left == []
    assert stage.locks == []
    assert stage.programs.running == 0
    assert not [t for t in threading.enumerate() if t.name.startswith("worker-")]
    with Session.open(Settings(root=str(stage.root)), {}) as session:
        assert check_store(session) == []
        assert session.store.leases() == set()


def recorded(stage: Stage) -> set[Digest]:
    """The vertices whose layers were made and told."""
    ended = [e for e in stage.events if isinstance(e, VertexEnded)]
    return {Digest(e.vertex) for e in ended if e.outcome is Outcome.DONE}


def solve_the_rest(stage: Stage, plan: Plan) -> Solution:
    """Solve once more: what the first try made is not made again."""
    before = recorded(stage)
    solution = stage.solve(plan)
    forced = {v.digest for v in plan.vertices if v.ignore_cache}
    assert not (set(solution.executed) & before) - forced
    return solution


@given(plans(), ORDERS, st.integers(1, 3))
@settings(max_examples=50, deadline=None)
def test_every_order_of_threads_gives_the_same_result_and_runs_nothing_twice(
    plan: Plan, order: Sequence[int], jobs: int
) -> None:
    with in_memory() as one, in_memory() as other:
        shuffled, plain = Stage(one), Stage(other)
        found = shuffled.solve(plan, order, jobs=jobs)
        assert_told(shuffled)
        assert shuffled.programs.most <= jobs
        assert sorted(shuffled.layers_made) == sorted(found.executed)
        makes_layers = {v.digest for v in plan.vertices if not isinstance(v.op, HttpOp)}
        assert sorted([*found.executed, *found.cached]) == sorted(makes_layers)
        if not any(each.ignore_cache for each in plan.vertices):
            ran = Counter((e.argv, e.root.lowers, e.mounts) for e in shuffled.programs.ended)
            assert max(ran.values(), default=1) == 1
        assert_nothing_left(shuffled)
        assert stacks(plain, plan) == shuffled.contents


@given(plans(), ORDERS, st.lists(st.integers(0, 100), min_size=1, max_size=3), st.data())
@settings(max_examples=30, deadline=None)
def test_wherever_a_solve_is_struck_it_ends_leaves_nothing_and_goes_on_later(
    plan: Plan, order: Sequence[int], places: Sequence[int], data: st.DataObject
) -> None:
    kinds = [data.draw(st.sampled_from(sorted(EXPECTED))) for _ in places]
    with in_memory() as one, in_memory() as other:
        stage = Stage(one)
        found = strike_and_go_on(stage, plan, order, dict(zip(places, kinds, strict=True)))
        assert found == stacks(Stage(other), plan)


def strike_and_go_on(
    stage: Stage, plan: Plan, order: Sequence[int], strikes: Mapping[int, str]
) -> dict[Digest, tuple[str, ...]]:
    """Solve with strikes, look at what is left, solve again; return the stacks."""
    error: BaseException | None = None
    try:
        stage.solve(plan, order, strikes)
    except tuple(EXPECTED.values()) as raised:
        error = raised
    struck = [EXPECTED[kind] for kind in stage.director.struck]
    assert isinstance(error, tuple(struck)) if struck else error is None
    if KeyboardInterrupt in struck:
        assert isinstance(error, KeyboardInterrupt)
    assert_told(stage)
    assert_nothing_left(stage)
    solve_the_rest(stage, plan)
    assert_told(stage)
    assert_nothing_left(stage)
    return stage.contents


def diamond() -> Plan:
    """Two arms with equal keys, a mount, a download, and a step that reads all."""
    root = vertex(MkdirOp(path="/w"), name="root")
    same = [
        vertex(execution("write", "same", "out", word), name=f"same {word}", base=root)
        for word in ("one", "two")
    ]
    after = [
        vertex(execution("write", "after", "out", "x"), name="after", base=each) for each in same
    ]
    bound = vertex(
        execution("write", "x", "f", "", reads=True), name="bound", base=root, inputs=(after[0],)
    )
    got = vertex(download("file"), name="GET")
    get = CopyOp(sources=(CopySource(path="/*", input=0),), dest="/got/")
    add = vertex(get, name="ADD", base=after[1], inputs=(got,))
    last = vertex(copy_all(), name="last", base=add, inputs=(bound,))
    return plan_of([root, *same, *after, bound, got, add, last])


@pytest.mark.parametrize("kind", ["disk", "interrupt"])
def test_a_strike_at_every_single_point_of_a_solve(kind: str, tmp_path: Path) -> None:
    plan = diamond()
    whole = Stage(tmp_path)
    expected = stacks(whole, plan)
    assert whole.director.steps > 60
    for place in range(whole.director.steps):
        with in_memory() as one:
            assert strike_and_go_on(Stage(one), plan, (), {place: kind}) == expected


def test_equal_keys_of_unequal_vertices_run_once(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    solution = stage.solve(diamond())
    assert [spec.argv[1] for spec in stage.programs.ended].count("after") == 1
    assert len(solution.cached) == 1


def test_a_step_that_fails_stops_the_others_and_is_what_is_told(tmp_path: Path) -> None:
    others = [vertex(execution("write", str(n), "f", ""), name=f"other {n}") for n in range(4)]
    failing = vertex(execution("fail", "", "", ""), name="failing")
    never = vertex(MkdirOp(path="/never"), name="never", base=failing)
    stage = Stage(tmp_path)
    for order in ((), (0,) * 60, (4,) * 60, tuple(range(60))):
        with pytest.raises(ExecError, match="exit code: 3"):
            stage.solve(plan_of([*others, failing, never]), order)
        assert_told(stage)
        assert_nothing_left(stage)
        outcomes = {e.name: e.outcome for e in stage.events if isinstance(e, VertexEnded)}
        assert outcomes["failing"] is Outcome.FAILED
        assert "never" not in outcomes
        assert Outcome.FAILED not in {outcomes.get(f"other {n}") for n in range(4)}
