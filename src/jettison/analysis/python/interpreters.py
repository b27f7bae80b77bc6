"""The Python interpreters of a root file system: versions, prefixes, what extensions they load.

In:  the files of a tree.
Out: ``Interpreter``.

Source: CPython's ``Modules/getpath.py``: a program looks upwards from where it is, links followed,
for ``lib/pythonX.Y/os.py``, and then where it was built for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from jettison.analysis.files import Files
from jettison.analysis.python.lookup import Lookup

_PROGRAM = re.compile(r"(python|pypy)(?:(\d)(?:\.(\d{1,2}))?(t|d|m)?)?")
_LIBRARY = re.compile(r"(?:python|pypy)(\d\.\d{1,2})t?")
_TAG = re.compile(r"\.(cpython-\d{2,3}[a-z]*-[\w-]+|pypy\d+-pp\d+-[\w-]+)\.so$")
_BUILT_FOR = ("/usr/local", "/usr")
_MAX_UP = 64
_MAX_SITE = 128 << 10
_MAX_INTERPRETERS = 200


class Interpreter(msgspec.Struct, frozen=True, order=True):
    """An interpreter.

    Args:
        path: The program, links followed.
        version: ``X.Y``.
        prefix: Above ``lib``; empty if no standard library was found.
        library: Directory of the standard library; empty if none was found.
        suffixes: Of extension modules that it loads, most wanted first; empty is unknown.
        layout: Where it looks for packages: ``debian``, ``local`` (Fedora: in ``/usr/local``
            first) or ``plain``.
        implementation: ``cpython`` or ``pypy``.
    """

    path: str
    version: str
    prefix: str = ""
    library: str = ""
    suffixes: tuple[str, ...] = ()
    layout: str = "plain"
    implementation: str = "cpython"

    @property
    def machine(self) -> str:
        """The processor that its extensions are for; empty is unknown."""
        return self.suffixes[0].split("-")[2] if self.suffixes and "-" in self.suffixes[0] else ""

    @property
    def libc(self) -> str:
        """``gnu`` or ``musl``; empty is unknown."""
        found = re.search(r"-(gnu|musl)[a-z]*\.so$", self.suffixes[0]) if self.suffixes else None
        return found[1] if found else ""


def is_program(name: str) -> bool:
    """Tell whether a file name is that of an interpreter."""
    return _PROGRAM.fullmatch(name) is not None


def interpreters(files: Files) -> tuple[Interpreter, ...]:
    """Return all interpreters in directories named ``bin``, one of a program."""
    found: dict[str, Interpreter] = {}
    lookup = Lookup(files)
    for path, st in files.entries.items():
        if "/bin/py" not in path or st.is_dir:
            continue
        parent, _, name = path.rpartition("/")
        if parent.endswith("/bin") and is_program(name):
            one = interpreter_at(lookup, path)
            if one is not None:
                found.setdefault(one.path, one)
        if len(found) >= _MAX_INTERPRETERS:
            break
    return tuple(sorted(found.values()))


def interpreter_at(lookup: Lookup, path: str, home: str = "") -> Interpreter | None:
    """Return the interpreter that a path leads to; None if it leads to none.

    Args:
        lookup: In the tree.
        path: Of the program.
        home: Directory of the interpreter that a virtual environment was made with, as its
            ``pyvenv.cfg`` says; the standard library is looked for above it first.
    """
    program = lookup.files.find(path)
    if program is None:
        return None
    found = _PROGRAM.fullmatch(program.rpartition("/")[2]) or _PROGRAM.fullmatch(
        path.rpartition("/")[2]
    )
    if found is None:
        return None
    kind, major, minor, flag = found.groups()
    wanted = f"{major}.{minor}" if minor else ""
    starts = [home] if home else []
    starts.append(program.rpartition("/")[0])
    for prefix in _prefixes(starts):
        for version, library in _libraries(lookup, prefix, wanted, major or ""):
            free = "t" if library.endswith("t") or flag == "t" else ""
            suffixes = _suffixes(lookup, library, version, kind, free)
            layout = _layout(lookup, library)
            implementation = "pypy" if kind == "pypy" or "/pypy" in library else "cpython"
            return Interpreter(program, version, prefix, library, suffixes, layout, implementation)
    return Interpreter(program, wanted) if wanted else None


def _prefixes(starts: list[str]) -> Iterator[str]:
    for start in starts:
        above = start.rstrip("/")
        for _ in range(_MAX_UP):
            yield above
            if not above:
                break
            above = above.rpartition("/")[0]
    yield from _BUILT_FOR


def _libraries(lookup: Lookup, prefix: str, wanted: str, major: str) -> Iterator[tuple[str, str]]:
    """Yield (version, directory) of standard libraries below a prefix."""
    for lib in ("lib", "lib64"):
        parent = lookup.directory(f"{prefix}/{lib}")
        if parent is None:
            continue
        for name in sorted(lookup.names(parent), key=_newest_first):
            found = _LIBRARY.fullmatch(name)
            version = found[1] if found else ""
            if not version or (wanted and version != wanted) or not version.startswith(major):
                continue
            directory = lookup.directory(f"{parent}/{name}")
            if directory is not None and (
                lookup.file(directory, "os.py") or lookup.file(directory, "os.pyc")
            ):
                yield version, f"{prefix}/{lib}/{name}"


def _newest_first(name: str) -> int:
    found = _LIBRARY.fullmatch(name)
    return -int(found[1].partition(".")[2]) if found else 0


def _suffixes(lookup: Lookup, library: str, version: str, kind: str, free: str) -> tuple[str, ...]:
    tag = ""
    for place in (f"{library}/lib-dynload", library):
        directory = lookup.directory(place)
        for name in lookup.names(directory) if directory is not None else ():
            found = _TAG.search(name)
            if found:
                tag = found[1]
                break
            if name.startswith("_sysconfigdata_") and name.endswith(".py") and "linux_" in name:
                triple = name.removesuffix(".py").partition("linux_")[2]
                if triple.count("-") >= 2:
                    tag = f"cpython-{version.replace('.', '')}{free}-{triple}"
        if tag:
            break
    if not tag or kind == "pypy":
        return ()
    return (f".{tag}.so", *(() if free else (".abi3.so",)), ".so")


def _layout(lookup: Lookup, library: str) -> str:
    directory = lookup.directory(library)
    path = lookup.file(directory, "site.py") if directory is not None else None
    text = (lookup.files.read(path, _MAX_SITE, whole=False) or b"") if path else b""
    if b"dist-packages" in text:
        return "debian"
    return "local" if b'"/usr/local"' in text or b"'/usr/local'" in text else "plain"
