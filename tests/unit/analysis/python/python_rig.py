"""Trees with Python in them, for tests of what is read from them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from jettison.analysis.files import Files
from jettison.analysis.python.lookup import Lookup
from unit.analysis.tree_rig import ELF, files_of

Contents = Mapping[str, bytes | str]


def python(
    version: str = "3.11", prefix: str = "/usr/local", libc: str = "gnu", site: str = ""
) -> dict[str, bytes | str]:
    """Return the files of an interpreter."""
    library = f"{prefix}/lib/python{version}"
    tag = f"cpython-{version.replace('.', '')}-x86_64-linux-{libc}"
    return {
        f"{prefix}/bin/python{version}": ELF,
        f"{prefix}/bin/python3": f"->python{version}",
        f"{prefix}/bin/python": "->python3",
        f"{library}/os.py": "",
        f"{library}/site.py": site,
        f"{library}/lib-dynload/_json.{tag}.so": ELF,
        f"{library}/site-packages/README.txt": "",
    }


def distribution(
    site: str, name: str, version: str, files: Contents, requires: tuple[str, ...] = ()
) -> dict[str, bytes | str]:
    """Return the files of a distribution that is installed in a directory."""
    metadata = f"{name}-{version}.dist-info"
    lines = "".join(f"Requires-Dist: {each}\n" for each in requires)
    record = "".join(f"{each},,\n" for each in (*files, f"{metadata}/METADATA"))
    return {
        **{f"{site}/{path}": content for path, content in files.items()},
        f"{site}/{metadata}/METADATA": f"Name: {name}\nVersion: {version}\n{lines}\ntext\n",
        f"{site}/{metadata}/RECORD": record,
    }


def venv(
    path: str,
    home: str = "/usr/local/bin",
    program: str = "/usr/local/bin/python3.11",
    version: str = "3.11",
    system: str = "false",
) -> dict[str, bytes | str]:
    """Return the files of a virtual environment."""
    return {
        f"{path}/pyvenv.cfg": (
            f"home = {home}\ninclude-system-site-packages = {system}\nversion = {version}.2\n"
        ),
        f"{path}/bin/python": "->python3",
        f"{path}/bin/python3": f"->{program}",
        f"{path}/lib/python{version}/site-packages/README": "",
    }  # fmt: skip


def lookup_of(root: Path, *contents: Contents) -> Lookup:
    """Return a lookup in a tree of files; what can be executed is in directories named ``bin``."""
    return Lookup(tree_of(root, *contents))


def tree_of(root: Path, *contents: Contents) -> Files:
    """Return a tree of files; what is in a ``bin``, and each ELF file, can be executed."""
    merged = {path: content for each in contents for path, content in each.items()}
    programs = {
        path: 0o755
        for path, content in merged.items()
        if (isinstance(content, bytes) and content.startswith(b"\x7fELF"))
        or ("/bin/" in path and not (isinstance(content, str) and content.startswith("->")))
    }
    return files_of(root, merged, programs)
