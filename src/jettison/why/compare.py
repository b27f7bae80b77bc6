"""Why the key of a step is another than it was: by what it is made of, down to the root.

In:  two traces, and what digests in keys are of.
Out: findings for each step; the first one is its root cause.

A step has causes of its own (its text, variables, files of a context), or those of what it builds
on: the first layer below that is another, the stage or image that it copies from. These have causes
of their own, and so on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import msgspec

from jettison.copier.manifest import Find, read_selection
from jettison.plan.op import CopyOp, CopySource, ExecMount, ExecOp, MkdirOp
from jettison.why.align import align
from jettison.why.explanation import FileChange
from jettison.why.files import file_changes, files_finding, image_finding
from jettison.why.finding import Finding
from jettison.why.ops import INHERITED, OpComparer, instruction_changed
from jettison.why.trace import StageTrace, StepTrace, Trace

_EMPTY = b"scratch"
_op = msgspec.msgpack.Decoder(ExecOp | CopyOp | MkdirOp).decode


class Comparison:
    """This build beside an earlier one.

    Args:
        now: This build.
        then: The earlier one.
        find: What digests in keys are of.
        known_keys: Keys of steps in all earlier builds that are known.
    """

    def __init__(
        self, now: Trace, then: Trace, find: Find, known_keys: Collection[str] = ()
    ) -> None:
        self._now = now
        self._then = then
        self._find = find
        self._known_keys = known_keys
        self._ours = now.by_vertex()
        self._theirs = then.by_vertex()
        self._alignment = align(now, then)
        self._ops = OpComparer(now, then, self._alignment)
        self._stages = {stage.index: stage for stage in now.stages}
        self._reasons: dict[str, list[Finding]] = {}

    def reasons(self, vertex: str) -> list[Finding]:
        """Return why a vertex is another than it was, the root cause first; never empty."""
        known = self._reasons.get(vertex)
        if known is None:
            self._reasons[vertex] = []  # a plan has no cycles; a damaged trace might
            known = self._reasons[vertex] = self._look(self._ours[vertex])
        return known or [Finding("unknown", "what changed is not known", vertex)]

    def _look(self, step: StepTrace) -> list[Finding]:
        if step.kind == "image":
            return list(self._image(step))
        if step.kind in {"http", "git", "local"}:
            return list(self._fetched(step))
        found = [*self._forced(step)]
        if found:
            return found
        earlier = self._earlier(step.vertex)
        if earlier is None:
            return [*self._needed_by(step), self._new(step)]
        if step.key and (step.key == earlier.key or step.key in self._known_keys):
            return [_lost(step, earlier)]
        found += self._own(step, earlier)
        found += self._below(step, earlier)
        if not found and not earlier.key:
            text = "the earlier build ended before it came to this step"
            found.append(Finding("not-reached", text, step.vertex, step.line))
        return found

    def _earlier(self, vertex: str) -> StepTrace | None:
        """Return what a vertex was in the earlier build."""
        return self._theirs.get(self._alignment.vertices.get(vertex, vertex))

    # Causes of steps themselves -------------------------------------------------------------

    def _forced(self, step: StepTrace) -> Iterator[Finding]:
        if step.forced and step.has_run:
            flag = self._now.no_cache or "--no-cache"
            yield Finding("no-cache", f"`{flag}` was given", step.vertex, subject=flag)

    def _new(self, step: StepTrace) -> Finding:
        stage = self._stages.get(step.stage)
        earlier = self._alignment.stages.get(step.stage)
        written = self._ops.written(step.vertex)
        text = written.text if written is not None else step.name
        if stage is not None and earlier is None:
            name = stage.name or str(stage.index)
            message = f"the stage `{name}` is new"
            return Finding("stage-added", message, step.vertex, stage.line, name)
        if stage is not None and earlier is not None and not earlier.needed:
            name = stage.name or str(stage.index)
            message = f"the earlier build did not need the stage `{name}`"
            return Finding("target", message, step.vertex, stage.line, name)
        first = _one_line(text)
        if step.vertex in self._alignment.moved:
            message = f"`{first}` stands at another place"
            return Finding("instruction-moved", message, step.vertex, step.line, text)
        message = f"`{first}` is new"
        return Finding("instruction-added", message, step.vertex, step.line, text, "", text)

    def _needed_by(self, step: StepTrace) -> Iterator[Finding]:
        """Yield that a stage is built since another begins with it now."""
        stage = self._stages.get(step.stage)
        for user in self._now.stages:
            earlier = self._alignment.stages.get(user.index)
            if stage is None or earlier is None or not earlier.needed or not stage.result:
                continue
            if user.base == stage.result and user.base_name != earlier.base_name:
                yield from self._base_of(user, earlier, step)
                return

    def _own(self, step: StepTrace, earlier: StepTrace) -> Iterator[Finding]:
        for finding in self._ops.findings(step, earlier):
            if finding.cause == INHERITED:
                yield from self._of_base_image(step, finding)
            else:
                yield finding
        ours, theirs = dict(step.components), dict(earlier.components)
        label = "secrets in layers"
        if step.key and earlier.key and (label in ours) != (label in theirs):
            flag = "--allow-secret-in-layer"
            verb = "was given" if label in ours else "was not given"
            yield Finding("flag", f"`{flag}` {verb}", step.vertex, subject=flag)

    def _of_base_image(self, step: StepTrace, finding: Finding) -> Iterator[Finding]:
        """Return why the image below a step is another; it has set a variable otherwise."""
        image = self._bottom(step)
        found = list(self._image(image)) if image is not None and image.kind == "image" else []
        if found:
            yield from found
        else:
            yield msgspec.structs.replace(finding, cause="environment")

    # What a step builds on ------------------------------------------------------------------

    def _below(self, step: StepTrace, earlier: StepTrace) -> Iterator[Finding]:
        """Yield causes of what a step reads: files first, then what it stands on."""
        ours, theirs = dict(step.components), dict(earlier.components)
        op = _op(step.op)
        if isinstance(op, CopyOp):
            if ours.get("selected files") != theirs.get("selected files"):
                yield from self._selected(step, earlier, op, "selected files")
        elif isinstance(op, ExecOp):
            mounts = [each for each in op.mounts if each.input is not None]
            for index, mount in enumerate(mounts):
                label = f"files of mount {index}"
                if ours.get(label) != theirs.get(label):
                    yield from self._mounted(step, earlier, mount, label)
        facts = [label for label in ("base", "destination") if ours.get(label) != theirs.get(label)]
        if facts or not (step.key and earlier.key):
            yield from self._stands_on(step, earlier)

    def _mounted(
        self, step: StepTrace, earlier: StepTrace, mount: ExecMount, label: str
    ) -> Iterator[Finding]:
        source = CopySource(path=mount.source, input=mount.input)
        yield from self._selected(step, earlier, CopyOp(sources=(source,), dest="/"), label)

    def _selected(
        self, step: StepTrace, earlier: StepTrace, op: CopyOp, label: str
    ) -> Iterator[Finding]:
        """Yield why the files that a step reads are others."""
        changes = self._changes(step, earlier, op, label)
        inputs = dict.fromkeys(each.input for each in op.sources if each.input is not None)
        read = [self._ours[step.inputs[index]] for index in inputs if index < len(step.inputs)]
        local = [each for each in read if each.kind == "local"]
        for index, each in zip(inputs, read, strict=False):
            if each.kind in {"http", "git"}:
                yield from self.reasons(each.vertex)
            elif each.kind != "local":
                before = earlier.inputs[index] if index < len(earlier.inputs) else ""
                yield from self._source(each, before, changes)
        if not local:
            return
        if not changes and len(local) == len(read):
            text = "files changed; which of them is not known"
            yield Finding("files", text, step.vertex, step.line, identity=("files", step.vertex))
        elif changes:
            own = local[0].op == b"context"
            yield files_finding(
                changes,
                step.vertex,
                step.line,
                ignored_now=self._now.ignored if own else (),
                ignored_then=self._then.ignored if own else (),
            )

    def _changes(
        self, step: StepTrace, earlier: StepTrace, op: CopyOp, label: str
    ) -> list[FileChange]:
        ours, theirs = dict(step.components).get(label), dict(earlier.components).get(label)
        now = read_selection(ours, op, self._find) if ours else None
        then = read_selection(theirs, op, self._find) if theirs else None
        return file_changes(now, then) if now is not None and then is not None else []

    def _source(self, read: StepTrace, before: str, changes: list[FileChange]) -> Iterator[Finding]:
        """Yield why a root file system that a step reads is another.

        Of several layers in it that are others, that is the last one which may have made the files.

        Args:
            read: Its last vertex.
            before: What was read in its place.
            changes: How the files that are read differ, if that is known.
        """
        if read.kind == "image":
            if before in self._theirs and self._theirs[before].kind != "image":
                yield from self._stack("" if read.op == _EMPTY else read.vertex, before, read)
                return
            for finding in self._image(read):
                yield image_finding(finding, changes)
            return
        for each in _chain(self._ours, read.vertex)[::-1]:
            earlier = self._earlier(each.vertex)
            if earlier is not None and earlier.content == each.content:
                continue
            if _may_have_made(each, changes):
                yield from self.reasons(each.vertex)
                return
        yield from self._stack(read.vertex, before, read)

    def _stands_on(self, step: StepTrace, earlier: StepTrace) -> Iterator[Finding]:
        """Yield why what a step stands on is another: the causes of the first layer that is."""
        yield from self._stack(step.base, earlier.base, step)

    def _stack(self, top: str, earlier_top: str, step: StepTrace) -> Iterator[Finding]:
        """Yield the causes of the first layer of a root file system that is another.

        Args:
            top: Its last vertex.
            earlier_top: That of the earlier one.
            step: Who stands on it or reads it.
        """
        ours, theirs = _chain(self._ours, top), _chain(self._theirs, earlier_top)
        places = {each.vertex: index for index, each in enumerate(theirs)}
        expected = 0
        for each in ours:
            before = self._earlier(each.vertex)
            place = places.get(before.vertex) if before is not None else None
            if before is not None and place is None:
                yield from self._other_base(each, step)
                return
            if place is not None and place > expected:
                yield self._gone(theirs[expected], step)
                return
            if before is None or place is None or before.content != each.content:
                yield from self._other(each, theirs)
                return
            if place < expected:
                text = _one_line(each.name.partition("] ")[2])
                message = f"`{text}` stands at another place"
                yield Finding("instruction-moved", message, each.vertex, each.line, text)
                return
            expected = place + 1
        if expected < len(theirs):
            yield self._gone(theirs[expected], step)

    def _other(self, step: StepTrace, theirs: list[StepTrace]) -> Iterator[Finding]:
        """Yield the causes of a layer that is another, or new."""
        if step.kind == "image" and self._earlier(step.vertex) is None:
            yield from self._from_changed(step, theirs[0] if theirs else None)
        else:
            yield from self.reasons(step.vertex)

    def _gone(self, earlier: StepTrace, step: StepTrace) -> Finding:
        text = _one_line(earlier.name.partition("] ")[2] or earlier.name)
        if earlier.kind == "image":
            return Finding("base-changed", f"`{text}` is no base any more", step.vertex, 0, text)
        for stage in self._then.stages:
            for each in stage.instructions:
                if each.vertex == earlier.vertex:
                    text = _one_line(each.text)
        message = f"`{text}` is gone"
        return Finding("instruction-removed", message, step.vertex, 0, text, text)

    def _other_base(self, layer: StepTrace, step: StepTrace) -> Iterator[Finding]:
        """Yield that a stage is built on another stage, which was there before."""
        for stage in self._now.stages:
            earlier = self._alignment.stages.get(stage.index)
            if earlier is None or stage.base in {"", earlier.base}:
                continue
            if stage.base_name != earlier.base_name and self._reaches(stage, step):
                yield from self._base_of(stage, earlier, step)
                return
        yield from self.reasons(layer.vertex)

    def _base_of(
        self, stage: StageTrace, earlier: StageTrace, step: StepTrace
    ) -> Iterator[Finding]:
        """Yield why the FROM of a stage names something else: a variable, or its text."""
        ours, theirs = stage.instructions[0], earlier.instructions[0]
        names = [name for name in ours.uses if ours.uses[name] != theirs.uses.get(name)]
        if names:
            name = names[0]
            was = theirs.uses.get(name)
            yield self._ops.variable_of_from(step, name, was, ours.uses[name])
        else:
            yield _from_changed(stage, earlier, step.vertex)

    def _reaches(self, stage: StageTrace, step: StepTrace) -> bool:
        """Tell whether a step stands on what a stage begins with."""
        return any(each.vertex == stage.base for each in _chain(self._ours, step.vertex))

    # Images and what is fetched -------------------------------------------------------------

    def _bottom(self, step: StepTrace) -> StepTrace | None:
        chain = _chain(self._ours, step.vertex)
        return chain[0] if chain else None

    def _image(self, step: StepTrace) -> Iterator[Finding]:
        """Yield why an image is another."""
        earlier = self._earlier(step.vertex)
        name = step.op.decode(errors="replace")
        if earlier is None or earlier.kind != "image" or earlier.op != step.op:
            yield from self._from_changed(step, earlier)
        elif earlier.content != step.content:
            text = f"`{name}` is another image than it was"
            yield Finding("base-moved", text, step.vertex, step.line, name)

    def _from_changed(self, step: StepTrace, earlier: StepTrace | None) -> Iterator[Finding]:
        """Yield why FROM, or the source of a COPY, names another image."""
        name = step.op.decode(errors="replace")
        for stage in self._now.stages:
            before = self._alignment.stages.get(stage.index)
            if stage.base == step.vertex and before is not None:
                yield from self._base_of(stage, before, step)
                return
        was = earlier.op.decode(errors="replace") if earlier is not None else ""
        text = f"another image is read: `{was}` → `{name}`" if was else f"`{name}` is new"
        yield Finding("base-changed", text, step.vertex, step.line, name, was, name)

    def _fetched(self, step: StepTrace) -> Iterator[Finding]:
        name = step.op.decode(errors="replace")
        if step.kind == "http":
            text = f"the server gave another file for `{name}`"
            yield Finding("download", text, step.vertex, step.line, name)
        elif step.kind == "git":
            text = f"`{name}` leads to other files"
            yield Finding("git", text, step.vertex, step.line, name)


def _chain(steps: Mapping[str, StepTrace], vertex: str) -> list[StepTrace]:
    """Return a vertex and what it stands on, the lowest first."""
    chain: list[StepTrace] = []
    while vertex in steps and len(chain) <= len(steps):
        chain.append(steps[vertex])
        vertex = chain[-1].base
    return chain[::-1]


def _lost(step: StepTrace, earlier: StepTrace) -> Finding:
    if earlier.outcome == "failed" and step.key == earlier.key:
        text = "it failed in the earlier build, and nothing is kept of a step that fails"
        return Finding("failed", text, step.vertex, step.line, identity=("failed", step.vertex))
    if earlier.outcome == "missing" and step.key == earlier.key:
        text = "the earlier build ended before it came to this step"
        return Finding("not-reached", text, step.vertex, step.line)
    text = "nothing changed: its result is not in the cache any more"
    return Finding("pruned", text, step.vertex, step.line)


def _from_changed(stage: StageTrace, earlier: StageTrace, vertex: str) -> Finding:
    before, after = earlier.instructions[0].text, stage.instructions[0].text
    changed = instruction_changed(vertex, stage.line, before, after)
    text = changed.text.replace("the instruction was changed", "FROM names another base")
    return msgspec.structs.replace(changed, cause="base-changed", text=text)


def _may_have_made(step: StepTrace, changes: list[FileChange]) -> bool:
    """Tell whether a layer may hold one of some files; of a COPY that is known."""
    if step.kind == "exec" or not changes:
        return True
    if step.kind != "copy":
        return False
    op = _op(step.op)
    destination = op.dest.strip("/") if isinstance(op, CopyOp) else ""
    return any(
        not destination or each.path == destination or each.path.startswith(destination + "/")
        for each in changes
    )


def _one_line(text: str) -> str:
    line, _, rest = text.partition("\n")
    return line + "…" if rest else line
