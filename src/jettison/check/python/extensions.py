"""Extension modules that the image's Python does not load: for another version or libc.

In:  a ``Subject``.
Out: ``Foreign``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from jettison.analysis.python.closure import Origin, closure
from jettison.analysis.python.distributions import owners
from jettison.analysis.python.lookup import lookup
from jettison.check.python.starts import PythonStart, installed, modules_of, python_starts
from jettison.check.subject import Subject

_TAG = re.compile(r"\.((?:cpython-|pypy)\d[\w-]*|abi3)\.so$")
_MAX_FOREIGN = 500
_MAX_PROVED = 10


class Foreign(msgspec.Struct, frozen=True):
    """An extension module that is not loaded.

    Args:
        start: The Python that does not.
        path: Its file.
        tag: What it is for: ``cpython-312-x86_64-linux-gnu``.
        top: The name below the directory of packages.
        label: Name and version of its distribution; empty if none says it owns it.
        is_missed: Whether it is sure to be imported when the program starts.
    """

    start: PythonStart
    path: str
    tag: str
    top: str
    label: str = ""
    is_missed: bool = False


def foreign_extensions(subject: Subject) -> tuple[Foreign, ...]:
    """Return the extensions of imported packages that the image's Pythons do not load."""
    found: dict[str, Foreign] = {}
    for start in subject.fact(python_starts):
        for each in _foreign(subject, start):
            known = found.get(each.path)
            if known is None or (each.is_missed and not known.is_missed):
                found[each.path] = each
    return tuple(found.values())


def _foreign(subject: Subject, start: PythonStart) -> Iterator[Foreign]:
    suffixes = start.start.interpreter.suffixes
    if not suffixes:
        return
    paths = list(_unloaded(subject, start, suffixes))
    if not paths:
        return
    known = owners(subject.image.fact(lookup), installed(subject, start.start).values())
    imported = {name.partition(".")[0] for name in start.closure.installed}
    used = {known[top].name for top in imported if top in known}
    wanted = [
        each
        for each in paths
        if each[1] in imported or (each[1] in known and known[each[1]].name in used)
    ]
    names = {known[top].name for _, top, _ in wanted if top in known}
    tops = {top for _, top, _ in wanted}
    begin = [top for top in imported if top in tops or (top in known and known[top].name in names)]
    missed = _missed(subject, start, sorted(begin))
    for path, top, tag in wanted:
        label = known[top].label if top in known else ""
        yield Foreign(start, path, tag, top, label, _module(path, top) in missed)


def _missed(subject: Subject, start: PythonStart, begin: list[str]) -> set[str]:
    """Return what packages are sure to miss when they are imported."""
    missing = {each.name for each in start.closure.missing}
    for top in begin[:_MAX_PROVED]:
        origin = Origin(module=top, is_main=False)
        found = closure(modules_of(subject, start.start), (origin,))
        missing |= {each.name for each in found.missing}
    return missing


def _module(path: str, top: str) -> str:
    """Return the dotted name of an extension below a package."""
    below = (top + path.rpartition("/" + top)[2]).split("/")
    return ".".join([*below[:-1], below[-1].partition(".")[0]])


def _unloaded(
    subject: Subject, start: PythonStart, suffixes: tuple[str, ...]
) -> Iterator[tuple[str, str, str]]:
    """Yield (path, name below the directory of packages, tag)."""
    sites = [site + "/" for site in start.start.path.site]
    entries = subject.image.files.entries
    count = 0
    for path in entries:
        if not path.endswith(".so"):
            continue
        found = _TAG.search(path)
        site = next((each for each in sites if path.startswith(each)), "") if found else ""
        if found is None or not site or f".{found[1]}.so" in suffixes:
            continue
        stem = path[: found.start()]
        if any(stem + each in entries for each in (*suffixes, ".py")) or not subject.is_new(path):
            continue
        count += 1
        if count > _MAX_FOREIGN:
            return
        yield path, path.removeprefix(site).partition("/")[0].partition(".")[0], found[1]
