"""Every interleaving of the solver's decisions, as tables and over random graphs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jettison.oci.digest import Digest
from jettison.solver.state import Cancel, Failed, SolveState, Start, Succeeded

A, B, C, D = (Digest(name) for name in "abcd")
DIAMOND = {A: (), B: (A,), C: (A,), D: (B, C)}


def test_vertices_without_needs_start_at_once_in_plan_order():
    state = SolveState({A: (), B: (), C: (A,)}, set())
    assert state.begin() == [Start(A), Start(B)]


def test_both_arms_of_a_diamond_start_together_and_the_end_starts_once():
    state = SolveState(DIAMOND, set())
    assert state.begin() == [Start(A)]
    assert state.handle(Succeeded(A)) == [Start(B), Start(C)]
    assert state.handle(Succeeded(C)) == []
    assert state.handle(Succeeded(B)) == [Start(D)]
    assert not state.finished
    assert state.handle(Succeeded(D)) == []
    assert state.finished


def test_what_was_solved_before_is_not_started():
    state = SolveState(DIAMOND, {A, B})
    assert state.begin() == [Start(C)]
    assert state.handle(Succeeded(C)) == [Start(D)]


def test_a_failure_cancels_once_and_starts_nothing_more():
    state = SolveState({A: (), B: (), C: (A,), D: (B,)}, set())
    state.begin()
    assert state.handle(Failed(A)) == [Cancel()]
    assert not state.finished
    assert state.handle(Succeeded(B)) == []
    assert state.finished


def test_an_empty_plan_is_finished():
    state = SolveState({}, set())
    assert state.begin() == []
    assert state.finished


@st.composite
def graphs(draw: st.DrawFn) -> tuple[dict[Digest, tuple[Digest, ...]], set[Digest]]:
    size = draw(st.integers(0, 12))
    names = [Digest(f"v{number}") for number in range(size)]
    needs = {
        name: tuple(draw(st.lists(st.sampled_from(names[:index]), unique=True, max_size=3)))
        if index
        else ()
        for index, name in enumerate(names)
    }
    solved: set[Digest] = set()
    for name in names:
        if all(need in solved for need in needs[name]) and draw(st.booleans()):
            solved.add(name)
    return needs, solved


@given(graphs(), st.data())
def test_every_order_of_ends_runs_each_vertex_once_after_its_needs(graph, data):
    needs, solved = graph
    state = SolveState(needs, solved)
    started: list[Digest] = []
    done = set(solved)
    running: list[Digest] = []
    instructions = state.begin()
    while True:
        for instruction in instructions:
            assert isinstance(instruction, Start)
            assert set(needs[instruction.vertex]) <= done
            started.append(instruction.vertex)
            running.append(instruction.vertex)
        if not running:
            break
        ended = running.pop(data.draw(st.integers(0, len(running) - 1)))
        done.add(ended)
        instructions = state.handle(Succeeded(ended))
    assert sorted(started) == sorted(set(needs) - solved)
    assert state.finished


@given(graphs(), st.data())
def test_after_a_failure_at_any_point_the_solve_ends_when_what_runs_ended(graph, data):
    needs, solved = graph
    state = SolveState(needs, solved)
    running = [instruction.vertex for instruction in state.begin()]
    if not running:
        return
    fail_at = data.draw(st.integers(0, len(needs)))
    steps = 0
    cancels = 0
    while running:
        ended = running.pop(data.draw(st.integers(0, len(running) - 1)))
        failing = steps >= fail_at
        for instruction in state.handle(Failed(ended) if failing else Succeeded(ended)):
            if isinstance(instruction, Cancel):
                cancels += 1
            else:
                assert not cancels
                running.append(instruction.vertex)
        steps += 1
    assert state.finished
    assert cancels <= 1
