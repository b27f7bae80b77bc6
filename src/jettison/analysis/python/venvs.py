"""Virtual environments: what they were made with, and what of it is still there.

In:  the files of a tree.
Out: ``Venv``.

Source: PEP 405 and CPython's ``Modules/getpath.py``: ``pyvenv.cfg`` is looked for beside the
program and one directory above it, before links are followed.
"""

from __future__ import annotations

import posixpath
import re

import msgspec

from jettison.analysis.files import Files
from jettison.analysis.packages.base import text
from jettison.analysis.python.interpreters import Interpreter, interpreter_at
from jettison.analysis.python.lookup import Lookup

_MAX_CONFIG = 64 << 10
_MAX_VENVS = 200
_MAX_LINKS = 40
_MAX_SCRIPTS = 2000
_MAX_SHEBANG = 256
_SITE = re.compile(r"lib(?:64)?/(?:python|pypy)(\d\.\d{1,2})t?")
CONFIG = "pyvenv.cfg"


class Venv(msgspec.Struct, frozen=True):
    """A virtual environment.

    Args:
        path: Its directory, without links.
        home: Directory of the interpreter that it was made with; empty if it does not say.
        version: ``X.Y`` that its packages are for; empty if it has none.
        program: Its ``bin/python``; empty if it has none at all.
        links: Where that leads, link by link; the last one is a file, or is missing.
        interpreter: What runs there; None if the last link is missing, or is none.
        system_site: Whether packages of that interpreter are seen as well.
    """

    path: str
    home: str = ""
    version: str = ""
    program: str = ""
    links: tuple[str, ...] = ()
    interpreter: Interpreter | None = None
    system_site: bool = False

    @property
    def dangling(self) -> str:
        """What its interpreter should be and is not there; empty if it is there."""
        return "" if self.interpreter or not self.program else (self.links or (self.program,))[-1]

    @property
    def site(self) -> str:
        """Where its packages are; empty without a version."""
        return f"{self.path}/lib/python{self.version}/site-packages" if self.version else ""


def venvs(files: Files) -> tuple[Venv, ...]:
    """Return all virtual environments, in the order of the tree."""
    lookup = Lookup(files)
    found = files.named(CONFIG)[:_MAX_VENVS]
    made = (venv_at(lookup, path.removesuffix("/" + CONFIG)) for path in found)
    return tuple(each for each in made if each is not None)


def venv_at(lookup: Lookup, directory: str) -> Venv | None:
    """Return the virtual environment in a directory; None if there is none."""
    place = lookup.directory(directory)
    data = lookup.files.read(f"{place}/{CONFIG}", _MAX_CONFIG) if place is not None else None
    if data is None or place is None:
        return None
    known = {
        name.strip().lower(): value.strip()
        for name, equal, value in (line.partition("=") for line in text(data).splitlines())
        if equal
    }
    programs = (f"{place}/bin/{name}" for name in ("python", "python3"))
    program = next((each for each in programs if each in lookup.files.entries), "")
    home = known.get("home", "")
    return Venv(
        path=place,
        home=home,
        version=_version(lookup, place, known),
        program=program,
        links=links_of(lookup, program) if program else (),
        interpreter=interpreter_at(lookup, program, home) if program else None,
        system_site=known.get("include-system-site-packages", "").lower() == "true",
    )


def venv_of(lookup: Lookup, program: str) -> Venv | None:
    """Return the virtual environment that a program is in, as its interpreter would find it."""
    parent = posixpath.dirname(program)
    for directory in (parent, posixpath.dirname(parent)):
        found = venv_at(lookup, directory)
        if found is not None:
            return found
    return None


def links_of(lookup: Lookup, path: str) -> tuple[str, ...]:
    """Return where a path leads, link by link: the last one is no link, or is missing."""
    found: list[str] = []
    for _ in range(_MAX_LINKS):
        st = lookup.files.entries.get(path)
        if st is None or not st.is_symlink:
            break
        try:
            target = lookup.files.readlink(path)
        except OSError:
            break
        path = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        parent, _, name = path.rpartition("/")
        place = lookup.directory(parent)
        path = path if place is None else f"{place}/{name}"
        found.append(path)
    return tuple(found)


def stale_scripts(lookup: Lookup, venv: Venv) -> dict[str, str]:
    """Return the scripts of an environment that name an interpreter which is not there.

    Returns:
        Path of each to the interpreter that it names.
    """
    found: dict[str, str] = {}
    directory = f"{venv.path}/bin"
    for name in lookup.names(directory)[:_MAX_SCRIPTS]:
        st = lookup.files.entries.get(f"{directory}/{name}")
        if st is None or not st.is_file or not st.mode & 0o111:
            continue
        if lookup.files.size(f"{directory}/{name}") > 1 << 16:
            continue
        named = named_interpreter(lookup.files, f"{directory}/{name}")
        if named and lookup.files.find(named) is None:
            found[f"{directory}/{name}"] = named
    return found


def named_interpreter(files: Files, path: str) -> str:
    """Return the absolute path of a Python that a script names, empty if it names none.

    Scripts whose interpreter's path is too long for a ``#!`` line name it in their second line:
    ``'''exec' /path/python "$0" "$@"``.
    """
    head = text(files.read(path, 2 * _MAX_SHEBANG, whole=False) or b"")
    first, _, rest = head.partition("\n")
    if not first.startswith("#!"):
        return ""
    words = first[2:].split()
    if words and words[0].startswith("/") and "python" in words[0].rpartition("/")[2]:
        return words[0]
    found = re.match(r"'''exec' (\"[^\"]*\"|\S+) ", rest)
    named = found[1].strip('"') if found else ""
    return named if named.startswith("/") else ""


def _version(lookup: Lookup, place: str, known: dict[str, str]) -> str:
    libraries = {
        found[1]
        for lib in ("lib", "lib64")
        for name in lookup.names(f"{place}/{lib}")
        if (found := _SITE.fullmatch(f"{lib}/{name}"))
        and lookup.directory(f"{place}/{lib}/{name}/site-packages") is not None
    }
    said = known.get("version") or known.get("version_info") or ""
    said = ".".join(said.split(".")[:2])
    if said in libraries or not libraries:
        return said if re.fullmatch(r"\d\.\d{1,2}", said) else ""
    return min(libraries)
