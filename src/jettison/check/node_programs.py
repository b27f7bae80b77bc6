"""The Node programs that an image starts, and what they load.

In:  a ``Subject``.
Out: ``NodeProgram`` values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from posixpath import join

import msgspec

from jettison.analysis.entry.reached import Use
from jettison.analysis.entry.search import find_program, lookup_context
from jettison.analysis.node.addons import Addon, AddonJudge, find_node
from jettison.analysis.node.closure import Closure, closure
from jettison.analysis.node.command import (
    NodeStart,
    is_manager,
    is_node,
    node_start,
    script_commands,
    script_of,
)
from jettison.analysis.node.modules import Modules, Outcome
from jettison.analysis.node.packages import package_graph
from jettison.analysis.node.scan import How
from jettison.analysis.rootfs import Rootfs
from jettison.check.subject import Subject

_MAX_PROGRAMS = 8
_MAX_SCRIPTS = 4
_BUILTIN_NAMES = (
    ". : [ cd command echo eval exec exit export false printf set shift source test times trap"
    " true ulimit umask unset wait"
)
_BUILTINS = frozenset(_BUILTIN_NAMES.split())
_NODE_SHEBANG = (b"#!/usr/bin/env node", b"#!/usr/bin/node", b"#!/usr/local/bin/node")


class AbsentProgram(msgspec.Struct, frozen=True):
    """A program that a script of a ``package.json`` runs and that is not there.

    Args:
        name: Of the program.
        script: Of the script.
        manifest: Path of the ``package.json``.
        manager: Name of the package manager that runs it.
        is_certain: Whether it is run each time the image starts.
    """

    name: str
    script: str
    manifest: str
    manager: str
    is_certain: bool = True


class NodeProgram(msgspec.Struct, frozen=True):
    """A program.

    Args:
        command: The instruction that starts it: ``CMD`` …
        loads: What it loads.
        unfit: Directories of its packages whose add-ons cannot be loaded, each with one.
        is_certain: Whether it is started each time the image is.
    """

    command: str
    loads: Closure
    unfit: dict[str, Addon] = {}
    is_certain: bool = True


class NodePrograms(msgspec.Struct, frozen=True):
    """All of an image."""

    programs: tuple[NodeProgram, ...] = ()
    absent: tuple[AbsentProgram, ...] = ()


def modules_of(root: Rootfs) -> Modules:
    """Return what resolves in a root file system."""
    return Modules(root.files)


def node_programs(subject: Subject) -> NodePrograms:
    """Return the Node programs of an image."""
    return _Finder(subject).run()


class _Start(msgspec.Struct, frozen=True):
    use: Use
    directory: str
    node: str
    start: NodeStart


class _Finder:
    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._files = subject.image.files
        more = tuple(filter(None, subject.environment.get("NODE_PATH", "").split(":")))
        self._modules = Modules(self._files, more) if more else subject.image.fact(modules_of)
        self._context = lookup_context(subject.config)
        self._options = subject.environment.get("NODE_OPTIONS", "")
        self._absent: list[AbsentProgram] = []

    def run(self) -> NodePrograms:
        starts: dict[tuple[str, str], _Start] = {}
        for each in self._starts():
            starts.setdefault((each.directory, each.start.file), each)
        programs = [self._program(each) for each in list(starts.values())[:_MAX_PROGRAMS]]
        return NodePrograms(
            tuple(each for each in programs if each is not None), tuple(self._absent)
        )

    def _starts(self) -> Iterator[_Start]:
        directory = self._context.cwd
        for use in self._subject.reached.uses:
            yield from self._started(use, directory)

    def _started(self, use: Use, directory: str) -> Iterator[_Start]:
        if is_manager(use.name):
            yield from self._scripts(use, use.name, use.arguments, directory, 0)
        elif use.path and is_node(use.name):
            start = node_start(use.arguments, self._options)
            if start is not None and not is_manager(start.file):
                yield _Start(use, directory, use.path, start)

    def _scripts(
        self, use: Use, manager: str, arguments: Iterable[str], directory: str, depth: int
    ) -> Iterator[_Start]:
        script = script_of(manager, list(arguments))
        place, manifest = self._modules.scope(join(directory, "x"))
        if not script or manifest is None or depth > _MAX_SCRIPTS:
            return
        for argv in script_commands(manifest, script):
            name, rest = argv[0], argv[1:]
            if name == "cd":
                return
            if is_manager(name):
                yield from self._scripts(use, name, rest, place, depth + 1)
            elif name not in _BUILTINS:
                absent = AbsentProgram(
                    name, script, f"{place}/package.json", manager, use.is_certain
                )
                yield from self._run(use, argv, place, absent)

    def _run(
        self, use: Use, argv: tuple[str, ...], place: str, absent: AbsentProgram
    ) -> Iterator[_Start]:
        """Follow a command of a script; programs of packages are found before those on PATH."""
        name = argv[0]
        program = self._of_package(name, place) if "/" not in name else None
        found = find_program(self._files, name, self._context)
        if is_node(name) and found is not None and found.path:
            start = node_start(argv[1:], self._options)
            if start is not None:
                yield _Start(use, place, found.path, start)
        elif program is not None:
            node = find_program(self._files, "node", self._context)
            head = self._files.read(program, 64, whole=False) or b""
            if node is not None and node.path and head.startswith(_NODE_SHEBANG):
                yield _Start(use, place, node.path, NodeStart(program))
        elif "/" not in name and found is not None and not found.path:
            self._absent.append(absent)

    def _of_package(self, name: str, place: str) -> str | None:
        while True:
            found = self._modules.find(f"{place}/node_modules/.bin/{name}")
            if found is not None or not place:
                return found
            place = place.rpartition("/")[0]

    def _program(self, start: _Start) -> NodeProgram | None:
        entries = self._entries(start)
        if not entries or start.start.has_loader:
            return None
        loads = closure(self._modules, entries)
        unfit: dict[str, Addon] = {}
        programs = self._subject.image.programs
        elf = programs.elf(start.node)
        node = find_node(self._files, start.node, elf, self._subject.environment)
        if node is not None and loads.packages:
            judge = AddonJudge(self._files, node, programs.elf)
            unfit = judge.unfit(package_graph(self._modules, loads.packages))
        if unfit:
            loads = closure(self._modules, entries, unfit)
        return NodeProgram(start.use.command, loads, unfit, start.use.is_certain)

    def _entries(self, start: _Start) -> list[str]:
        """Return the first file and those before it; empty if it is not there."""
        origin = join(start.directory, "x")
        first = self._modules.resolve(join(start.directory, start.start.file), origin, How.REQUIRE)
        before = [self._modules.resolve(each, origin, How.REQUIRE) for each in start.start.preloads]
        if first.outcome is not Outcome.FILE:
            return []
        return [each.path for each in (first, *before) if each.outcome is Outcome.FILE]
