"""The instructions of a Dockerfile as a trace has them: text, variables, which vertex each became.

In:  the question that was compiled, its plan.
Out: ``StageTrace`` for each stage, and one with index -1 for what stands before the first FROM.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from jettison.errors import JettisonError
from jettison.frontend.base import CompileRequest
from jettison.frontend.dockerfile import scope
from jettison.frontend.dockerfile.parser import parse
from jettison.frontend.dockerfile.scope import Scope
from jettison.frontend.dockerfile.syntax import (
    Add,
    Arg,
    Copy,
    Dockerfile,
    Env,
    From,
    Instruction,
    Run,
    Workdir,
)
from jettison.frontend.dockerfile.words import expand
from jettison.oci.redact import redacted
from jettison.plan.graph import Plan, StageSummary
from jettison.plan.op import CopyOp, ExecOp, ImageOp, MkdirOp, Op
from jettison.plan.vertex import Vertex
from jettison.why.trace import Mask, StageTrace, Written

_NAME = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)")
_MAX_TEXT = 8000
_OPS: dict[type[Instruction], type[Op]] = {Run: ExecOp, Copy: CopyOp, Add: CopyOp, Workdir: MkdirOp}


def stage_traces(asked: CompileRequest, plan: Plan, mask: Mask) -> tuple[StageTrace, ...]:
    """Return the stages of a Dockerfile that was compiled."""
    file = parse(asked.text, filename=asked.filename)
    header, blocks = _split(file)
    values = _global_values(asked, file, header)
    vertices: dict[str, Vertex] = {vertex.digest: vertex for vertex in plan.vertices}
    bases = {user: each for each in plan.stages for user, how in each.used_by if how == "FROM"}
    traces = [_header(header, values, mask)]
    scopes: dict[int, Scope] = {}
    for summary, (first, body) in zip(plan.stages, blocks, strict=True):
        base = bases.get(summary.index)
        inherited = scopes.get(base.index) if base is not None else None
        known = inherited.copy() if inherited is not None else Scope()
        scopes[summary.index] = known
        chain, start = _chain(summary, base, vertices)
        reader = _Reader(asked, values, known, file.escape, mask, needed=summary.needed)
        made = _made_of(body, chain, summary)
        uses = mask.all(_uses(first, values))
        instructions = [Written("FROM", _text(first), first.span.line, uses=uses)]
        instructions += [
            Written("ONBUILD", each.name.partition("] ")[2], first.span.line, each.digest)
            for each in chain
            if each.digest not in made.values()
        ]
        instructions += [reader.read(each, made.get(index, "")) for index, each in enumerate(body)]
        traces.append(
            StageTrace(
                summary.index,
                summary.name,
                redacted(summary.base_name),
                first.span.line,
                summary.needed,
                start,
                summary.result or "",
                tuple(instructions),
            )
        )
    return tuple(traces)


def _split(file: Dockerfile) -> tuple[list[Arg], list[tuple[From, list[Instruction]]]]:
    header: list[Arg] = []
    blocks: list[tuple[From, list[Instruction]]] = []
    for each in file.instructions:
        if isinstance(each, From):
            blocks.append((each, []))
        elif blocks:
            blocks[-1][1].append(each)
        elif isinstance(each, Arg):
            header.append(each)
    return header, blocks


def _global_values(
    asked: CompileRequest, file: Dockerfile, header: Sequence[Arg]
) -> Mapping[str, str]:
    last = [each for each in file.instructions if isinstance(each, From)][-1]
    target = asked.target or last.stage_name
    defaults = scope.platform_arguments(asked.build_platform, asked.platform, target)
    return scope.global_scope(defaults, header, build_args=asked.build_args, escape=file.escape)


def _header(header: Sequence[Arg], values: Mapping[str, str], mask: Mask) -> StageTrace:
    instructions = tuple(
        Written(
            "ARG",
            _text(each),
            each.span.line,
            sets=mask.all({item.key: values.get(item.key, "") for item in each.items}),
        )
        for each in header
    )
    return StageTrace(-1, "", "", 0, needed=True, base="", result="", instructions=instructions)


def _chain(
    summary: StageSummary, base: StageSummary | None, vertices: Mapping[str, Vertex]
) -> tuple[list[Vertex], str]:
    """Return the vertices that a stage adds, the first one first, and what it begins with."""
    end = base.result if base is not None else None
    chain: list[Vertex] = []
    digest: str | None = summary.result
    while digest is not None and digest != end:
        vertex = vertices[digest]
        is_start = isinstance(vertex.op, ImageOp) or vertex.name.partition("] ")[2][:5] == "FROM "
        if is_start:
            break
        chain.append(vertex)
        digest = vertex.base
    return chain[::-1], digest or ""


def _made_of(
    body: Sequence[Instruction], chain: Sequence[Vertex], summary: StageSummary
) -> dict[int, str]:
    """Return what instructions became, by their index.

    An equal instruction of an equal stage is the same vertex, with the other's place. ONBUILD
    triggers have the place of FROM, and come first. WORKDIR / makes nothing.
    """
    place = summary.span.line if summary.span is not None else 0
    left = [each for each in chain if not _is_at(each, summary.index, place)]
    made: dict[int, str] = {}
    for index, instruction in enumerate(body):
        op = _OPS.get(type(instruction))
        if op is None or not left or type(left[0].op) is not op:
            continue
        line = instruction.span.line
        if left[0].stage != summary.index or _is_at(left[0], summary.index, line):
            made[index] = left.pop(0).digest
    return made


def _is_at(vertex: Vertex, stage: int, line: int) -> bool:
    return vertex.stage == stage and vertex.span is not None and vertex.span.line == line


class _Reader:
    """Reads the instructions of one stage, in order, and keeps its variables up to date."""

    def __init__(
        self,
        asked: CompileRequest,
        global_values: Mapping[str, str],
        known: Scope,
        escape: str,
        mask: Mask,
        *,
        needed: bool,
    ) -> None:
        self._asked = asked
        self._global_values = global_values
        self._scope = known
        self._escape = escape
        self._mask = mask
        self._needed = needed

    def read(self, instruction: Instruction, vertex: str) -> Written:
        uses = self._mask.all(_uses(instruction, self._scope.values))
        sets: dict[str, str] = {}
        try:
            if self._needed:
                sets = self._mask.all(dict(self._sets(instruction)))
        except JettisonError:
            pass  # the frontend knows more of the base image; what is set stays unknown
        line = instruction.span.line
        return Written(instruction.name, _text(instruction), line, vertex, sets, uses)

    def _sets(self, instruction: Instruction) -> Iterator[tuple[str, str]]:
        if isinstance(instruction, Arg):
            declared = self._scope.declare(
                instruction,
                build_args=self._asked.build_args,
                global_values=self._global_values,
                escape=self._escape,
            )
            yield from ((name, value or "") for name, value in declared)
        elif isinstance(instruction, Env):
            values = self._scope.values
            pairs = [
                (
                    expand(p.key, values, self._escape).text,
                    expand(p.value, values, self._escape).text,
                )
                for p in instruction.pairs
            ]
            self._scope.set(pairs)
            yield from pairs


def _uses(instruction: Instruction, values: Mapping[str, str]) -> dict[str, str]:
    names = dict.fromkeys(_NAME.findall(instruction.original))
    return {name: values[name] for name in names if name in values}


def _text(instruction: Instruction) -> str:
    keyword, _, rest = instruction.original.partition(" ")
    text = f"{keyword.upper()} {' '.join(rest.split())}"
    bodies = "".join(f"\n{each.content}" for each in getattr(instruction, "heredocs", ()))
    return redacted(text + bodies)[:_MAX_TEXT]
