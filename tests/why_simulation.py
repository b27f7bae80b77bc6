"""Builds without running anything: real plans, real keys, real files; results are made up.

What a step gives is a digest of its key, as if all that went in came out.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from jettison.api.trace import make_trace
from jettison.cache.key import CacheKey, copy_key, exec_key, mkdir_key, stack_digest
from jettison.copier.select import select
from jettison.frontend.base import CompileRequest
from jettison.frontend.dockerfile.compile import compile as compile_dockerfile
from jettison.fs.pattern import PatternMatcher
from jettison.oci.digest import Digest, sha256_digest
from jettison.oci.platform import parse_platform
from jettison.plan.graph import Plan
from jettison.plan.op import CopyOp, CopySource, ExecOp, ImageOp, LocalOp, MkdirOp
from jettison.plan.vertex import Vertex
from jettison.solver.result import Result, Solution, StackResult, TreeResult
from jettison.source.local import LocalTree
from jettison.store.layer import LayerId
from jettison.why.explain import Build, explain
from jettison.why.explanation import Explanation

AMD = parse_platform("linux/amd64")
SECOND = 10**9
KEY = b"key of the store"


class Simulation:
    """A cache, and a context in a directory."""

    def __init__(self, context: Path) -> None:
        self.context = context
        context.mkdir(parents=True, exist_ok=True)
        self.preimages: dict[bytes, bytes] = {}
        self.cache: dict[str, LayerId] = {}
        self.builds: list[Build] = []

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.context / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            path.chmod(0o644)

    def build(
        self,
        text: str,
        *,
        fails_at: str = "",
        ignored: tuple[str, ...] = (),
        platform: str = "linux/amd64",
        **asked: object,
    ) -> Explanation:
        """Build, and explain; a step whose name holds ``fails_at`` fails."""
        request = CompileRequest(
            text.encode(),
            parse_platform(platform),
            AMD,
            **asked,  # type: ignore[arg-type]
        )
        plan = compile_dockerfile(request, {})
        assert isinstance(plan, Plan)
        solution = self._solve(plan, fails_at, ignored)
        trace = make_trace(request, solution, str, lambda: KEY, ignored)
        build = Build(trace, (len(self.builds) + 1) * SECOND)
        earlier = self.builds[-5:][::-1]
        self.builds.append(build)
        return explain(build, earlier, self.preimages.get)

    def _solve(self, plan: Plan, fails_at: str, ignored: tuple[str, ...]) -> Solution:
        results: dict[Digest, Result] = {}
        keys: dict[Digest, CacheKey] = {}
        executed, cached, failed = [], [], []
        for vertex in plan.vertices:
            if not all(need in results for need in vertex.needs):
                continue
            if isinstance(vertex.op, LocalOp):
                matcher = PatternMatcher(ignored) if ignored else None
                results[vertex.digest] = TreeResult(LocalTree(self.context, ignored=matcher))
                continue
            if isinstance(vertex.op, ImageOp):
                layers = tuple(LayerId(each) for each in vertex.op.diff_ids)
                results[vertex.digest] = StackResult(layers)
                continue
            key = keys[vertex.digest] = self._key(vertex, results)
            layer = self.cache.get(key.digest)
            if layer is not None and not vertex.ignore_cache:
                cached.append(vertex.digest)
            elif fails_at and fails_at in vertex.name:
                failed.append(vertex.digest)
                break
            else:
                layer = self.cache[key.digest] = LayerId(f"content:{key.digest}")
                self.preimages |= key.preimages
                executed.append(vertex.digest)
            base = results[vertex.base] if vertex.base else StackResult(())
            assert isinstance(base, StackResult)
            results[vertex.digest] = StackResult(
                (*base.stack, layer), layer, 1, cached=False, duration_ns=2 * SECOND
            )
        return Solution(plan, results, tuple(executed), tuple(cached), tuple(failed), keys)

    def _key(self, vertex: Vertex, results: Mapping[Digest, Result]) -> CacheKey:
        kept: dict[bytes, bytes] = {}
        base = results[vertex.base] if vertex.base else StackResult(())
        assert isinstance(base, StackResult)
        inputs = [results[each] for each in vertex.inputs]
        nothing = sha256_digest(b"destination")
        match vertex.op:
            case ExecOp() as op:
                mounted = tuple(
                    _selected(inputs[each.input], each.source, kept)
                    for each in op.mounts
                    if each.input is not None
                )
                return exec_key(op, base.stack, mounted, preimages=kept)
            case MkdirOp() as op:
                return mkdir_key(op, nothing)
            case CopyOp() as op:
                trees = [each.tree for each in inputs if isinstance(each, TreeResult)]
                if len(trees) == len(inputs):
                    return copy_key(op, select(op, trees).digest(kept), nothing, kept)
                (source,) = inputs
                return copy_key(op, _selected(source, "/", kept), nothing)
            case _:
                raise AssertionError(vertex.name)


def _selected(result: Result, path: str, kept: dict[bytes, bytes]) -> Digest:
    if isinstance(result, StackResult):
        return stack_digest(result.stack)
    op = CopyOp(sources=(CopySource(path=path, input=0),), dest="/", from_image=True)
    return select(op, [result.tree]).digest(kept)
