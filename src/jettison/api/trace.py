"""Makes the trace of a build, whatever came of it.

In:  the question that was compiled, what the solver knows, where contents of layers are known.
Out: ``Trace``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from jettison.cache.key import KEY_VERSION
from jettison.frontend.base import (
    CompileRequest,
    GitContext,
    HttpContext,
    ImageContext,
    NamedContext,
)
from jettison.frontend.dockerfile.scope import PROXY_NAMES
from jettison.oci.redact import redacted
from jettison.plan.op import GitOp, HttpOp, ImageOp, LocalOp, Network, Op
from jettison.plan.vertex import Vertex
from jettison.solver.result import Solution, StackResult
from jettison.store.layer import LayerId
from jettison.why.trace import Mask, Outcome, StepTrace, Trace
from jettison.why.written import stage_traces


def make_trace(
    asked: CompileRequest,
    solution: Solution,
    content_of: Callable[[LayerId], str],
    find_key: Callable[[], bytes],
    ignored: tuple[str, ...] = (),
) -> Trace:
    """Return the trace of a build.

    Args:
        asked: What was compiled.
        solution: What there is, also of a build that failed.
        content_of: By what a layer enters keys.
        find_key: Returns the store's key, with which values that may be secret are hidden.
        ignored: Patterns of the ignore file.
    """
    mask = Mask(find_key)
    outcomes = _outcomes(solution)
    no_cache = "--no-cache" if asked.no_cache else ""
    if asked.no_cache_stages and not no_cache:
        no_cache = f"--no-cache-filter {','.join(asked.no_cache_stages)}"
    arguments = {
        name: value for name, value in asked.build_args.items() if name.lower() not in PROXY_NAMES
    }
    return Trace(
        key_version=KEY_VERSION.rstrip(b"\0").decode(),
        target=asked.target,
        platform=str(asked.platform),
        build_args=mask.all(arguments),
        flags=_flags(asked),
        contexts={name: _context(each) for name, each in asked.contexts.items()},
        ignored=ignored,
        no_cache=no_cache,
        stages=stage_traces(asked, solution.plan, mask),
        steps=tuple(_step(each, solution, outcomes, content_of) for each in solution.plan.vertices),
    )


def _outcomes(solution: Solution) -> Mapping[str, Outcome]:
    found: dict[str, Outcome] = dict.fromkeys(solution.executed, "ran")
    found |= dict.fromkeys(solution.cached, "cached")
    found |= dict.fromkeys(solution.failed, "failed")
    return found


def _flags(asked: CompileRequest) -> dict[str, str]:
    network = "" if asked.network is Network.DEFAULT else asked.network.value
    given = {
        "--network": network,
        "--add-host": " ".join(asked.extra_hosts),
        "--ulimit": " ".join(asked.ulimits),
        "--shm-size": str(asked.shm_bytes or ""),
    }
    return {name: value for name, value in given.items() if value}


def _context(context: NamedContext) -> str:
    match context:
        case ImageContext(reference=text) | GitContext(url=text) | HttpContext(url=text):
            return redacted(text)
        case _:
            return "directory"


def _step(
    vertex: Vertex,
    solution: Solution,
    outcomes: Mapping[str, Outcome],
    content_of: Callable[[LayerId], str],
) -> StepTrace:
    key = solution.keys.get(vertex.digest)
    result = solution.results.get(vertex.digest)
    content, duration_ns = "", 0
    if isinstance(result, StackResult):
        duration_ns = result.duration_ns
        content = content_of(result.layer) if result.layer is not None else " ".join(result.stack)
    return StepTrace(
        vertex=vertex.digest,
        kind=str(type(vertex.op).__struct_config__.tag),
        name=vertex.name,
        stage=vertex.stage,
        line=vertex.span.line if vertex.span is not None else 0,
        base=vertex.base or "",
        inputs=vertex.inputs,
        op=_op(vertex.op),
        key=key.digest if key is not None else "",
        components=key.components[1:] if key is not None else (),
        content=content,
        outcome=outcomes.get(vertex.digest, "missing"),
        duration_ns=duration_ns,
        forced=vertex.ignore_cache,
    )


def _op(op: Op) -> bytes:
    match op:
        case HttpOp(url=url):
            return redacted(url).encode()
        case GitOp(remote=remote, ref=ref, subdir=subdir):
            return redacted(f"{remote}#{ref}:{subdir}").encode()
        case LocalOp(context=context):
            return context.encode()
        case ImageOp(reference=reference):
            return redacted(reference).encode()
        case _:
            return msgspec.msgpack.encode(op)
