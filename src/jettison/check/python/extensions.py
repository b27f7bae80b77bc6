"""Extension modules that the image's Python does not load: for another version or libc.

In:  a ``Subject``.
Out: ``Foreign``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from jettison.analysis.elf.model import Elf
from jettison.analysis.python.closure import Origin, closure
from jettison.analysis.python.lookup import lookup
from jettison.analysis.python.modules import Modules
from jettison.check.python.required import Distributions
from jettison.check.python.starts import PythonStart, python_starts
from jettison.check.subject import Subject

_TAG = re.compile(r"\.((?:cpython-|pypy)\d[\w-]*|abi3)\.so$")
_MAX_FOREIGN = 500
_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/lib/x86_64-linux-gnu")


class Foreign(msgspec.Struct, frozen=True):
    """An extension module that is not loaded.

    Args:
        start: The Python that does not.
        path: Its file.
        tag: What it is for: ``cpython-312-x86_64-linux-gnu``, ``musl``.
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
    if not start.start.interpreter.suffixes:
        return
    unloaded = list(_unloaded(subject, start))
    if not unloaded:
        return
    have = Distributions(subject, start)
    used = {each.distribution.name for each in have.used()}
    tops = {top for top, one in have.owners.items() if one.name in used} | have.imported
    wanted = [each for each in unloaded if each[1] in tops]
    missed = _missed(subject, start, have.imported, tops, [path for path, _, _ in wanted])
    for path, top, tag in wanted:
        label = have.owners[top].label if top in have.owners else ""
        yield Foreign(start, path, tag, top, label, _module(path, top) in missed)


def _missed(
    subject: Subject, start: PythonStart, imported: set[str], own: set[str], without: list[str]
) -> set[str]:
    """Return what is sure to be missed when the packages are imported that a program imports."""
    if not without:
        return set()
    look = subject.image.fact(lookup)
    modules = Modules(look, start.start.interpreter, start.start.path, without)
    origins = tuple(Origin(module=top, is_main=False) for top in sorted(imported))
    found = closure(modules, origins, own)
    return {each.name for each in (*found.missing, *start.closure.missing)}


def _module(path: str, top: str) -> str:
    """Return the dotted name of an extension below a package."""
    below = (top + path.rpartition("/" + top)[2]).split("/")
    return ".".join([*below[:-1], below[-1].partition(".")[0]])


def _unloaded(subject: Subject, start: PythonStart) -> Iterator[tuple[str, str, str]]:
    """Yield (path, name below the directory of packages, what it is for)."""
    sites = [site + "/" for site in start.start.path.site]
    suffixes = start.start.interpreter.suffixes
    entries = subject.image.files.entries
    count = 0
    for path in entries:
        if not path.endswith(".so"):
            continue
        site = next((each for each in sites if path.startswith(each)), "")
        if not site:
            continue
        found = _TAG.search(path)
        tag = found[1] if found else ""
        if not tag or f".{tag}.so" in suffixes:
            tag = _other_libc(subject, start, path)
        elif found and any(path[: found.start()] + each in entries for each in (*suffixes, ".py")):
            continue
        if not tag or not subject.is_new(path):
            continue
        count += 1
        if count > _MAX_FOREIGN:
            return
        yield path, path.removeprefix(site).partition("/")[0].partition(".")[0], tag


def _other_libc(subject: Subject, start: PythonStart, path: str) -> str:
    """Return the C library that an extension needs, if it is not that of the interpreter."""
    libc = start.start.interpreter.libc
    program = subject.image.programs.find(path)
    if not libc or not isinstance(program, Elf):
        return ""
    if libc == "gnu" and any(each.startswith("libc.musl-") for each in program.needed):
        return "musl"
    needs_glibc = libc == "musl" and "libc.so.6" in program.needed
    files = subject.image.files
    stands_in = needs_glibc and any(files.find(f"{each}/libc.so.6") for each in _LIBRARIES)
    return "glibc" if needs_glibc and not stands_in else ""
