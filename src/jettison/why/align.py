"""Which instruction of a Dockerfile is which of an earlier version of it.

In:  the stages of two traces.
Out: ``Alignment``: pairs of stages, of instructions, and of the vertices that these became.

Stages are paired by name, the rest by what is in them. The instructions of two stages are paired
by a longest common subsequence of their texts; what is left between two pairs is paired in order,
if it is of one kind and reads alike: such an instruction was changed, the others are new or gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

import msgspec

from jettison.why.trace import StageTrace, Trace, Written

_MAX_CELLS = 1 << 20
_ALIKE = 0.4
_MAX_COMPARED = 400


class Alignment(msgspec.Struct, frozen=True):
    """What of an earlier trace is what of this one.

    Args:
        stages: Index of the stage → the earlier stage.
        instructions: (index of the stage, index of the instruction) → the earlier instruction.
        vertices: Digest → earlier digest.
        moved: Digests of vertices whose text stands at another place of its stage → that text.
    """

    stages: dict[int, StageTrace]
    instructions: dict[tuple[int, int], Written]
    vertices: dict[str, str]
    moved: frozenset[str] = frozenset()


def align(now: Trace, then: Trace) -> Alignment:
    """Pair two traces."""
    stages = pair_stages(now.stages, then.stages)
    instructions: dict[tuple[int, int], Written] = {}
    vertices: dict[str, str] = {}
    moved: set[str] = set()
    results = {stage.result for trace in (now, then) for stage in trace.stages}
    starts = {
        step.vertex
        for trace in (now, then)
        for step in trace.steps
        if step.kind == "image" or step.vertex not in results
    }
    for stage in now.stages:
        earlier = stages.get(stage.index)
        if earlier is None:
            continue
        if {stage.base, earlier.base} <= starts:
            vertices.setdefault(stage.base, earlier.base)
        ours, theirs = stage.instructions, earlier.instructions
        pairs = pair_instructions(ours, theirs)
        for one, other in pairs:
            instructions[stage.index, one] = theirs[other]
            if ours[one].vertex and theirs[other].vertex:
                vertices.setdefault(ours[one].vertex, theirs[other].vertex)
        moved |= _moved(ours, theirs, pairs)
    _pair_inputs(now, then, vertices)
    return Alignment(stages, instructions, vertices, frozenset(moved))


def pair_stages(now: Sequence[StageTrace], then: Sequence[StageTrace]) -> dict[int, StageTrace]:
    """Pair stages: by name, then by how many instructions they share, then by place."""
    left = {stage.index: stage for stage in then}
    named = {stage.name: stage for stage in then if stage.name}
    pairs: dict[int, StageTrace] = {}
    for stage in now:
        earlier = named.get(stage.name) if stage.name else left.get(stage.index)
        known = earlier is not None and earlier.index in left
        if earlier is not None and known and (stage.index < 0 or stage.name):
            pairs[stage.index] = left.pop(earlier.index)
    rest = [stage for stage in now if stage.index not in pairs]
    scored = sorted(
        (
            (-_shared(stage, earlier), abs(stage.index - earlier.index), stage.index, earlier.index)
            for stage in rest
            for earlier in left.values()
            if earlier.index >= 0 and not (stage.name and _is_taken(earlier, now))
        ),
    )
    for score, _, index, other in scored:
        if index in pairs or other not in left:
            continue
        both_last = index == now[-1].index and other == then[-1].index
        if score < 0 or both_last:
            pairs[index] = left.pop(other)
    return pairs


def _is_taken(earlier: StageTrace, now: Sequence[StageTrace]) -> bool:
    return bool(earlier.name) and any(stage.name == earlier.name for stage in now)


def _shared(stage: StageTrace, earlier: StageTrace) -> int:
    """Return how many texts of instructions but FROM two stages share."""
    texts = {each.text for each in stage.instructions[1:]}
    return len(texts & {each.text for each in earlier.instructions[1:]})


def pair_instructions(ours: Sequence[Written], theirs: Sequence[Written]) -> list[tuple[int, int]]:
    """Pair the instructions of two stages; the pairs are in order on both sides."""
    same = _common([each.text for each in ours], [each.text for each in theirs])
    pairs: list[tuple[int, int]] = []
    start = other_start = 0
    for one, other in [*same, (len(ours), len(theirs))]:
        pairs += _changed(ours, theirs, range(start, one), range(other_start, other))
        if one < len(ours):
            pairs.append((one, other))
        start, other_start = one + 1, other + 1
    return pairs


def _common(ours: Sequence[str], theirs: Sequence[str]) -> list[tuple[int, int]]:
    """Return a longest common subsequence as pairs of indexes."""
    begin = 0
    while begin < min(len(ours), len(theirs)) and ours[begin] == theirs[begin]:
        begin += 1
    end, other_end = len(ours), len(theirs)
    while end > begin and other_end > begin and ours[end - 1] == theirs[other_end - 1]:
        end, other_end = end - 1, other_end - 1
    pairs = [(index, index) for index in range(begin)]
    if (end - begin) * (other_end - begin) <= _MAX_CELLS:
        middle = _longest(ours[begin:end], theirs[begin:other_end])
        pairs += [(begin + one, begin + other) for one, other in middle]
    pairs += zip(range(end, len(ours)), range(other_end, len(theirs)), strict=True)
    return pairs


def _longest(ours: Sequence[str], theirs: Sequence[str]) -> list[tuple[int, int]]:
    lengths = [[0] * (len(theirs) + 1) for _ in range(len(ours) + 1)]
    for one in range(len(ours) - 1, -1, -1):
        for other in range(len(theirs) - 1, -1, -1):
            lengths[one][other] = (
                lengths[one + 1][other + 1] + 1
                if ours[one] == theirs[other]
                else max(lengths[one + 1][other], lengths[one][other + 1])
            )
    pairs, one, other = [], 0, 0
    while one < len(ours) and other < len(theirs):
        if ours[one] == theirs[other]:
            pairs.append((one, other))
            one, other = one + 1, other + 1
        elif lengths[one + 1][other] >= lengths[one][other + 1]:
            one += 1
        else:
            other += 1
    return pairs


def _changed(
    ours: Sequence[Written], theirs: Sequence[Written], here: range, there: range
) -> list[tuple[int, int]]:
    """Pair instructions of one kind that read alike, in order."""
    pairs: list[tuple[int, int]] = []
    begin = there.start
    for one in here:
        scored = [
            (_likeness(ours[one].text, theirs[other].text), -other)
            for other in range(begin, there.stop)
            if ours[one].kind == theirs[other].kind
        ]
        best, place = max(scored, default=(0.0, 0))
        alone = len(here) == len(there) == 1 or ours[one].kind == "FROM"
        if scored and (best >= _ALIKE or alone):
            pairs.append((one, -place))
            begin = -place + 1
    return pairs


def _likeness(text: str, other: str) -> float:
    one, two = text.partition(" ")[2][:_MAX_COMPARED], other.partition(" ")[2][:_MAX_COMPARED]
    return SequenceMatcher(None, one, two, autojunk=False).ratio()


def _moved(
    ours: Sequence[Written], theirs: Sequence[Written], pairs: Sequence[tuple[int, int]]
) -> set[str]:
    """Return vertices of instructions that are not paired, but whose text was elsewhere."""
    paired, other = {one for one, _ in pairs}, {two for _, two in pairs}
    gone = {each.text for index, each in enumerate(theirs) if index not in other}
    return {
        each.vertex
        for index, each in enumerate(ours)
        if index not in paired and each.vertex and each.text in gone
    }


def _pair_inputs(now: Trace, then: Trace, vertices: dict[str, str]) -> None:
    """Pair what paired steps read: images that COPY --from names, downloads, contexts."""
    ours, theirs = now.by_vertex(), then.by_vertex()
    for vertex, other in list(vertices.items()):
        if vertex not in ours or other not in theirs:
            continue
        for one, two in zip(ours[vertex].inputs, theirs[other].inputs, strict=False):
            if one in ours and two in theirs and ours[one].kind == theirs[two].kind:
                vertices.setdefault(one, two)
