"""Changes of a Dockerfile that give a Python what it misses.

In:  a ``Subject``, directories.
Out: ``Fix``.
"""

from __future__ import annotations

import re

import msgspec

from jettison.analysis.python.lookup import Lookup, lookup
from jettison.analysis.python.search_path import site_directories
from jettison.analysis.python.starts import Start
from jettison.check.python.places import versions
from jettison.check.subject import Copied, Subject
from jettison.findings.finding import Fix, FixKind

_FROM = re.compile(r"^(\s*FROM\s+(?:--\S+\s+)*)(\S+)(.*)$", re.IGNORECASE)
_SHELLS = ("/bin/sh", "/usr/bin/sh", "/bin/bash")
_MAX_NAMES = 50
_SPACE = re.compile(r"[\s\"]")


def copy_line(stage: str, source: str, target: str) -> str:
    """Return a COPY from a stage."""
    if _SPACE.search(source + target):
        return f'COPY --from={stage} ["{source}", "{target}"]'
    return f"COPY --from={stage} {source} {target}"


def copied_directory(subject: Subject, directory: str) -> Copied | None:
    """Return the copy that brought what is in a directory; None if no copy did.

    A directory that a COPY names as its target is made by it, and not itself copied.
    """
    names = subject.image.fact(lookup).names(directory)
    for name in names[:_MAX_NAMES]:
        copied = subject.copied(f"{directory}/{name}")
        if copied is not None and copied.source.endswith(f"/{name}"):
            source = copied.source.removesuffix(f"/{name}")
            return msgspec.structs.replace(copied, path=directory, source=source)
    return None


def put(subject: Subject, text: str, line: int = 0) -> Fix:
    """Return a fix that puts lines behind one of the final stage, or at its end."""
    lines = [range(each.line, each.end_line + 1) for each in subject.final.steps]
    if line and any(line in each for each in lines):
        return Fix(FixKind.INSERT, text, line)
    return Fix(FixKind.INSERT, text, subject.end)


def usual_site(look: Lookup, start: Start) -> str:
    """Return where packages for a Python belong; it may not exist."""
    first = next(site_directories(start.interpreter, start.venv))
    return look.directory(first) or first


def replaced_copy(subject: Subject, copied: Copied, target: str) -> Fix:
    """Return a fix that makes a COPY put something where it is found.

    A COPY of several sources, or of a directory above, is left as it is; another one follows it.
    """
    source = subject.record.source.split("\n")[copied.line - 1 : copied.end_line]
    text = copy_line(copied.name, copied.source, target)
    words = " ".join(source).split()
    if len(source) == 1 and len(words) == 4 and words[2].rstrip("/") == copied.source:
        return Fix(FixKind.REPLACE, text, copied.line, copied.end_line)
    return put(subject, text, copied.end_line)


def same_base(subject: Subject, stage: int, version: str) -> tuple[Fix, ...]:
    """Return fixes that give a stage the Python that the image has.

    Args:
        subject: The image.
        stage: Index of the stage that packages were installed in.
        version: Of the image's Python.
    """
    builder, final = subject.record.stages[stage], subject.final
    lines = subject.record.source.split("\n")
    found = _FROM.match(lines[builder.line - 1]) if 0 < builder.line <= len(lines) else None
    root = subject.stage(stage)
    theirs = versions(root) if root is not None else ()
    wanted = f"install the packages with Python {version}, as the image has"
    if theirs:
        wanted += f"; stage `{builder.label}` has {', '.join(theirs)}"
    advice = Fix(FixKind.ADVICE, wanted)
    if found is None or builder.parent >= 0 or "$" in found[2] or version in theirs:
        return (advice,)
    if _repository(found[2]) != _repository(final.base_name) or final.parent >= 0:
        return (advice,)
    text = f"{found[1]}{final.base_name}{found[3]}"
    return (Fix(FixKind.REPLACE, text, builder.line), advice)


def _repository(reference: str) -> str:
    name = reference.partition("@")[0]
    head, slash, last = name.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}".removeprefix("docker.io/").removeprefix(
        "library/"
    )


def has_shell(subject: Subject) -> bool:
    """Tell whether a RUN works in the final stage."""
    return any(subject.image.files.find(each) is not None for each in _SHELLS)


def weight(subject: Subject, stage: int, directory: str) -> str:
    """Return what a directory of a stage holds, for people; empty if it is not known."""
    root = subject.stage(stage)
    place = root.fact(lookup).directory(directory) if root is not None else None
    if root is None or not place:
        return ""
    size, count = root.files.total(place)
    return f"{count} files, {size / 1e6:.1f} MB"
