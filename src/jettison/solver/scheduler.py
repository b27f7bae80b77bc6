"""Runs ready vertices in threads: the shell around ``solver.state``.

In:  a plan's needs, what is solved already, and a function that solves one vertex.
Out: nothing; ``solve_one`` keeps the results.

Concurrency: the calling thread only waits, so Ctrl-C reaches it at once; it then stops what runs
and waits until everything is gone before it raises.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import partial

from jettison.concurrency import Workers
from jettison.errors import Span
from jettison.oci.digest import Digest
from jettison.solver.cancellation import Cancellation, CancelledError
from jettison.solver.state import Failed, Instruction, SolveState, Start, Succeeded


def run(
    needs: Mapping[Digest, Sequence[Digest]],
    solved: AbstractSet[Digest],
    solve_one: Callable[[Digest], None],
    cancellation: Cancellation,
    workers: Workers[Digest, None],
) -> None:
    """Solve all vertices that are not solved, each once, as many at a time as are ready.

    Args:
        needs: What each vertex needs, in an order in which needs come first.
        solved: Vertices that are left alone.
        solve_one: Solves a vertex, in a thread.
        cancellation: Stops what runs when a vertex fails or the user interrupts.
        workers: The threads; none of them runs afterwards.

    Raises:
        BaseException: the error of a vertex, with those of others as notes: of several that failed
            before all was stopped, that of the first instruction in the Dockerfile;
            KeyboardInterrupt when the user interrupted.
    """
    state = SolveState(needs, solved)
    errors: list[BaseException] = []
    with workers:
        try:
            instructions = state.begin()
            while True:
                _obey(instructions, workers, solve_one, cancellation)
                if state.finished:
                    break
                finished = workers.next()
                if finished.error is not None:
                    errors.append(finished.error)
                    instructions = state.handle(Failed(finished.key))
                else:
                    instructions = state.handle(Succeeded(finished.key))
        except BaseException:
            # An interrupt may come between any two lines, and a result be lost by it. So nothing
            # is decided any more: all is stopped, and leaving the block waits for the threads.
            cancellation.cancel()
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
            workers.start(instruction.vertex, partial(solve_one, instruction.vertex))
        else:
            cancellation.cancel()


def _line(error: BaseException) -> int:
    span = getattr(error, "span", None)
    return span.line if isinstance(span, Span) else 0


def _raise_first(errors: list[BaseException]) -> None:
    real = [error for error in errors if not isinstance(error, CancelledError)] or errors
    first, *others = sorted(real, key=_line)
    for other in others:
        first.add_note(f"also failed: {other}")
    raise first
