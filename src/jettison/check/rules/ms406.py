"""MS406: a Node program loads what is not there, or cannot be loaded.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator

from jettison.analysis.node.addons import Addon
from jettison.analysis.node.closure import Missing
from jettison.analysis.node.command import is_node
from jettison.analysis.node.scan import How
from jettison.check.node_programs import (
    AbsentProgram,
    NodeProgram,
    modules_of,
    node_programs,
)
from jettison.check.node_sources import NodeSource, find_source
from jettison.check.rule import Rule
from jettison.check.subject import Subject
from jettison.errors import Span
from jettison.findings.finding import Finding, Fix, FixKind, Severity
from jettison.findings.fix import advice

_SHOWN = 3


class MS406(Rule):
    r"""A Node program loads what is not there, or cannot be loaded.

    ## What it does
    Follows `require`, `import` and `export … from` from the file that the image starts, as Node
    resolves them: extensions, `exports` and `imports` of packages, `node_modules` of all
    directories above, links of pnpm and of workspaces; of `npm start` the script. It finds files
    and packages that are not there, programs that a script runs and that are not installed, and
    add-ons (`.node`) for another C library, architecture or version of Node. What is loaded in a
    `try`, or in some cases only, is no error; where loaders change how modules are found, or
    Yarn's Plug'n'Play does, nothing is said.

    ## Why is this bad
    The program ends at its start with `Cannot find module`, or with an error of the loader. Often
    `dist` was copied from the stage that compiled it, and `node_modules` was not; or
    `node_modules` was copied from a Debian image into an Alpine one.

    ## Example
        FROM node:20 AS build
        WORKDIR /app
        COPY package.json package-lock.json server.js ./
        RUN npm ci
        FROM node:20-slim
        WORKDIR /app
        COPY --from=build /app/server.js ./
        CMD ["node", "server.js"]

    ## Use instead
        FROM node:20 AS build
        WORKDIR /app
        COPY package.json package-lock.json server.js ./
        RUN npm ci
        FROM node:20-slim
        WORKDIR /app
        COPY --from=build /app/server.js ./
        COPY --from=build /app/node_modules ./node_modules
        CMD ["node", "server.js"]
    """

    id = "MS406"
    title = "Node programs find all that they load"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield what is missing, one finding for each COPY that it takes."""
        if not any(is_node(each.path) for each in subject.reached.uses):
            return
        found = subject.fact(node_programs)
        for absent in found.absent:
            finding = self._absent(subject, absent)
            if finding is not None:
                yield finding
        for program in found.programs:
            yield from self._missing(subject, program)
            for directory, addon in program.unfit.items():
                yield self._unfit(subject, program, directory, addon)

    def _missing(self, subject: Subject, program: NodeProgram) -> Iterator[Finding]:
        groups: dict[str, list[tuple[Missing, NodeSource | None, Severity]]] = {}
        for missing in program.loads.missing:
            source = find_source(subject, missing)
            severity = _severity(subject, missing, source)
            if severity is Severity.ERROR and not program.is_certain:
                severity = Severity.WARNING
            if severity is not None:
                key = (
                    source.copy
                    if source is not None
                    else missing.resolution.name or missing.importer
                )
                groups.setdefault(key, []).append((missing, source, severity))
        for group in groups.values():
            group.sort(key=lambda each: each[2] is not Severity.ERROR)
            yield self._group(subject, program, group)

    def _group(
        self,
        subject: Subject,
        program: NodeProgram,
        group: list[tuple[Missing, NodeSource | None, Severity]],
    ) -> Finding:
        missing, source, severity = group[0]
        name = missing.load.specifier
        verb = "imports" if missing.load.how is How.IMPORT else "loads"
        names = list(dict.fromkeys(each.load.specifier for each, _, _ in group))
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        at = f"{missing.importer}:{missing.load.line}"
        cause = [f"{program.command} starts {program.loads.entry}"]
        if missing.importer != program.loads.entry:
            cause.append(f"{at} loads `{name}`")
        if source is not None:
            version = f" {source.version}" if source.version else ""
            cause.append(f"stage `{source.label}` has it{version} at {source.found}, not copied")
        elif missing.resolution.package:
            cause.append(f"{missing.resolution.package} is there, and has no such file")
        else:
            cause.append("no stage has it")
        if len(names) > 1:
            shown = ", ".join(f"`{each}`" for each in names[1 : 1 + _SHOWN])
            cause.append(f"so is: {shown}{' …' if len(names) > 1 + _SHOWN else ''}")
        span = _span(subject, missing.importer)
        return self.finding(
            severity,
            f"{at} {verb} `{name}`{more}, which is not in the image",
            span=span,
            path=missing.importer,
            stage=subject.final.label,
            cause=tuple(cause),
            fixes=_fixes(subject, missing, source, span),
        )

    def _unfit(
        self, subject: Subject, program: NodeProgram, directory: str, addon: Addon
    ) -> Finding:
        certain = program.loads.packages.get(directory, False)
        fails = certain and program.is_certain and directory in program.loads.loaders
        name = directory.rpartition("/node_modules/")[2]
        node = subject.image.fact(modules_of)
        manifest = node.manifest(directory)
        version = f" {manifest.version}" if manifest is not None and manifest.version else ""
        made, here = _sides(subject, addon)
        copied = subject.copied(addon.path)
        span = copied.span if copied is not None else subject.span_of(addon.path)
        cause = [f"{program.command} starts {program.loads.entry}, which loads `{name}`{version}"]
        lacks = f" (it needs {', '.join(addon.lacks)})" if addon.lacks else ""
        cause.append(f"the add-on is for {made}{lacks}, Node here for {here}")
        if copied is not None:
            cause.append(f"copied from `{copied.name}`: {copied.source}")
        return self.finding(
            Severity.ERROR if fails else Severity.WARNING,
            f"{addon.path} cannot be loaded: it is for {made}, and the image has {here}",
            span=span,
            path=addon.path,
            stage=subject.final.label,
            cause=tuple(cause),
            fixes=_base_fixes(subject, addon)
            + advice(
                f"install `{name}` in a stage that is FROM the image that the last one is FROM"
            ),
        )

    def _absent(self, subject: Subject, absent: AbsentProgram) -> Finding | None:
        place = posixpath.dirname(absent.manifest)
        modules = subject.image.fact(modules_of)
        manifest = modules.manifest(place)
        for stage in subject.record.stages:
            root = subject.stage(stage.index) if stage.index != subject.record.target else None
            copied = subject.copied(absent.manifest)
            if root is None:
                continue
            for at in dict.fromkeys([posixpath.dirname(copied.source) if copied else place, place]):
                if root.files.find(f"{at}/node_modules/.bin/{absent.name}") is None:
                    continue
                span = _span(subject, absent.manifest)
                line = _behind(subject, span)
                text = f"COPY --from={stage.label} {at}/node_modules {place}/node_modules"
                return self.finding(
                    Severity.ERROR if absent.is_certain else Severity.WARNING,
                    f"script `{absent.script}` runs `{absent.name}`, which is not installed",
                    span=span,
                    path=absent.manifest,
                    stage=subject.final.label,
                    cause=(
                        f"script `{absent.script}`: {manifest.scripts.get(absent.script, '')[:100]}"
                        if manifest is not None
                        else "",
                        f"stage `{stage.label}` has it in {at}/node_modules/.bin, not copied",
                    ),
                    fixes=(Fix(FixKind.INSERT, text, line),),
                )
        return None


def _severity(subject: Subject, missing: Missing, source: NodeSource | None) -> Severity | None:
    """Return how bad it is that something is missing; None is not bad at all."""
    name = missing.resolution.name
    modules = subject.image.fact(modules_of)
    manifest = modules.scope(missing.importer)[1]
    if manifest is not None and name in manifest.aliases:
        return None
    is_declared = manifest is not None and name in manifest.needed
    if not missing.certain:
        return Severity.WARNING if name and is_declared and source is not None else None
    if source is not None or (name and is_declared):
        return Severity.ERROR
    return Severity.WARNING


def _span(subject: Subject, path: str) -> Span | None:
    copied = subject.copied(path)
    return copied.span if copied is not None else subject.span_of(path)


def _behind(subject: Subject, span: Span | None) -> int:
    """Return the line behind which something can be copied that belongs to a COPY."""
    if span is None or span.line <= subject.final.line:
        return subject.end
    return max(span.line, span.end_line)


def _fixes(
    subject: Subject, missing: Missing, source: NodeSource | None, span: Span | None
) -> tuple[Fix, ...]:
    if source is not None:
        line = _behind(subject, span)
        return (Fix(FixKind.INSERT, source.copy, line),)
    name = missing.resolution.name
    if name:
        return advice(
            f"install `{name}` in the image, or copy `node_modules` from a stage that does"
        )
    return advice(f"copy the file that `{missing.load.specifier}` stands for")


def _sides(subject: Subject, addon: Addon) -> tuple[str, str]:
    """Return what an add-on is for, and what the image has."""
    node = next((each for each in subject.reached.uses if is_node(each.path)), None)
    elf = subject.image.programs.elf(node.path) if node is not None else None
    if addon.reason == "libc":
        return addon.libc, "glibc" if addon.libc == "musl" else "musl"
    if addon.reason == "abi":
        version = subject.environment.get("NODE_VERSION", "").lstrip("v")
        return f"Node's ABI {addon.abi}", f"Node {version}".strip()
    here = elf.architecture if elf is not None else subject.platform.architecture
    return addon.architecture or "another system", here


def _base_fixes(subject: Subject, addon: Addon) -> tuple[Fix, ...]:
    """Return the change of the FROM of the stage that installed an add-on."""
    copied = subject.copied(addon.path)
    if copied is None or copied.stage < 0 or addon.reason == "architecture":
        return ()
    stage = subject.record.stages[subject.chain(addon.path).producer.stage]
    if stage.line == 0 or stage.parent >= 0 or not subject.final.base_name:
        return ()
    lines = subject.record.source.split("\n")
    text = lines[stage.line - 1] if stage.line <= len(lines) else ""
    if stage.base_name not in text.split() or subject.final.parent >= 0:
        return ()
    changed = text.replace(stage.base_name, subject.final.base_name, 1)
    return (Fix(FixKind.REPLACE, changed, stage.line),) if changed != text else ()
