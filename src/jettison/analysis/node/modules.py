"""Where what a file loads is, as Node finds it.

In:  the files of a tree, a specifier, the file that loads it.
Out: ``Resolution``.

Source: Node, "Modules: CommonJS modules" (All together), "Modules: ECMAScript modules" (Resolution
Algorithm Specification).
"""

from __future__ import annotations

import enum
import posixpath
from collections.abc import Iterator

import msgspec

from jettison.analysis.files import Files
from jettison.analysis.node.exports import Unresolvable, exported, imported
from jettison.analysis.node.manifest import (
    MAX_MANIFEST,
    Manifest,
    is_package_name,
    parse_manifest,
)
from jettison.analysis.node.scan import How
from jettison.fs.resolve import resolve

_EXTENSIONS = (".js", ".json", ".node")
_PNP = (".pnp.cjs", ".pnp.js", ".pnp.loader.mjs")
_CONDITIONS = {
    How.REQUIRE: frozenset({"node", "require", "module-sync", "node-addons"}),
    How.IMPORT: frozenset({"node", "import", "module-sync", "node-addons"}),
    How.DYNAMIC: frozenset({"node", "import", "module-sync", "node-addons"}),
}
_MAX_SPECIFIER = 4096
_MAX_LEVELS = 256
_MAX_INDIRECTIONS = 4

_BUILTINS_NAMES = (
    "assert async_hooks buffer child_process cluster console constants crypto dgram "
    "diagnostics_channel dns domain events fs http http2 https inspector module net os path "
    "perf_hooks process punycode querystring readline repl sea sqlite stream string_decoder "
    "sys test timers tls trace_events tty url util v8 vm wasi worker_threads zlib"
)
BUILTINS = frozenset(_BUILTINS_NAMES.split())
"""Modules of Node itself, of any version; so are names in them such as ``fs/promises``."""
_SUBPATHS_NAMES = (
    "assert/strict dns/promises fs/promises inspector/promises path/posix path/win32 "
    "readline/promises stream/consumers stream/promises stream/web timers/promises util/types "
    "test/reporters"
)
_SUBPATHS = frozenset(_SUBPATHS_NAMES.split())


class Outcome(enum.Enum):
    """How a resolution ended; ``UNKNOWN`` is what only a run could tell."""

    FILE = "file"
    BUILTIN = "builtin"
    MISSING = "missing"
    UNKNOWN = "unknown"


class Resolution(msgspec.Struct, frozen=True):
    """Where a specifier leads.

    Args:
        outcome: Of what kind the answer is.
        path: Of the file, links followed.
        package: Directory of the package that was found, links followed; empty without one.
        name: Name of the package that was looked for; empty if it is a path.
    """

    outcome: Outcome
    path: str = ""
    package: str = ""
    name: str = ""


class Modules:
    """Resolves in one tree; what it reads it keeps.

    Args:
        files: Of the tree.
        more: Directories of ``NODE_PATH``.
    """

    def __init__(self, files: Files, more: tuple[str, ...] = ()) -> None:
        self.files = files
        self._more = more
        self._manifests: dict[str, Manifest | None] = {}
        self._broken: set[str] = set()
        self._directories: dict[str, str | None] = {}
        self._packages: dict[tuple[str, str], str | None] = {}
        self._pnp: dict[str, bool] = {}

    def resolve(self, specifier: str, importer: str, how: How) -> Resolution:
        """Return where a specifier in a file leads.

        Args:
            specifier: As written.
            importer: Path of the file, links followed.
            how: With what it is loaded.
        """
        return self._resolve(specifier, importer, how, 0)

    def manifest(self, directory: str) -> Manifest | None:
        """Return what the ``package.json`` in a directory says, None without one."""
        if directory not in self._manifests:
            path = f"{directory}/package.json"
            found = self.find(path)
            data = self.files.read(found, MAX_MANIFEST) if found is not None else None
            known = parse_manifest(data) if data is not None else None
            if found is not None and known is None:
                self._broken.add(directory)
            self._manifests[directory] = known
        return self._manifests[directory]

    def scope(self, path: str) -> tuple[str, Manifest | None]:
        """Return the directory and the manifest of the package that a file belongs to."""
        for directory in _parents(path):
            if directory.endswith("/node_modules"):
                break
            known = self.manifest(directory)
            if known is not None or directory in self._broken:
                return directory, known
        return "", None

    def package(self, name: str, directory: str) -> str | None:
        """Return the directory of the package that code in a directory gets, links followed."""
        key = (directory, name)
        if key not in self._packages:
            places = (self.directory(f"{each}/{name}") for each in self._places(directory))
            self._packages[key] = next((each for each in places if each is not None), None)
        return self._packages[key]

    def find(self, path: str) -> str | None:
        """Return the regular file that a path leads to, links followed."""
        parent, _, name = path.rpartition("/")
        real = self.directory(parent)
        if real is None or name in {"", ".", ".."}:
            return None
        st = self.files.entries.get(f"{real}/{name}")
        if st is None:
            return None
        return f"{real}/{name}" if st.is_file else self.files.find(f"{real}/{name}")

    def directory(self, path: str) -> str | None:
        """Return the directory that a path leads to, links followed; the root is empty."""
        if path not in self._directories:
            self._directories[path] = self._real(path)
        return self._directories[path]

    def is_opaque(self, directory: str) -> bool:
        """Tell whether Yarn's Plug'n'Play resolves for code in a directory."""
        if directory not in self._pnp:
            self._pnp[directory] = any(
                f"{above}/{each}" in self.files.entries
                for above in _parents(f"{directory}/x")
                for each in _PNP
            )
        return self._pnp[directory]

    def _real(self, path: str) -> str | None:
        st = self.files.entries.get(path)
        if path and (st is None or not st.is_dir):
            try:
                path = resolve(self.files, path).rstrip("/")
            except OSError:
                return None
            st = self.files.entries.get(path)
            if path and (st is None or not st.is_dir):
                return None
        return path

    def _places(self, directory: str) -> Iterator[str]:
        """Yield the directories that packages are looked for in, links followed."""
        for each in _parents(f"{directory}/x"):
            if not each.endswith("/node_modules"):
                real = self.directory(f"{each}/node_modules")
                if real is not None:
                    yield real
        for each in self._more:
            real = self.directory(each.rstrip("/"))
            if real is not None:
                yield real

    def _resolve(self, specifier: str, importer: str, how: How, depth: int) -> Resolution:
        if len(specifier) > _MAX_SPECIFIER or "\0" in specifier or depth > _MAX_INDIRECTIONS:
            return Resolution(Outcome.UNKNOWN)
        parent = importer.rpartition("/")[0]
        plain = specifier.removeprefix("node:")
        if plain != specifier or plain in BUILTINS or plain in _SUBPATHS:
            return Resolution(Outcome.BUILTIN)
        specifier = specifier.removeprefix("file://")
        if specifier.startswith(("/", "./", "../")) or specifier in {".", ".."}:
            base = specifier if specifier.startswith("/") else f"{parent}/{specifier}"
            return self._of_path(_normal(base), how, is_directory=specifier.endswith(("/", ".")))
        if specifier.startswith("#"):
            return self._internal(specifier, importer, how, depth)
        if ":" in specifier.partition("/")[0] or "%" in specifier:
            return Resolution(Outcome.UNKNOWN)  # `data:`, `https:`, `bun:`, what loaders know
        return self._of_package(specifier, importer, how)

    def _of_path(self, path: str, how: How, *, is_directory: bool = False) -> Resolution:
        found = None if is_directory and path != "/" else self.find(path)
        if found is None and how is How.REQUIRE:
            found = self._as_file(path) if not is_directory else None
            found = found or self._as_directory(path)
        if found is not None:
            return Resolution(Outcome.FILE, found)
        return Resolution(Outcome.UNKNOWN if path in self._broken else Outcome.MISSING)

    def _as_file(self, path: str) -> str | None:
        for each in ("", *_EXTENSIONS):
            found = self.find(path + each)
            if found is not None:
                return found
        return None

    def _as_directory(self, path: str) -> str | None:
        real = self.directory(path.rstrip("/"))
        if real is None:
            return None
        known = self.manifest(real)
        return self._main(real, known) if known is not None else self._index(real)

    def _main(self, directory: str, known: Manifest) -> str | None:
        found = None
        if known.main:
            path = _normal(f"{directory}/{known.main}")
            found = self._as_file(path) or self._index(path)
        return found or self._index(directory)

    def _index(self, directory: str) -> str | None:
        for each in _EXTENSIONS:
            found = self.find(f"{directory}/index{each}")
            if found is not None:
                return found
        return None

    def _internal(self, name: str, importer: str, how: How, depth: int) -> Resolution:
        directory, known = self.scope(importer)
        if known is None:
            return Resolution(Outcome.UNKNOWN)
        try:
            target = imported(known.imports, name, _CONDITIONS[how])
        except Unresolvable:
            return Resolution(Outcome.UNKNOWN)
        if target is None:
            return Resolution(Outcome.MISSING)
        if target.startswith("./"):
            return self._exact(_normal(f"{directory}/{target}"))
        return self._resolve(target, f"{directory}/package.json", how, depth + 1)

    def _of_package(self, specifier: str, importer: str, how: How) -> Resolution:
        name, subpath = split(specifier)
        if not is_package_name(name):
            return Resolution(Outcome.UNKNOWN, name=name)
        parent = importer.rpartition("/")[0]
        if self.is_opaque(parent):
            return Resolution(Outcome.UNKNOWN, name=name)
        directory, known = self.scope(importer)
        if known is not None and known.name == name and known.exports is not None:
            return self._exported(directory, known, name, subpath, how)
        found = Resolution(Outcome.MISSING, name=name)
        for place in self._places(parent):
            package = self.directory(f"{place}/{name}")
            if package is None:
                single = self.find(f"{place}/{specifier}") or (
                    self._as_file(f"{place}/{specifier}") if how is How.REQUIRE else None
                )
                if single is not None and how is How.REQUIRE:
                    return Resolution(Outcome.FILE, single, name=name)
                continue
            found = self._in_package(package, name, subpath, how)
            if found.outcome is not Outcome.MISSING or how is not How.REQUIRE:
                return found
        return found

    def _in_package(self, package: str, name: str, subpath: str, how: How) -> Resolution:
        known = self.manifest(package)
        if package in self._broken:
            return Resolution(Outcome.UNKNOWN, package=package, name=name)
        if known is not None and known.exports is not None:
            return self._exported(package, known, name, subpath, how)
        if subpath != ".":
            found = self._of_path(_normal(f"{package}/{subpath}"), how)
            return msgspec.structs.replace(found, package=package, name=name)
        path = self._main(package, known or Manifest())
        outcome = Outcome.FILE if path is not None else Outcome.MISSING
        return Resolution(outcome, path or "", package, name)

    def _exported(
        self, package: str, known: Manifest, name: str, subpath: str, how: How
    ) -> Resolution:
        try:
            target = exported(known.exports, subpath, _CONDITIONS[how])
        except Unresolvable:
            return Resolution(Outcome.UNKNOWN, package=package, name=name)
        if target is None:
            return Resolution(Outcome.MISSING, package=package, name=name)
        found = self._exact(_normal(f"{package}/{target}"))
        return msgspec.structs.replace(found, package=package, name=name)

    def _exact(self, path: str) -> Resolution:
        found = self.find(path)
        return Resolution(Outcome.FILE if found else Outcome.MISSING, found or "")


def split(specifier: str) -> tuple[str, str]:
    """Return name and subpath of a package's specifier.

    >>> split("@a/b/lib/c.js"), split("d")
    (('@a/b', './lib/c.js'), ('d', '.'))
    """
    parts = specifier.split("/")
    count = 2 if specifier.startswith("@") else 1
    rest = "/".join(parts[count:])
    return "/".join(parts[:count]), f"./{rest}" if rest else "."


def _normal(path: str) -> str:
    return posixpath.normpath("/" + path.lstrip("/"))


def _parents(path: str) -> Iterator[str]:
    """Yield the directories above a path, the nearest first; the root is empty."""
    for _ in range(_MAX_LEVELS):
        path = path.rpartition("/")[0]
        yield path
        if not path:
            return
