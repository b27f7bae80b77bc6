"""Runs ready vertices in threads: the shell around ``solver.state``.

In:  a plan's needs, what is solved already, and a function that solves one vertex.
Out: nothing; ``solve_one`` keeps the results.

Concurrency: the calling thread only waits, so Ctrl-C reaches it at once; it then stops what runs
and waits until everything is gone before it raises.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from jettison.concurrency import Workers
from jettison.oci.digest import Digest
from jettison.solver.cancellation import Cancellation, CancelledError
from jettison.solver.state import (
    Failed,
    Instruction,
    Interrupted,
    Occurrence,
    SolveState,
    Start,
    Succeeded,
)


def run(
    needs: Mapping[Digest, Sequence[Digest]],
    solved: AbstractSet[Digest],
    solve_one: Callable[[Digest], None],
    cancellation: Cancellation,
) -> None:
    """Solve all vertices that are not solved, each once, as many at a time as are ready.

    Raises:
        BaseException: the first error of a vertex, with those of others as notes;
            KeyboardInterrupt when the user interrupted.
    """
    state = SolveState(needs, solved)
    errors: list[BaseException] = []
    with Workers[Digest, None]() as workers:
        try:
            instructions = state.begin()
            while True:
                _obey(instructions, workers, solve_one, cancellation)
                if state.finished:
                    break
                instructions = state.handle(_wait(workers, errors))
        except BaseException:
            cancellation.cancel()  # before the workers are waited for
            raise
    if errors:
        _raise_first(errors)


def _obey(
    instructions: Sequence[Instruction],
    workers: Workers[Digest, None],
    solve_one: Callable[[Digest], None],
    cancellation: Cancellation,
) -> None:
    for instruction in instructions:
        if isinstance(instruction, Start):
            vertex = instruction.vertex
            workers.start(vertex, lambda vertex=vertex: solve_one(vertex))  # type: ignore[misc]
        else:
            cancellation.cancel()


def _wait(workers: Workers[Digest, None], errors: list[BaseException]) -> Occurrence:
    try:
        finished = workers.next()
    except KeyboardInterrupt as interrupt:
        errors.insert(0, interrupt)
        return Interrupted()
    if finished.error is None:
        return Succeeded(finished.key)
    errors.append(finished.error)
    return Failed(finished.key)


def _raise_first(errors: list[BaseException]) -> None:
    real = [error for error in errors if not isinstance(error, CancelledError)] or errors
    first = real[0]
    for other in real[1:]:
        first.add_note(f"also failed: {other}")
    raise first
