"""Where an interpreter looks for modules: ``sys.path`` as it is when a program starts.

In:  an interpreter, its virtual environment, environment variables.
Out: ``SearchPath``.

Source: CPython's ``Lib/site.py`` and Debian's and Fedora's changes of it; setuptools for what
editable installs leave behind.
"""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator, Mapping

import msgspec

from jettison.analysis.packages.base import text
from jettison.analysis.python.interpreters import Interpreter
from jettison.analysis.python.lookup import Lookup
from jettison.analysis.python.venvs import Venv

_MAX_PTH = 256 << 10
_MAX_LINES = 2000
_MAX_PTH_FILES = 500
_MAX_FINDER = 1 << 20
_FINDER = re.compile(r"\bimport\s+(__editable__\w+)")
_MAPPING = re.compile(r"^MAPPING\b[^=]*=\s*(\{[^}]*\})", re.MULTILINE)
_HARMLESS = re.compile(
    r"(distutils-precedence|_virtualenv|.*-nspkg|.*cov.*|zope.*|matplotlib.*)\.pth"
)
"""Files whose code adds no place that modules come from."""


class PthLine(msgspec.Struct, frozen=True):
    """A place outside of the packages' directories that a file in one of them adds.

    Args:
        file: The ``.pth`` or ``.egg-link`` file.
        target: A directory, or with ``name`` a package or module that may lack its suffix.
        name: Of the module that is there; empty for a directory of any modules.
        found: Whether it is there.
    """

    file: str
    target: str
    name: str = ""
    found: bool = True


class SearchPath(msgspec.Struct, frozen=True):
    """Where modules come from.

    Args:
        entries: Directories and archives, in order, without links.
        site: Those of them that packages are installed in, the usual one first. Of ``PYTHONPATH``
            these are directories with metadata of packages, as ``pip --target`` makes them.
        lines: What files in those add.
        is_open: Whether code that runs at the start may add more.
    """

    entries: tuple[str, ...]
    site: tuple[str, ...] = ()
    lines: tuple[PthLine, ...] = ()
    is_open: bool = False

    @property
    def mapped(self) -> dict[str, str]:
        """Modules that are somewhere else, by name: path without suffix."""
        return {line.name: line.target for line in self.lines if line.name and line.found}


class Flags(msgspec.Struct, frozen=True):
    """What options and variables say about the search path.

    Args:
        ignore_environment: ``-E``, ``-I``.
        no_site: ``-S``.
        no_user_site: ``-s``, ``-I``, ``PYTHONNOUSERSITE``.
        safe_path: ``-P``, ``-I``, ``PYTHONSAFEPATH``: nothing unsafe goes first.
    """

    ignore_environment: bool = False
    no_site: bool = False
    no_user_site: bool = False
    safe_path: bool = False


_NO_FLAGS = Flags()


def search_path(
    lookup: Lookup,
    interpreter: Interpreter,
    venv: Venv | None,
    environment: Mapping[str, str],
    *,
    first: tuple[str, ...] = (),
    directory: str = "/",
    flags: Flags = _NO_FLAGS,
    home: str = "",
) -> SearchPath:
    """Return where an interpreter looks.

    Args:
        lookup: In its tree.
        interpreter: It.
        venv: The environment that it is started from.
        environment: The process's.
        first: What goes first: the directory of the script, or the working directory.
        directory: The working directory.
        flags: Options of the command line.
        home: Home directory of the user.
    """
    variables = {} if flags.ignore_environment else environment
    entries: dict[str, None] = {}
    for each in () if flags.safe_path or variables.get("PYTHONSAFEPATH") else first:
        _add(lookup, entries, each)
    for each in variables.get("PYTHONPATH", "").split(":"):
        if each:
            _add(lookup, entries, posixpath.normpath(posixpath.join(directory, each)))
    number = interpreter.version.replace(".", "")
    _add(lookup, entries, f"{interpreter.prefix}/lib/python{number}.zip")
    _add(lookup, entries, interpreter.library)
    _add(lookup, entries, f"{interpreter.library}/lib-dynload")
    targets = tuple(each for each in entries if each and _has_metadata(lookup, each))
    if flags.no_site:
        return SearchPath(tuple(entries), targets)
    site = dict.fromkeys(
        place
        for each in site_directories(interpreter, venv)
        if (place := lookup.directory(each)) is not None
    )
    user = variables.get("PYTHONUSERBASE") or (f"{home.rstrip('/')}/.local" if home else "")
    sees_user = venv is None or venv.system_site
    if user and sees_user and not (flags.no_user_site or variables.get("PYTHONNOUSERSITE")):
        place = lookup.directory(f"{user}/lib/python{interpreter.version}/site-packages")
        site = site if place is None else {place: None, **site}
    path = _with_site(lookup, entries, site)
    site_entries = tuple(dict.fromkeys((*path.site, *targets)))
    is_open = path.is_open or "PYTHONHOME" in variables
    return msgspec.structs.replace(path, site=site_entries, is_open=is_open)


def site_directories(interpreter: Interpreter, venv: Venv | None = None) -> Iterator[str]:
    """Yield where packages of an interpreter are installed, whether they exist or not."""
    version = interpreter.version
    if venv is not None:
        yield f"{venv.path}/lib/python{version}/site-packages"
        yield f"{venv.path}/lib64/python{version}/site-packages"
        if not venv.system_site:
            return
    prefix = interpreter.prefix
    if interpreter.layout == "debian":
        yield f"{prefix}/local/lib/python{version}/dist-packages"
        yield f"{prefix}/lib/python3/dist-packages"
        yield f"{prefix}/lib/python{version}/dist-packages"
        return
    if interpreter.layout == "local" and prefix == "/usr":
        yield f"/usr/local/lib64/python{version}/site-packages"
        yield f"/usr/local/lib/python{version}/site-packages"
    yield f"{interpreter.library}/site-packages"
    yield f"{prefix}/lib/python{version}/site-packages"
    yield f"{prefix}/lib64/python{version}/site-packages"


def _with_site(lookup: Lookup, entries: dict[str, None], site: Mapping[str, None]) -> SearchPath:
    lines: list[PthLine] = []
    is_open = False
    for place in site:
        entries.setdefault(place)
        files = [each for each in lookup.names(place) if each.endswith((".pth", ".egg-link"))]
        for name in files[:_MAX_PTH_FILES]:
            added, unknown = _pth(lookup, place, name)
            is_open = is_open or unknown
            lines += added
            for line in added:
                if line.found and not line.name:
                    _add(lookup, entries, line.target)
    for name in ("sitecustomize.py", "usercustomize.py"):
        is_open = is_open or any(_changes_path(lookup, each, name) for each in entries)
    return SearchPath(tuple(entries), tuple(site), tuple(lines), is_open)


def _has_metadata(lookup: Lookup, directory: str) -> bool:
    names = lookup.names(directory)
    return any(each.endswith(".dist-info") for each in names)


def _pth(lookup: Lookup, place: str, name: str) -> tuple[list[PthLine], bool]:
    """Return what a file adds, and whether its code may add something else."""
    path = f"{place}/{name}"
    content = text(lookup.files.read(path, _MAX_PTH) or b"").removeprefix("\ufeff")
    added: list[PthLine] = []
    unknown = False
    for line in content.splitlines()[: 1 if name.endswith(".egg-link") else _MAX_LINES]:
        if line.startswith(("import ", "import\t")):
            finder = _FINDER.search(line)
            if finder:
                added += _mapped(lookup, path, f"{place}/{finder[1]}.py")
            else:
                unknown = unknown or not _HARMLESS.fullmatch(name)
        elif line.strip() and not line.startswith("#") and "\0" not in line:
            target = posixpath.normpath(posixpath.join(place, line.strip()))
            is_there = lookup.has(target)
            if is_there or name != "easy-install.pth" or not target.startswith(place):
                added.append(PthLine(path, target, "", is_there))
    return added, unknown


def _mapped(lookup: Lookup, path: str, finder: str) -> Iterator[PthLine]:
    """Yield what the finder of an editable install maps to somewhere."""
    found = _MAPPING.search(text(lookup.files.read(finder, _MAX_FINDER) or b""))
    try:
        mapping = ast.literal_eval(found[1]) if found else {}
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return
    if not isinstance(mapping, dict):
        return
    for name, target in list(mapping.items())[:_MAX_LINES]:
        if isinstance(name, str) and isinstance(target, str) and target.startswith("/"):
            place = posixpath.normpath(target)
            is_there = lookup.has(place) or lookup.has(place + ".py")
            yield PthLine(path, place, name, is_there)


def _add(lookup: Lookup, entries: dict[str, None], path: str) -> None:
    directory = lookup.directory(path)
    if directory is not None:
        entries.setdefault(directory)
    elif path.endswith((".zip", ".egg", ".whl", ".pyz", ".pex")):
        found = lookup.files.find(path)
        if found is not None:
            entries.setdefault(found)


def _changes_path(lookup: Lookup, directory: str, name: str) -> bool:
    if lookup.file(directory, name) is None:
        return False
    source = lookup.files.read(f"{directory}/{name}", _MAX_PTH, whole=False) or b""
    return any(word in source for word in (b"sys.path", b"addsitedir", b"meta_path"))
