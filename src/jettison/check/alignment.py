"""Fixes that make two stages agree: other base images, libraries that are copied along.

In:  a ``Subject``, a ``Load``.
Out: ``Fix`` values.
"""

from __future__ import annotations

import re

from jettison.analysis.elf.model import Elf
from jettison.analysis.loader.base import Closure, Loaded
from jettison.analysis.loader.closure import loader_of
from jettison.analysis.loader.system import System
from jettison.check.loads import Load, environment_of, here, there
from jettison.check.subject import Subject
from jettison.findings.finding import Fix, FixKind
from jettison.provenance.record import StageRecord

_FROM = re.compile(r"(\s*FROM\s+(?:--\S+\s+)*)(\S+)(.*)", re.IGNORECASE)
_WITH_CODENAMES = frozenset({
    *("buildpack-deps", "gcc", "golang", "haskell", "mysql", "nginx", "node", "openjdk", "perl"),
    *("php", "postgres", "python", "redis", "ruby", "rust", "swift"),
})  # fmt: skip
"""Official images whose tags may end with the name of a Debian release."""
_PLAIN = re.compile(r"[\w./+@:~-]+")
_MAX_COPIES = 24


def base_stage(subject: Subject, index: int) -> StageRecord:
    """Return the stage whose FROM names the image that a stage begins with."""
    stage = subject.record.stages[index]
    while stage.parent >= 0:
        stage = subject.record.stages[stage.parent]
    return stage


def rebase(subject: Subject, stage: StageRecord, image: str) -> Fix | None:
    """Return the fix that lets a stage begin with another image; None if its FROM is not plain."""
    lines = subject.record.source.split("\n")
    if not 0 < stage.line <= len(lines) or not image:
        return None
    found = _FROM.fullmatch(lines[stage.line - 1])
    if found is None or "$" in found[2] or found[3].rstrip().endswith("\\") or image == found[2]:
        return None
    return Fix(FixKind.REPLACE, f"{found[1]}{image}{found[3]}", stage.line)


def same_base(subject: Subject, load: Load) -> tuple[Fix, ...]:
    """Return fixes that make the image and the stage that something was built in one system."""
    if load.copied is None or load.copied.stage < 0:
        return ()
    ours = base_stage(subject, subject.record.target)
    theirs = base_stage(subject, load.copied.stage)
    if ours.index == theirs.index:
        return ()
    system, other = here(subject), there(subject, load.copied)
    fixes = [
        rebase(subject, theirs, _with_codename(theirs.base_name, system, other)),
        rebase(subject, ours, _with_codename(ours.base_name, other, system)),
        rebase(subject, ours, theirs.base_name),
    ]
    return tuple(dict.fromkeys(fix for fix in fixes if fix is not None))


def copies(subject: Subject, load: Load) -> tuple[Fix, ...]:
    """Return the fix that copies what is loaded where something came from, and is not here."""
    copied, source = load.copied, load.there
    if copied is None or source is None or copied.stage < 0 or source.missing or source.unmet:
        return ()
    own = _own(subject, load.closure, source)
    wanted = [each for each in source.loaded[1:] if each.name not in own]
    if not 0 < len(wanted) <= _MAX_COPIES or not _are_met(own, wanted):
        return ()
    lines = []
    for each in wanted:
        target = _target(subject, each)
        if not _PLAIN.fullmatch(each.path) or not _PLAIN.fullmatch(target):
            return ()
        lines.append(f"COPY --from={copied.name} {each.path} {target}")
    return (Fix(FixKind.INSERT, "\n".join(lines), copied.end_line),)


def after_from(subject: Subject, index: int, text: str) -> Fix:
    """Return the fix that puts an instruction at the begin of a stage."""
    return Fix(FixKind.INSERT, text, subject.record.stages[index].line)


def _with_codename(image: str, wanted: System | None, other: System | None) -> str:
    """Return an image's name with the tag for a release of Debian; empty if there is none known."""
    if wanted is None or not wanted.codename or image.count(":") > 1 or "@" in image:
        return ""
    name, _, tag = image.partition(":")
    if other is not None and other.codename and other.codename != wanted.codename:
        if other.codename in tag:
            return f"{name}:{tag.replace(other.codename, wanted.codename)}"
        if name in _WITH_CODENAMES and wanted.id == "debian" and "alpine" not in tag:
            return f"{name}:{tag}-{wanted.codename}" if tag not in {"", "latest"} else ""
    return ""


def _own(subject: Subject, closure: Closure, source: Closure) -> dict[str, Elf]:
    """Return the libraries that the image has of those that are loaded elsewhere, by name."""
    own = {each.name: each.elf for each in closure.loaded if each.name}
    own |= {each.elf.soname: each.elf for each in closure.loaded if each.elf.soname}
    loader = subject.image.fact(loader_of)
    for interp in loader.interps(subject.platform.architecture)[:1]:
        for each in source.loaded[1:]:
            if each.name not in own and "/" not in each.name:
                found = loader.library(each.name, interp, environment_of(subject))
                if found is not None:
                    own[each.name] = found
    return own


def _are_met(own: dict[str, Elf], wanted: list[Loaded]) -> bool:
    """Tell whether the libraries that are here define what those that are copied need of them."""
    for each in wanted:
        for library, versions in each.elf.needs.items():
            provider = own.get(library)
            if provider is None or not provider.has_versions:
                continue
            if set(versions) - set(provider.defines):
                return False
    return True


def _target(subject: Subject, loaded: Loaded) -> str:
    """Return where a library has to be to be found."""
    if "/" in loaded.name:
        return loaded.name
    directory = loaded.path.rpartition("/")[0]
    interps = subject.image.fact(loader_of).interps(subject.platform.architecture)
    searched = interps[0].directories if interps else ()
    plain = {each.removeprefix("/usr") for each in searched}
    if not searched or directory in searched or directory.removeprefix("/usr") in plain:
        return f"{directory}/{loaded.name}"
    return f"{searched[-1]}/{loaded.name}"
