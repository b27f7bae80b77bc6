"""Modules that a program misses, and where each is: the rules about Python share this.

In:  a ``Subject``.
Out: ``Lost``: each missing module once, under the one rule that explains it best.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator

import msgspec

from jettison.analysis.files import Files
from jettison.analysis.python.closure import Missing
from jettison.analysis.python.lookup import Lookup, lookup
from jettison.analysis.python.search_path import PthLine
from jettison.analysis.python.venvs import Venv, venvs
from jettison.analysis.rootfs import Rootfs
from jettison.check.python.places import Place, places
from jettison.check.python.starts import PythonStart, python_starts
from jettison.check.subject import Subject

_MAX_LOST = 200


class Why(enum.Enum):
    """Why a module is not found."""

    VENV = "its virtual environment is broken"
    EDITABLE = "it is installed as a link to sources that are not here"
    ABI = "it is an extension for another interpreter"
    ELSEWHERE = "it is where the interpreter does not look"
    LEFT = "it stayed in another stage"
    SOURCE = "a module of the program itself stayed in another stage"
    NOWHERE = "nothing here has it"


class Lost(msgspec.Struct, frozen=True):
    """A module that is missing.

    Args:
        start: The Python that misses it.
        missing: What imports it.
        why: Why it is not found.
        place: Where it is.
        stage: Index of the stage that has it; -1 for the image.
        line: Of the file that leads to its sources.
        path: Of the extension.
    """

    start: PythonStart
    missing: Missing
    why: Why
    place: Place | None = None
    stage: int = -1
    line: PthLine | None = None
    path: str = ""

    @property
    def directory(self) -> str:
        """Where it is."""
        return self.place.directory if self.place is not None else ""


def lost_modules(subject: Subject) -> tuple[Lost, ...]:
    """Return what the Pythons miss that an image starts."""
    found: dict[tuple[str, str], Lost] = {}
    for start in subject.fact(python_starts):
        search = _Search(subject, start)
        for missing in start.closure.missing[:_MAX_LOST]:
            key = (start.start.program, missing.name)
            if key not in found:
                found[key] = search.lost(missing)
    return tuple(found.values())


def sources_of(subject: Subject) -> list[int]:
    """Return the indexes of the stages that a module may have stayed in, likely ones first."""
    final = subject.final
    copied = [each.source for each in final.steps if each.source >= 0]
    needed = [each.index for each in reversed(subject.record.stages) if each.needed]
    return [each for each in dict.fromkeys((*copied, *needed)) if each != final.index]


class _Search:
    """Looks for what one Python misses.

    Args:
        subject: The image.
        start: That Python.
    """

    def __init__(self, subject: Subject, start: PythonStart) -> None:
        self.subject = subject
        self.start = start
        self.image = subject.image
        self.look: Lookup = self.image.fact(lookup)
        self.files: Files = self.image.files
        self.names = frozenset(each.name.partition(".")[0] for each in start.closure.missing)
        self._places: dict[int, dict[str, list[Place]]] = {}

    def lost(self, missing: Missing) -> Lost:
        """Return why a module is not found."""
        for find in (self._venv, self._editable, self._foreign, self._elsewhere):
            found = find(missing)
            if found is not None:
                return found
        for index in sources_of(self.subject):
            found = self._left(missing, index) or self._source(missing, index)
            if found is not None:
                return found
        return Lost(self.start, missing, Why.NOWHERE)

    def _venv(self, missing: Missing) -> Lost | None:
        for one in self.image.fact(_broken_venvs):
            if one.site and self._has(self.look, one.site, missing.name):
                return Lost(self.start, missing, Why.VENV, Place(one.site, one.version))
        return None

    def _editable(self, missing: Missing) -> Lost | None:
        name = missing.name.partition(".")[0]
        for line in self.start.start.path.lines:
            if line.found or line.name not in {"", name}:
                continue
            if line.name:
                return Lost(self.start, missing, Why.EDITABLE, line=line)
            for index, root in self._stages():
                if self._has(root.fact(lookup), line.target, missing.name):
                    return Lost(self.start, missing, Why.EDITABLE, stage=index, line=line)
        return None

    def _foreign(self, missing: Missing) -> Lost | None:
        parent, _, last = missing.name.rpartition(".")
        above = "/" + parent.replace(".", "/") if parent else ""
        for entry in self.start.start.path.entries:
            directory = self.look.directory(entry + above)
            for name in self.look.names(directory) if directory is not None else ():
                if name.startswith(last + ".") and name.endswith(".so"):
                    path = f"{directory}/{name}"
                    return Lost(self.start, missing, Why.ABI, Place(entry), path=path)
        return None

    def _elsewhere(self, missing: Missing) -> Lost | None:
        entries = set(self.start.start.path.entries)
        for place in self._in(-1, missing.name):
            is_known = place.directory in entries or not place.is_site
            if not is_known and self.subject.is_new(place.directory):
                return Lost(self.start, missing, Why.ELSEWHERE, place)
        return None

    def _left(self, missing: Missing, index: int) -> Lost | None:
        found = [each for each in self._in(index, missing.name) if each.is_site]
        return Lost(self.start, missing, Why.LEFT, found[0], index) if found else None

    def _source(self, missing: Missing, index: int) -> Lost | None:
        """Find a module beside the place that what imports it was copied from."""
        copied = self.subject.copied(missing.path) if missing.path else None
        root = self.subject.stage(index)
        if copied is None or copied.stage != index or root is None:
            return None
        for entry in self.start.start.path.entries:
            below = missing.path.removeprefix(entry)
            if below == missing.path or not copied.source.endswith(below):
                continue
            directory = copied.source.removesuffix(below)
            if self._has(root.fact(lookup), directory, missing.name):
                return Lost(self.start, missing, Why.SOURCE, Place(directory), index)
        return None

    def _stages(self) -> Iterator[tuple[int, Rootfs]]:
        for index in sources_of(self.subject):
            root = self.subject.stage(index)
            if root is not None:
                yield index, root

    def _in(self, index: int, name: str) -> list[Place]:
        """Return where the image (-1) or a stage has a module."""
        root = self.image if index < 0 else self.subject.stage(index)
        if root is None:
            return []
        if index not in self._places:
            self._places[index] = places(root, self.names)
        found = self._places[index].get(name.partition(".")[0], [])
        if "." not in name:
            return found
        return [each for each in found if self._has(root.fact(lookup), each.directory, name)]

    @staticmethod
    def _has(look: Lookup, directory: str, name: str) -> bool:
        path = f"{directory}/{name.replace('.', '/')}"
        if look.has(path) or look.has(path + ".py"):
            return True
        place = look.directory(path.rpartition("/")[0])
        last = path.rpartition("/")[2] + "."
        names = look.names(place) if place is not None else ()
        return any(each.startswith(last) and each.endswith(".so") for each in names)


def _broken_venvs(root: Rootfs) -> tuple[Venv, ...]:
    return tuple(each for each in root.fact(all_venvs) if each.dangling)


def all_venvs(root: Rootfs) -> tuple[Venv, ...]:
    """Return the virtual environments of a tree."""
    return venvs(root.files)
