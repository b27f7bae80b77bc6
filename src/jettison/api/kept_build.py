"""Keeps what is known about a build, where it is not kept yet.

In:  what a build came to for a platform.
Out: rows of ``provenance.store``.

A build that found everything in the cache would make the record that is there: what a record is
made from has a digest, and where that is known nothing is made, written, or even loaded.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from jettison.api.built import PlatformBuild
from jettison.api.compile import Compiled
from jettison.api.session import Session
from jettison.oci.digest import Digest, sha256_digest
from jettison.plan.op import ExecOp
from jettison.solver.result import Solution, StackResult

_VERSION = b"jettison-build-1\0"


def keep_build(
    session: Session, part: PlatformBuild, find_origins: Callable[[Digest], bytes | None]
) -> None:
    """Keep the record of a build for each of the images that were made of it so far.

    One that was squashed has other layers than the steps: it is known by its history alone.

    Args:
        session: The store.
        part: What was built.
        find_origins: Finds the origins of a COPY whose layer an older version made.
    """
    compiled, solution = part.built.compiled, part.built.solution
    digest = _digest(compiled, solution)
    layers = len(solution.stack(solution.plan.target))
    new = [
        image
        for image in part.images.made
        if len(image.layers) == layers and session.builds.digest(image.id) != digest
    ]
    if not new:
        return
    from jettison.api.build_record import build_record  # as the module says
    from jettison.provenance.reads import reads_name
    from jettison.provenance.record import encode_record
    from jettison.provenance.store import KeptBuild

    traced = [reads_name(key) for key in _run_keys(solution)]
    reads = session.builds.origins.find(traced)
    record = build_record(compiled, solution, reads)
    names = {step.origins: step.vertex for step in record.steps if step.origins}
    origins = session.builds.origins.find(names)
    for name in names.keys() - origins.keys():
        found = find_origins(names[name])
        if found is not None:
            session.builds.origins.keep(name, found)
            origins[name] = found
    origins |= reads
    for image in new:
        session.builds.keep(image.id, digest, KeptBuild(encode_record(record), origins))


def _run_keys(solution: Solution) -> list[str]:
    """Return the cache keys of RUNs."""
    found = []
    for vertex in solution.plan.vertices:
        result = solution.results[vertex.digest]
        if isinstance(vertex.op, ExecOp) and isinstance(result, StackResult):
            found.append(result.key)
    return found


def _digest(compiled: Compiled, solution: Solution) -> Digest:
    """Return the digest of all that a record is made from."""
    plan, results = solution.plan, solution.results
    steps: list[tuple[object, ...]] = []
    for vertex in plan.vertices:
        made = results[vertex.digest]
        if isinstance(made, StackResult):
            layer = made.layer or made.stack
            steps.append(
                (vertex.digest, vertex.name, layer, made.origins, made.created_ns, made.duration_ns)
            )
        else:
            steps.append((vertex.digest, vertex.name))
    asked = compiled.asked
    encoded = msgspec.msgpack.encode(
        (steps, plan.stages, plan.target_stage, plan.image.platform, asked.filename, asked.text)
    )
    return sha256_digest(_VERSION + encoded)
