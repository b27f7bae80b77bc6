"""What a program imports, followed through its own sources.

In:  a search path, where the program begins.
Out: ``Closure``: modules that were reached, and what is missing.

First all that lines of import may mean is followed, which is fast. Only if something is not found
sources are parsed: those that lack it, and those that lead there along what is sure to run. What
is reported as missing is missed when the program starts. Packages that are installed are not
looked into; what they need is what their distributions require.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator

import msgspec

from jettison.analysis.python.imports import (
    MAX_SOURCE,
    Guards,
    Import,
    named_imports,
    sure_imports,
)
from jettison.analysis.python.modules import Module, Modules

MAX_MODULES = 5000
_MAX_READ = 16 << 20
_MAX_PARSED = 2 << 20
_TEXT = "<string>"
"""What Python calls the text of ``-c``."""
_OPEN = (b"sys.path", b"sys.modules[", b"meta_path", b"addsitedir", b"__path__", b"path_hooks")
"""Sources with one of these change where modules come from."""
_MAKES = (b"sys.modules", b"meta_path", b"__path__")
"""Sources with one of these may have modules below them that are no files."""


class Origin(msgspec.Struct, frozen=True):
    """Where a program begins.

    Args:
        path: Of a script; empty for anything else.
        module: Dotted name of a module; empty for anything else.
        source: Text of ``python -c``.
        is_main: Whether it runs as ``__main__``; what gunicorn is given does not.
        is_own: Whether what it names is the program itself, also where it is installed.
    """

    path: str = ""
    module: str = ""
    source: str = ""
    is_main: bool = True
    is_own: bool = True


class Missing(msgspec.Struct, frozen=True):
    """A module that an import does not find.

    Args:
        name: Dotted, as far as it is missing: of ``a.b.c`` it is ``a`` if there is no ``a``.
        path: Of the source that imports it; empty if the command line names it.
        line: In that source.
        chain: Sources from the beginning to that one.
    """

    name: str
    path: str = ""
    line: int = 0
    chain: tuple[str, ...] = ()


class Closure(msgspec.Struct, frozen=True):
    """What a program imports.

    Args:
        sources: Its own sources, by path.
        installed: Modules at the top of installed packages, by name to where they are.
        missing: What is sure to be missed when it starts.
        is_open: Whether sources change where modules come from, so that nothing is sure.
        is_whole: Whether nothing was left out for a limit.
    """

    sources: tuple[str, ...] = ()
    installed: dict[str, Module] = {}
    missing: tuple[Missing, ...] = ()
    is_open: bool = False
    is_whole: bool = True


def closure(modules: Modules, origins: tuple[Origin, ...], own: Collection[str] = ()) -> Closure:
    """Return what a program imports that begins somewhere.

    Args:
        modules: Finds them.
        origins: Where it begins.
        own: Installed packages that are followed like its own.
    """
    walk = _Walk(modules, own)
    return walk.closure(origins)


class _Walk:
    def __init__(self, modules: Modules, own: Collection[str]) -> None:
        self.modules = modules
        self.files = modules.lookup.files
        self.sources: dict[str, bytes] = {}
        self._sources: dict[str, bytes] = {}
        self.left = _MAX_READ
        self.left_to_parse = _MAX_PARSED
        self.is_whole = True
        self.is_open = modules.path.is_open
        self.installed: dict[str, Module] = {}
        self.lacking: dict[str, str] = {}
        self.importers: dict[str, set[str]] = {}
        self._parsed: dict[tuple[str, bool], tuple[Import, ...]] = {}
        self.own = set(own)
        self.texts: dict[str, bytes] = {}
        self._version = tuple(int(each) for each in modules.interpreter.version.split("."))

    def closure(self, origins: tuple[Origin, ...]) -> Closure:
        begin = list(self._begin(origins))
        self._follow_lines(begin)
        missing = tuple(self._sure(begin))
        return Closure(tuple(self.sources), self.installed, missing, self.is_open, self.is_whole)

    def _begin(self, origins: tuple[Origin, ...]) -> Iterator[tuple[str, str, bool, str]]:
        """Yield (path, name, is main, module that is missing)."""
        for origin in origins:
            if origin.is_own:
                self._take_own(origin)
            if origin.source:
                self.texts[_TEXT] = origin.source.encode("utf-8", "replace")
                yield _TEXT, "__main__", True, ""
                continue
            if origin.path:
                yield origin.path, "__main__", origin.is_main, ""
                continue
            for found, lacking in self._reach(Import(origin.module), ""):
                if lacking:
                    yield "", "", False, lacking
                elif found is not None:
                    is_main = origin.is_main and found.name == origin.module
                    yield found.path, found.name, is_main, ""
            main = self.modules.find(f"{origin.module}.__main__") if origin.is_main else None
            if main is not None and main.kind == "source" and self._is_own(main):
                yield main.path, main.name, True, ""

    def _take_own(self, origin: Origin) -> None:
        """Note what a program that is installed consists of: what its script imports."""
        if origin.module:
            self.own.add(origin.module.partition(".")[0])
        elif origin.path.rpartition("/")[0].endswith("/bin"):
            source = self.files.read(origin.path, MAX_SOURCE) or b""
            self.own.update(each.module.partition(".")[0] for each in named_imports(source))

    # ------------------------------------------------------------------ fast and too much

    def _follow_lines(self, begin: list[tuple[str, str, bool, str]]) -> None:
        pending = deque((path, name) for path, name, _, _ in begin if path)
        while pending:
            path, name = pending.popleft()
            if path in self.sources:
                continue
            if len(self.sources) >= MAX_MODULES:
                self.is_whole = False
                return
            source = self.sources[path] = self._source(path)
            self.is_open = self.is_open or any(word in source for word in _OPEN)
            package = self._package(path, name)
            for each in named_imports(source):
                for found, lacking in self._reach(each, package):
                    if lacking:
                        self.lacking[path] = name
                    elif found is not None:
                        self.importers.setdefault(found.path, set()).add(path)
                        pending.append((found.path, found.name))

    def _source(self, path: str) -> bytes:
        """Return a source; empty if it cannot be read."""
        if path not in self._sources:
            self._sources[path] = self._read(path)
        return self._sources[path]

    def _read(self, path: str) -> bytes:
        if path in self.texts:
            return self.texts[path]
        source = self.files.read(path, min(MAX_SOURCE, self.left))
        if source is None:
            self.is_whole = False
            return b""
        self.left -= len(source)
        return source

    # ------------------------------------------------------------------ slow and sure

    def _sure(self, begin: list[tuple[str, str, bool, str]]) -> Iterator[Missing]:
        """Yield what is sure to be missed, along what is sure to run.

        Only sources are parsed that lead to one that lacks something.
        """
        unfound = next((lacking for _, _, _, lacking in begin if lacking), "")
        if unfound:
            yield Missing(unfound)
            return
        leading = self._leading({path for path, _, is_main, _ in begin if is_main})
        seen: set[str] = set()
        said: set[str] = set()
        pending: deque[tuple[str, str, bool, tuple[str, ...]]] = deque()
        pending.extend((path, name, is_main, ()) for path, name, is_main, _ in begin)
        while pending:
            path, name, is_main, before = pending.popleft()
            if path in seen or path not in leading:
                continue
            seen.add(path)
            chain: tuple[str, ...] = (*before, path)
            for each in self._parse(path, is_main=is_main):
                for found, lacking in self._reach(each, self._package(path, name)):
                    if lacking and lacking not in said:
                        said.add(lacking)
                        place = "" if path in self.texts else path
                        yield Missing(lacking, place, each.line, chain)
                    elif found is not None:
                        pending.append((found.path, found.name, False, chain))

    def _leading(self, mains: set[str]) -> set[str]:
        """Return the sources that are sure to lack something, and those that may lead to them."""
        leading: set[str] = set()
        pending = [
            path
            for path, name in self.lacking.items()
            if any(
                lacking
                for each in self._parse(path, is_main=path in mains)
                for _, lacking in self._reach(each, self._package(path, name))
            )
        ]
        while pending:
            path = pending.pop()
            if path not in leading:
                leading.add(path)
                pending += self.importers.get(path, ())
        return leading

    def _parse(self, path: str, *, is_main: bool) -> tuple[Import, ...]:
        """Return what a source is sure to import; nothing of one too many."""
        key = (path, is_main)
        if key not in self._parsed:
            source = self._source(path)
            self.left_to_parse -= len(source)
            guards = Guards(is_main, self._version)
            found = sure_imports(source, guards) if self.left_to_parse >= 0 else None
            self._parsed[key] = found or ()
        return self._parsed[key]

    # ------------------------------------------------------------------ both

    @staticmethod
    def _package(path: str, name: str) -> str:
        """Return the package that relative imports of a module begin in."""
        if name == "__main__":
            return ""
        return name if path.endswith("/__init__.py") else name.rpartition(".")[0]

    def _reach(self, each: Import, package: str) -> Iterator[tuple[Module | None, str]]:
        """Yield (own module that is read, "") or (None, name of what is missing)."""
        base = each.module
        if each.level:
            if not package:
                return
            levels = package.split(".")
            levels = levels[: len(levels) - each.level + 1]
            if not levels:
                return
            base = ".".join([*levels, base] if base else levels)
        if not base:
            return
        parts = base.split(".")
        module: Module | None = None
        above: Module | None = None
        for count in range(1, len(parts) + 1):
            name = ".".join(parts[:count])
            module = self.modules.find(name)
            if module is None:
                if above is None or not self._makes_modules(above):
                    yield None, name
                return
            above = module
            if module.kind in {"standard", "archive"}:
                return
            if module.kind != "namespace" and not self._is_own(module):
                self.installed.setdefault(name, module)
                return
            if module.path and module.kind == "source":
                yield module, ""
        if module is not None and module.places:
            yield from self._submodules(module, base, each.names)

    def _submodules(
        self, module: Module, base: str, names: tuple[str, ...]
    ) -> Iterator[tuple[Module | None, str]]:
        """Yield those of the names taken from a package that are modules."""
        for name in names:
            found = self.modules.find(f"{base}.{name}") if name != "*" else None
            if found is not None:
                if found.kind not in {"standard", "archive", "namespace"}:
                    if not self._is_own(found):
                        self.installed.setdefault(found.name, found)
                    elif found.kind == "source":
                        yield found, ""
            elif module.kind == "namespace" and name != "*":
                yield None, f"{base}.{name}"

    def _makes_modules(self, module: Module) -> bool:
        """Tell whether a source makes modules below it that are no files, as ``six`` does."""
        source = self._source(module.path) if module.kind == "source" else b""
        return any(word in source for word in _MAKES)

    def _is_own(self, module: Module) -> bool:
        if module.entry not in self.modules.path.site:
            return True
        return module.name.partition(".")[0] in self.own
