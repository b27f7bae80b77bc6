"""What kinds of rules an image is a matter of.

In:  a ``Subject``.
Out: ``Relevance`` values. A kind that is not there has nothing that its rules could be about.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable

from jettison.check.layer_facts import LayerFact
from jettison.check.subject import Subject
from jettison.fs.listing import Listing
from jettison.provenance.record import StepKind


class Relevance(enum.Enum):
    """What an image has to have for a rule to find anything."""

    ANY = "any"
    COPIES = "copies"
    PROGRAMS = "programs"
    LOADS = "loads"
    SLOW = "slow"
    PYTHON = "python"
    NODE = "node"
    RUNTIMES = "runtimes"


ANY, COPIES, PROGRAMS = Relevance.ANY, Relevance.COPIES, Relevance.PROGRAMS
LOADS, SLOW = Relevance.LOADS, Relevance.SLOW
PYTHON, NODE, RUNTIMES = Relevance.PYTHON, Relevance.NODE, Relevance.RUNTIMES

SELDOM = frozenset({PYTHON, NODE, RUNTIMES, SLOW})
"""Those that few images have together: their rules are loaded when they are needed."""

SIZELESS = frozenset({PYTHON, NODE, RUNTIMES, LOADS})
"""Those whose rules have no business with the sizes of all files."""

_ENDS = {
    PYTHON: ("/python", "/python3", "/pyvenv.cfg", "/site-packages", "/dist-packages"),
    NODE: ("/node", "/nodejs", "/node_modules", "/package.json", ".node"),
    RUNTIMES: (
        *("/java", "/dotnet", ".runtimeconfig.json", "/ruby", "/rubygems", "/gems", "/php"),
        *("/php.ini", "/vendor"),
    ),
}
_RUNTIMES = ("java", "dotnet", "ruby", "php", "rake", "rackup", "rails", "bundle", "puma")


def kinds_of(subject: Subject) -> frozenset[Relevance]:
    """Return what an image has."""
    found = {ANY}
    files = subject.image.files
    if any(step.kind is StepKind.COPY for step in subject.record.steps):
        found.add(COPIES)
    if any(step.duration_ns for step in subject.record.steps):
        found.add(SLOW)
    if files.programs:
        found.add(PROGRAMS)
        if _is_any_loaded(subject):
            found.add(LOADS)
    for position in range(len(subject.provenance.image.layers)):
        names = subject.of_layer(_LANGUAGES, subject.record.target, position) or ()
        found |= {Relevance(each) for each in names}
    called = [use.name.rpartition("/")[2] for use in subject.reached.uses]
    if any(name.startswith("python") for name in called):
        found.add(PYTHON)
    if any(name.startswith(_RUNTIMES) for name in called):
        found.add(RUNTIMES)
    return frozenset(found)


def _is_any_loaded(subject: Subject) -> bool:
    """Tell whether the image starts, or the build brought, more than programs that need nothing."""
    started = set(subject.reached.paths)
    for path, elf in subject.image.programs.elves.items():
        is_plain = elf.is_static and elf.architecture == subject.platform.architecture
        if is_plain and not (elf.fault or elf.isa or (elf.kernel and path in started)):
            continue
        if path in started or subject.is_new(path):
            return True
    return False


def _languages(listing: Listing) -> list[str]:
    return [kind.value for kind, ends in _ENDS.items() if _has(listing.paths, ends)]


def _has(paths: Iterable[str], ends: tuple[str, ...]) -> bool:
    return any(path.endswith(ends) for path in paths)


_LANGUAGES = LayerFact("languages 1", _languages, list[str])
