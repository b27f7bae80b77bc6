"""What a build that is to be traced does not know: steps that it found in the cache.

In:  a solved plan.
Out: a warning.
"""

from __future__ import annotations

import time

from jettison.api.session import Session
from jettison.events import Sink, Warned
from jettison.plan.op import ExecOp
from jettison.provenance.reads import reads_name
from jettison.solver.result import Solution, StackResult


def tell_untraced(session: Session, solution: Solution, sink: Sink) -> None:
    """Tell which RUNs were not traced, as they did not run, now or in an earlier traced build."""
    keys = {}
    for vertex in solution.plan.vertices:
        result = solution.results[vertex.digest]
        if isinstance(vertex.op, ExecOp) and isinstance(result, StackResult) and result.cached:
            keys[reads_name(result.key)] = vertex.name
    known = session.builds.origins.find(keys)
    names = [name for key, name in keys.items() if key not in known]
    if names:
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        text = (
            f"`--trace-inputs`: {names[0]}{more} did not run, so what it reads is not known:"
            " it was found in the cache; add `--no-cache` to run it"
        )
        sink(Warned(time.time_ns(), text))
