"""Copy Python, git and certificates, with every library that they load, into a directory.

In:  a directory that may have other files, one for what is added to it; the system around.
Out: in the first a root file system that starts these programs; all bytecode is made, and is the
     same for the same sources. In the other what ssh and git's submodules need besides.
"""

from __future__ import annotations

import compileall
import os
import py_compile
import re
import shutil
import ssl
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

# Parts of the standard library that nothing here uses.
UNUSED = (
    "config-*",
    "ensurepip",
    "idlelib",
    "lib2to3",
    "pydoc_data",
    "site-packages",
    "dist-packages",
    "test",
    "tkinter",
    "turtledemo",
    "__pycache__",
    "_tkinter.*",
)
SUBMODULES = ("git-submodule", "git-sh-setup", "git-sh-i18n", "git-sh-i18n--envsubst")
DIRECTORIES = {"kaniko": 0o1777, "kaniko/.docker": 0o1777, "workspace": 0o1777, "tmp": 0o1777}


def main(out: Path, more: Path) -> None:
    """Copy all of it, and make what must be writable."""
    executable = Path(os.path.realpath(sys.executable))
    library = Path(sysconfig.get_path("stdlib"))
    install(executable, out)
    for name in ("python3", "python"):
        (out / "usr/bin").mkdir(parents=True, exist_ok=True)
        link(out / "usr/bin" / name, str(executable))
    ignore = shutil.ignore_patterns(*UNUSED)
    shutil.copytree(library, out / library.relative_to("/"), symlinks=True, ignore=ignore)
    tools = git_programs()
    for tool in tools:
        install(tool, out)
    link(out / "usr/lib/git-core/git-remote-https", "git-remote-http")
    extensions = [*library.glob("lib-dynload/*.so"), *out.glob("usr/lib/jettison/**/*.so")]
    for path in libraries([executable, *tools, *extensions]):
        install(path, out)
    certificates = Path("/etc/ssl/certs/ca-certificates.crt")
    install(certificates, out)
    trusted = Path(ssl.get_default_verify_paths().openssl_cafile)
    link(out / trusted.relative_to("/"), str(certificates))
    for name, mode in DIRECTORIES.items():
        (out / name).mkdir(parents=True, exist_ok=True)
        (out / name).chmod(mode)
    compile_all(out, [library, Path("/usr/lib/jettison")])
    link(more / "usr/bin/git-upload-pack", "git")  # for submodules by a path
    add(more, [Path("/usr/bin/ssh"), *(git_core() / name for name in SUBMODULES)], out)


def add(more: Path, programs: list[Path], out: Path) -> None:
    """Copy programs, and the libraries that are not there already."""
    for path in [*programs, *sorted(libraries(programs))]:
        if not (out / path.relative_to("/")).exists():
            install(path, more)


def git_core() -> Path:
    """Return the directory of what git executes."""
    place = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True)
    return Path(place.stdout.strip())


def git_programs() -> list[Path]:
    """Return the files of git: the program, and what it starts to speak http."""
    found = [Path("/usr/bin/git"), git_core() / "git-remote-http"]
    missing = [path for path in found if not path.exists()]
    if missing:
        raise SystemExit(f"git lacks {missing[0]}")
    return found


def libraries(programs: Iterable[Path]) -> set[Path]:
    """Return the shared libraries that programs load, under the names that they are loaded by."""
    found = set()
    for program in programs:
        said = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
        if re.search(r"=> not found", said):
            raise SystemExit(f"{program} lacks a library:\n{said}")
        found |= {Path(path) for path in re.findall(r"(?:=> |^\t)(/\S+) \(", said, re.MULTILINE)}
    return found


def install(path: Path, out: Path) -> None:
    """Copy a file to the same place, as what links of its directories lead to."""
    target = out / path.relative_to("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(os.path.realpath(path), target)


def link(path: Path, target: str) -> None:
    """Make a link unless something is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not os.path.lexists(path):
        path.symlink_to(target)


def compile_all(out: Path, places: Iterable[Path]) -> None:
    """Make bytecode that no time of a source is in."""
    for place in places:
        compileall.compile_dir(
            out / place.relative_to("/"),
            quiet=2,
            force=True,
            stripdir=str(out),
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
