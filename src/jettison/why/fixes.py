"""What would keep steps cached next time.

In:  a cause, the steps that ran because of it, the trace.
Out: one sentence, empty where there is nothing to be done.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

import msgspec

from jettison.copier.manifest import Find, read_selection
from jettison.plan.op import CopyOp
from jettison.why.finding import Finding
from jettison.why.trace import StepTrace, Trace, Written

_COPY = msgspec.msgpack.Decoder(CopyOp).decode
_INSTALLERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"npm (?:ci|i|install)\b", ("package.json", "package-lock.json", "npm-shrinkwrap.json")),
    (r"pnpm (?:i|install|fetch)\b", ("package.json", "pnpm-lock.yaml", "pnpm-workspace.yaml")),
    (r"yarn(?: install)?(?: --\S+)*\s*(?:$|&|;)", ("package.json", "yarn.lock", ".yarnrc.yml")),
    (r"bun install\b", ("package.json", "bun.lockb", "bun.lock")),
    (r"pip3? install .*-r ?", ("requirements*.txt", "constraints*.txt")),
    (r"poetry install\b", ("pyproject.toml", "poetry.lock")),
    (r"uv sync\b", ("pyproject.toml", "uv.lock")),
    (r"pipenv (?:install|sync)\b", ("Pipfile", "Pipfile.lock")),
    (r"go mod download\b", ("go.mod", "go.sum")),
    (r"cargo (?:fetch|chef)\b", ("Cargo.toml", "Cargo.lock")),
    (r"bundle (?:install|check)\b", ("Gemfile", "Gemfile.lock")),
    (r"composer install\b", ("composer.json", "composer.lock")),
    (r"mvnw? .*dependency:", ("pom.xml",)),
    (r"gradlew? .*dependencies\b", ("build.gradle*", "settings.gradle*", "gradle.lockfile")),
    (r"dotnet restore\b", ("*.csproj", "*.fsproj", "*.sln", "packages.lock.json")),
    (r"mix deps\.get\b", ("mix.exs", "mix.lock")),
)
"""Commands that install what others wrote, and the files that say what that is."""

_LITTER = (
    *(".git", ".hg", ".svn", ".gitignore", ".github", ".gitlab-ci.yml", ".dockerignore"),
    *("Dockerfile*", "*.Dockerfile", "Containerfile*", "docker-compose*.y*ml", "compose*.y*ml"),
    *("node_modules", "__pycache__", "*.pyc", ".venv", "venv", ".tox", ".mypy_cache"),
    *(".pytest_cache", ".ruff_cache", ".idea", ".vscode", ".DS_Store", "*.swp", "*~", "*.log"),
    *(".env", "coverage", ".coverage", "README*", "CHANGELOG*", "LICENSE*", "docs"),
)
"""Names that images seldom need, by the first or last component of a path."""

_SHARED = 0o077
_OCTAL = 8


def fix_of(finding: Finding, steps: Sequence[StepTrace], trace: Trace, find: Find) -> str:
    """Return what to do about a cause.

    Args:
        finding: It.
        steps: Those that ran because of it.
        trace: Of the build.
        find: What digests in keys are of.
    """
    match finding.cause:
        case "no-cache":
            return f"leave `{finding.subject.partition(' ')[0]}` out"
        case "pruned":
            return "give the cache more room with the setting `keep_bytes`, if nobody pruned it"
        case "base-moved":
            return _pin(finding)
        case "download":
            return "`ADD --checksum=` lets the file change only when you say so"
        case "argument" | "environment":
            return _later(finding, steps, trace)
        case "instruction-added" | "instruction-moved":
            return _below(finding, steps)
        case "file-mode":
            return _modes(finding)
        case cause if cause.startswith("file") or cause == "link-target":
            return _files(finding, steps, trace, find)
        case _:
            return ""


def _pin(finding: Finding) -> str:
    if "@" in finding.subject:
        return ""
    return f"name it by digest, `{finding.subject}@sha256:…`, to decide yourself when it moves"


def _modes(finding: Finding) -> str:
    pairs = [
        (int(each.before, _OCTAL), int(each.after, _OCTAL)) for each in finding.files if each.before
    ]
    if pairs and all((one ^ two) & ~_SHARED == 0 for one, two in pairs):
        return (
            "git keeps only the executable bit, the rest is the umask of the checkout:"
            " `umask 022` before it, or `COPY --chmod=`"
        )
    return "set modes with `COPY --chmod=`, so that those of the checkout do not count"


def _later(finding: Finding, steps: Sequence[StepTrace], trace: Trace) -> str:
    """Advise to set a variable below the steps that do not name it."""
    first = min((stage.line for stage in trace.stages if stage.index >= 0), default=0)
    if finding.line < first or not finding.line or not steps:
        return ""  # before the first FROM it is for FROM
    texts = _texts(trace)
    name = re.compile(rf"(?<!\w){re.escape(finding.subject)}(?!\w)")
    idle = [each for each in steps if not name.search(_text(each, texts))]
    if not idle or idle[0] != steps[0]:
        return ""
    last = idle[0]
    for each in steps:
        if each.stage != last.stage or name.search(_text(each, texts)):
            break
        last = each
    what = f"`{finding.subject}` (line {finding.line})"
    return f"set {what} below line {last.line}, if what runs there does not read it"


def _below(finding: Finding, steps: Sequence[StepTrace]) -> str:
    others = [each for each in steps if each.vertex != finding.vertex and each.kind == "exec"]
    dear = max(others, key=lambda each: each.duration_ns, default=None)
    if dear is None or dear.duration_ns < 10**9:
        return ""
    return f"put it below line {dear.line}, if that does not need it"


def _files(finding: Finding, steps: Sequence[StepTrace], trace: Trace, find: Find) -> str:
    litter = _litter(finding)
    if litter:
        return f"leave {_listed(litter)} out with the ignore file"
    copy = next((each for each in steps if each.vertex == finding.vertex), None)
    if copy is None or copy.kind != "copy":
        return ""
    texts = _texts(trace)
    for each in steps:
        text = _text(each, texts)
        files = _wanted(text) if each.kind == "exec" else ()
        if not files or any(_is_one_of(change.path, files) for change in finding.files):
            continue
        there = _there(copy, files, find)
        if there:
            command = text.partition("\n")[0]
            return f"copy {_listed(there)} before line {copy.line}, and `{command}` between the two"
    return ""


def _wanted(text: str) -> tuple[str, ...]:
    return next((files for command, files in _INSTALLERS if re.search(command, text)), ())


def _is_one_of(path: str, names: Sequence[str]) -> bool:
    return any(fnmatchcase(path.rpartition("/")[2], name) for name in names)


def _there(copy: StepTrace, names: Sequence[str], find: Find) -> list[str]:
    """Return the files of some names that a COPY takes."""
    digest = dict(copy.components).get("selected files")
    selection = read_selection(digest, _COPY(copy.op), find) if digest else None
    if selection is None:
        return []
    known = dict(selection.files)
    for directory in sorted(selection.directories, key=lambda each: each.count("/"))[:1]:
        known |= selection.below(directory) or {}
    return sorted(path for path in known if _is_one_of(path, names))


def _litter(finding: Finding) -> list[str]:
    """Return the names to be left out, if these are all that changed."""
    found: dict[str, None] = {}
    for each in finding.files:
        parts = each.path.rstrip("/").split("/")
        for part in (parts[0], parts[-1], *parts[1:-1]):
            if any(fnmatchcase(part, name) for name in _LITTER):
                found[part if part != parts[-1] or len(parts) == 1 else each.path.rstrip("/")] = (
                    None
                )
                break
        else:
            return []
    return list(found)


def _listed(names: Sequence[str]) -> str:
    shown = [f"`{name}`" for name in names[:3]]
    if len(names) > len(shown):
        shown.append(f"{len(names) - len(shown)} more")
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else shown[0]


def _texts(trace: Trace) -> dict[str, Written]:
    return dict(_became(trace))


def _became(trace: Trace) -> Iterator[tuple[str, Written]]:
    for stage in trace.stages:
        yield from ((each.vertex, each) for each in stage.instructions if each.vertex)


def _text(step: StepTrace, texts: dict[str, Written]) -> str:
    written = texts.get(step.vertex)
    return written.text if written is not None else step.name
