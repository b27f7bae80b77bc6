"""How an instruction differs from what it was: its text, variables, mounts, flags.

In:  two steps of traces that are the same instruction, the traces.
Out: findings, what says most first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from jettison.plan.op import CopyOp, ExecMount, ExecOp, MkdirOp, MountType
from jettison.why.align import Alignment
from jettison.why.finding import Finding
from jettison.why.trace import StageTrace, StepTrace, Trace, Written, is_secret

StepOp = ExecOp | CopyOp | MkdirOp
_decode = msgspec.msgpack.Decoder(StepOp).decode
_FLAGS = {
    "network": "--network",
    "extra_hosts": "--add-host",
    "ulimits": "--ulimit",
    "shm_bytes": "--shm-size",
    "hostname": "BUILDKIT_SANDBOX_HOSTNAME",
    "security": "--allow security.insecure",
}
_MAKERS = {"cwd": "WORKDIR", "path": "WORKDIR", "user": "USER", "owner": "USER", "argv": "SHELL"}
"""Fields of ops, and the instructions above that give them their value."""
_SHOWN = 160
INHERITED = "inherited"
"""In place of a cause: a variable of the base image, whose own cause is looked for elsewhere."""


class OpComparer:
    """Compares instructions of two builds.

    Args:
        now: This build.
        then: The earlier one.
        alignment: Which instruction is which.
    """

    def __init__(self, now: Trace, then: Trace, alignment: Alignment) -> None:
        self._now = now
        self._then = then
        self._alignment = alignment
        self._stages = {stage.index: stage for stage in now.stages}
        self._places = {
            written.vertex: (stage, index)
            for stage in reversed(now.stages)
            for index, written in enumerate(stage.instructions)
            if written.vertex
        }

    def written(self, vertex: str) -> Written | None:
        """Return the instruction that became a vertex."""
        place = self._places.get(vertex)
        return place[0].instructions[place[1]] if place is not None else None

    def findings(self, step: StepTrace, earlier: StepTrace) -> list[Finding]:
        """Return how the op of a step differs; empty if it does not."""
        if step.op == earlier.op:
            return []
        now, then = _decode(step.op), _decode(earlier.op)
        place = self._places.get(step.vertex)
        ours = self.written(step.vertex)
        theirs = self._alignment.instructions.get((place[0].index, place[1])) if place else None
        fields = _differing(now, then)
        found: list[Finding] = []
        env = "env" in fields
        fields.discard("env")
        same_text = ours is not None and theirs is not None and ours.text == theirs.text
        if fields and not same_text:
            found.append(self._changed(step, now, then, fields, ours, theirs))
        elif fields:
            found += self._from_elsewhere(step, fields, ours, theirs, place)
        if env and isinstance(now, ExecOp) and isinstance(then, ExecOp):
            found += self._variables(step, now.env, then.env, place)
        return found

    # The instruction itself -----------------------------------------------------------------

    def _changed(
        self,
        step: StepTrace,
        now: StepOp,
        then: StepOp,
        fields: set[str],
        ours: Written | None,
        theirs: Written | None,
    ) -> Finding:
        if fields == {"mounts"} and isinstance(now, ExecOp) and isinstance(then, ExecOp):
            mount = _mount_finding(step, now.mounts, then.mounts)
            if mount is not None:
                return mount
        before = theirs.text if theirs is not None else ""
        after = ours.text if ours is not None else step.name
        return instruction_changed(step.vertex, step.line, before, after)

    # What stands elsewhere ------------------------------------------------------------------

    def _from_elsewhere(
        self,
        step: StepTrace,
        fields: set[str],
        ours: Written | None,
        theirs: Written | None,
        place: tuple[StageTrace, int] | None,
    ) -> Iterator[Finding]:
        """Find why an instruction means something else though it reads the same."""
        if ours is not None and theirs is not None and ours.uses != theirs.uses:
            names = [
                name
                for name in dict.fromkeys([*ours.uses, *theirs.uses])
                if ours.uses.get(name) != theirs.uses.get(name)
            ]
            yield from (
                self._variable(step, name, theirs.uses.get(name), ours.uses.get(name), place)
                for name in names
            )
            return
        for field in sorted(fields):
            flag = _FLAGS.get(field)
            if flag is not None:
                before, after = self._then.flags.get(flag, ""), self._now.flags.get(flag, "")
                text = f"`{flag}` is another: {before or 'not given'} → {after or 'not given'}"
                yield Finding("flag", text, step.vertex, 0, flag, before, after)
                continue
            maker = _MAKERS.get(field, "")
            found = self._maker(step, maker, place) if maker else None
            if found is not None:
                yield found

    def _maker(
        self, step: StepTrace, kind: str, place: tuple[StageTrace, int] | None
    ) -> Finding | None:
        """Return the WORKDIR, USER or SHELL above a step that is another than it was."""
        if place is None:
            return None
        ours = next((w for w in self._above(*place) if w.kind == kind), None)
        theirs = self._earlier_above(place, kind)
        before, after = theirs.text if theirs else "", ours.text if ours else ""
        if before == after:
            return None
        line = ours.line if ours is not None else 0
        if ours is None:
            text = f"`{_cut(before)}` is gone"
            return Finding("instruction-removed", text, step.vertex, 0, before, before)
        if theirs is None:
            text = f"`{_cut(after)}` is new"
            return Finding("instruction-added", text, step.vertex, line, after, "", after)
        return instruction_changed(step.vertex, line, before, after)

    def _above(self, stage: StageTrace, index: int) -> Iterator[Written]:
        """Yield the instructions above one, the nearest first, those of base stages, too."""
        yield from reversed(stage.instructions[:index])
        base = next((s for s in self._now.stages if s.result and s.result == stage.base), None)
        if base is not None and base.index != stage.index and base.index < stage.index:
            yield from self._above(base, len(base.instructions))

    def _earlier_above(self, place: tuple[StageTrace, int], kind: str) -> Written | None:
        """Return the instruction of a kind that stood above the earlier form of one."""
        earlier = self._alignment.instructions.get((place[0].index, place[1]))
        stage = self._alignment.stages.get(place[0].index)
        if earlier is None or stage is None:
            return None
        while True:
            above = [
                each
                for each in stage.instructions
                if each.line < earlier.line and each.kind == kind
            ]
            if above:
                return above[-1]
            base = next((s for s in self._then.stages if s.result and s.result == stage.base), None)
            if base is None or base.index >= stage.index:
                return None
            stage, earlier = base, base.instructions[-1]
            earlier = msgspec.structs.replace(earlier, line=earlier.line + 1)

    def variable_of_from(
        self, step: StepTrace, name: str, before: str | None, after: str | None
    ) -> Finding:
        """Return what changed a variable that FROM names."""
        return self._variable(step, name, before, after, None)

    # Variables ------------------------------------------------------------------------------

    def _variables(
        self,
        step: StepTrace,
        now: Sequence[str],
        then: Sequence[str],
        place: tuple[StageTrace, int] | None,
    ) -> Iterator[Finding]:
        ours, theirs = _values(now), _values(then)
        names = [
            name for name in dict.fromkeys([*ours, *theirs]) if ours.get(name) != theirs.get(name)
        ]
        if not names:
            text = "the variables stand in another order"
            yield Finding("environment", text, step.vertex, step.line, " ".join(ours))
        for name in names:
            yield self._variable(step, name, theirs.get(name), ours.get(name), place)

    def _variable(
        self,
        step: StepTrace,
        name: str,
        before: str | None,
        after: str | None,
        place: tuple[StageTrace, int] | None,
    ) -> Finding:
        """Return what changed a variable: a flag, an ARG, an ENV, or the base image."""
        ours = self._setter(name, place) if after is not None else None
        theirs = self._earlier_setter(name, place) if before is not None else None
        setter = ours or theirs
        shown = [_value(name, value) for value in (before, after)]
        change = f"{shown[0]} → {shown[1]}"
        given, earlier = self._now.build_args.get(name), self._then.build_args.get(name)
        if given != earlier:
            kind, text = "argument", f"`--build-arg {name}` is another: {change}"
            line = setter.line if setter is not None else 0
        elif setter is None or _same_setter(ours, theirs, name):
            text = f"the base image sets `{name}` otherwise: {change}"
            return Finding(INHERITED, text, step.vertex, 0, name, shown[0], shown[1])
        else:
            kind = "argument" if setter.kind == "ARG" else "environment"
            verb = "is new" if theirs is None else "is gone" if ours is None else "is another"
            header = self._header(name) if kind == "argument" and ours is not None else None
            line = (header or ours).line if ours is not None else 0
            text = f"`{setter.kind} {name}` {verb}: {change}"
        return Finding(kind, text, step.vertex, line, name, shown[0], shown[1])

    def _setter(self, name: str, place: tuple[StageTrace, int] | None) -> Written | None:
        if place is None:
            return self._header(name)
        found = next((each for each in self._above(*place) if name in each.sets), None)
        return found or self._header(name)

    def _earlier_setter(self, name: str, place: tuple[StageTrace, int] | None) -> Written | None:
        header = _header(self._then, name)
        stage = self._alignment.stages.get(place[0].index) if place is not None else None
        while stage is not None:
            setters = [each for each in stage.instructions if name in each.sets]
            if setters:
                return setters[-1]
            index, base = stage.index, stage.base
            stage = next(
                (s for s in self._then.stages if s.result and s.result == base and s.index < index),
                None,
            )
        return header

    def _header(self, name: str) -> Written | None:
        """Return the ARG before the first FROM, if its value is another than it was."""
        ours, theirs = _header(self._now, name), _header(self._then, name)
        if ours is None or (theirs is not None and theirs.sets[name] == ours.sets[name]):
            return None
        return ours


def instruction_changed(vertex: str, line: int, before: str, after: str) -> Finding:
    """Return the finding that an instruction reads otherwise."""
    text = f"the instruction was changed: {_words(before, after)}"
    return Finding("instruction-changed", text, vertex, line, after, before, after)


def _words(before: str, after: str) -> str:
    """Return where two texts differ, by words.

    >>> _words("RUN make all", "RUN make -j2 all")
    '`make all` → `make -j2 all`'
    """
    old, new = before.split(), after.split()
    begin = 0
    while begin < min(len(old), len(new)) and old[begin] == new[begin]:
        begin += 1
    end = 0
    while end < min(len(old), len(new)) - begin and old[-1 - end] == new[-1 - end]:
        end += 1
    begin, end = max(0, begin - 1), max(0, end - 1)
    one, two = old[begin : len(old) - end], new[begin : len(new) - end]
    return f"`{_cut(' '.join(one))}` → `{_cut(' '.join(two))}`"


def _cut(text: str) -> str:
    line, _, rest = text.partition("\n")
    return line[:_SHOWN] + "…" if rest or len(line) > _SHOWN else line


def _differing(now: StepOp, then: StepOp) -> set[str]:
    if type(now) is not type(then):
        return {"op"}
    names = type(now).__struct_fields__
    return {name for name in names if getattr(now, name) != getattr(then, name)}


def _values(env: Sequence[str]) -> dict[str, str]:
    return dict(entry.partition("=")[::2] for entry in env)


def _value(name: str, value: str | None) -> str:
    """Return a value as people see it: nothing of what may be secret."""
    if value is None:
        return "not set"
    if is_secret(name):
        return "(hidden)"
    return f"`{_cut(value)}`"


def _same_setter(ours: Written | None, theirs: Written | None, name: str) -> bool:
    return ours is not None and theirs is not None and ours.sets[name] == theirs.sets[name]


def _header(trace: Trace, name: str) -> Written | None:
    found = [each for each in trace.stages[0].instructions if name in each.sets]
    return found[-1] if found else None


def _mount_finding(
    step: StepTrace, now: Sequence[ExecMount], then: Sequence[ExecMount]
) -> Finding | None:
    """Return how the mounts of a RUN differ, None if only a heredoc's script does."""
    ours, theirs = _described(now, then), _described(then, now)
    gone, new = next(iter(theirs), None), next(iter(ours), None)
    mount = new or gone
    if mount is None or mount.type is MountType.FILE:
        return None
    before, after = _mount_text(gone), _mount_text(new)
    cause = mount.type.value if mount.type in {MountType.SECRET, MountType.SSH} else "mount"
    text = f"a mount is another: {before} → {after}"
    return Finding(cause, text, step.vertex, step.line, after, before, after)


def _described(mounts: Sequence[ExecMount], others: Sequence[ExecMount]) -> list[ExecMount]:
    known = {msgspec.json.encode(each) for each in others}
    return [each for each in mounts if msgspec.json.encode(each) not in known]


def _mount_text(mount: ExecMount | None) -> str:
    if mount is None:
        return "none"
    facts: Mapping[str, object] = msgspec.to_builtins(mount)
    shown = ",".join(
        f"{name}={value}" for name, value in facts.items() if name not in {"input", "content"}
    )
    return f"`{shown}`"
