"""MS407: packages that only development needs are in the image.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

import msgspec

from jettison.analysis.node.unneeded import Unneeded, unneeded
from jettison.check.node_programs import modules_of, node_programs
from jettison.check.rule import Rule
from jettison.check.subject import Copied, Subject
from jettison.check.units import counted, size
from jettison.findings.finding import Finding, Fix, FixKind, Severity
from jettison.findings.fix import advice

_DEVELOPMENT = re.compile(
    r"(?:^|[-_.])(?:dev|devel|development|test|tests|debug|ci|lint)(?:$|[-_.])", re.IGNORECASE
)
_PRUNES = {
    "npm": "npm prune --omit=dev",
    "pnpm": "pnpm prune --prod",
    "yarn": "yarn install --production --ignore-scripts --prefer-offline",
    "yarn berry": "yarn workspaces focus --all --production",
}
_INSTALLS = (
    (re.compile(r"\bnpm\s+(?:ci|install|i|clean-install)\b"), " --omit=dev"),
    (re.compile(r"\bpnpm\s+(?:install|i)\b"), " --prod"),
    (re.compile(r"\byarn\s+install\b"), " --production"),
)
_PRODUCTION = re.compile(r"--omit[= ]dev|--production|--prod\b|--only[= ]prod")
_SHOWN = 3
_PLACES = ("/node_modules", "/.yarn/cache")


class MS407(Rule):
    r"""Packages that only development needs are in the image.

    ## What it does
    Finds installed Node packages that `devDependencies` need and nothing else: by the lock file of
    npm (`node_modules/.package-lock.json`, `package-lock.json`), pnpm or Yarn, without one by
    following `package.json` files. What the started program loads does not count; stages named like
    `dev` or `test`, and images with `NODE_ENV=development`, are left alone.

    ## Why is this bad
    Compilers, bundlers and test runners are often the largest part of `node_modules`, and each of
    them has to be looked after when a vulnerability is found.

    ## Example
        FROM node:20 AS build
        WORKDIR /app
        COPY . .
        RUN npm ci && npm run build
        FROM node:20-slim
        WORKDIR /app
        COPY --from=build /app ./
        CMD ["node", "dist/server.js"]

    ## Use instead
        FROM node:20 AS build
        WORKDIR /app
        COPY . .
        RUN npm ci && npm run build
        RUN npm prune --omit=dev
        FROM node:20-slim
        WORKDIR /app
        COPY --from=build /app ./
        CMD ["node", "dist/server.js"]
    """

    id = "MS407"
    title = "Node packages for development are not in the image"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield a finding for each project."""
        environment = subject.environment.get("NODE_ENV", "")
        if environment in {"development", "test"} or _DEVELOPMENT.search(subject.final.name):
            return
        for place, project in _projects(subject):
            copied = _copied(subject, place)
            found = _unneeded(subject, project, copied)
            if found is None or not found.packages:
                continue
            used = {
                directory
                for program in subject.fact(node_programs).programs
                for directory in program.loads.packages
            }
            packages = tuple(each for each in found.packages if each.path not in used)
            if packages:
                one = Unneeded(found.project, packages, found.source, found.manager)
                yield self._one(subject, place, one, copied)

    def _one(self, subject: Subject, place: str, found: Unneeded, copied: Copied | None) -> Finding:
        count = len(found.packages)
        largest = sorted(found.packages, key=lambda each: (-each.bytes, each.path))
        names = ", ".join(f"{each.name} ({size(each.bytes)})" for each in largest[:_SHOWN])
        more = f" and {count - _SHOWN} more" if count > _SHOWN else ""
        span = copied.span if copied is not None else subject.span_of(place)
        return self.finding(
            Severity.WARNING,
            f"{counted(count, 'package')} in {place} for development only: {size(found.bytes)}",
            span=span,
            path=place,
            stage=subject.final.label,
            cause=(f"{names}{more}", f"{found.source} says so"),
            fixes=_fixes(subject, place, found, copied),
        )


def _projects(subject: Subject) -> Iterator[tuple[str, str]]:
    """Yield directories with installed packages, and those of their projects."""
    for path, st in subject.image.files.entries.items():
        if st.is_dir and path.endswith(_PLACES) and path.count("/node_modules") <= 1:
            project = path[: -len("/node_modules" if path.endswith("s") else "/.yarn/cache")]
            if not project.endswith("/lib") and subject.is_new(path):
                yield path, project


def _copied(subject: Subject, place: str) -> Copied | None:
    """Return how a directory came into the image; one that a COPY made has no origin itself."""
    prefix = f"{place}/"
    inside = next((path for path in subject.image.files.entries if path.startswith(prefix)), "")
    copied = subject.copied(inside) if inside else None
    below = inside[len(place) :]
    if copied is None or not copied.source.endswith(below):
        return None
    return msgspec.structs.replace(copied, source=copied.source.removesuffix(below))


def _unneeded(subject: Subject, project: str, copied: Copied | None) -> Unneeded | None:
    modules = subject.image.fact(modules_of)
    found = None
    if modules.manifest(project) is not None or copied is None or copied.stage < 0:
        found = unneeded(modules, project)
    if found is None and copied is not None and copied.stage >= 0:
        root = subject.stage(copied.stage)
        if root is not None:
            place = posixpath.dirname(copied.source)
            found = unneeded(modules, project, root.fact(modules_of), place)
    return found


def _fixes(subject: Subject, place: str, found: Unneeded, copied: Copied | None) -> tuple[Fix, ...]:
    command = _PRUNES.get(found.manager, _PRUNES["npm"])
    if copied is not None and copied.stage >= 0:
        stage = subject.record.stages[copied.stage]
        line = max((step.end_line for step in stage.steps), default=0)
        project = posixpath.dirname(copied.source)
        if not line or any(how == "FROM" for _, how in stage.used_by):
            return advice(f"copy from a stage that runs `{command}`")
        directory = next(
            (
                step.instruction.removeprefix("WORKDIR ").strip()
                for step in reversed(stage.steps)
                if step.instruction.startswith("WORKDIR ")
            ),
            "",
        )
        before = "" if directory == project else f"cd {project} && "
        return (Fix(FixKind.INSERT, f"RUN {before}{command}", line),)
    link = subject.chain(place).links[0]
    lines = subject.record.source.split("\n")[max(link.line - 1, 0) : link.end_line]
    text = "\n".join(lines)
    for install, option in _INSTALLS:
        if install.search(text) and not _PRODUCTION.search(text):
            changed = install.sub(rf"\g<0>{option}", text)
            return (Fix(FixKind.REPLACE, changed, link.line, link.end_line),)
    return advice("install without packages for development: `npm ci --omit=dev`")
