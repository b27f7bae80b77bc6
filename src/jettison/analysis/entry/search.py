"""Finds programs in a root file system as a container's runtime does.

In:  the files of a tree, a name, the working directory and PATH.
Out: ``Found``: the file, or why there is none.

Source: execvp(3), and the rules of docker's runtimes: a name with a slash is a path, relative to
the working directory; others are looked up on PATH, where what nobody may execute is passed by.
"""

from __future__ import annotations

from posixpath import join

import msgspec

from jettison.analysis.entry.reached import Problem
from jettison.analysis.files import Files
from jettison.fs.resolve import MAX_LINKS, resolve
from jettison.oci.config import ContainerConfig

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""PATH of a container whose image sets none."""
_EXECUTE = 0o111
MAX_DIRECTORIES = 100
"""So many directories of PATH are looked through; what is in none of more is not known."""


class Found(msgspec.Struct, frozen=True):
    """Where a name led; see ``reached.Use`` for the fields."""

    path: str = ""
    via: str = ""
    problem: Problem | None = None
    link: str = ""


class LookupContext(msgspec.Struct, frozen=True):
    """What names are relative to.

    Args:
        cwd: The working directory, absolute; empty if it is not known.
        path: The value of PATH; None if it is not known.
        env: Variables of the image.
    """

    cwd: str = "/"
    path: str | None = DEFAULT_PATH
    env: dict[str, str] = {}

    @property
    def directories(self) -> tuple[str, ...]:
        """The directories of PATH, each once; one more than are looked through at most."""
        parts = (self.path or "").split(":", 10 * MAX_DIRECTORIES)
        return tuple(dict.fromkeys(parts))[: MAX_DIRECTORIES + 1]


def lookup_context(config: ContainerConfig) -> LookupContext:
    """Return what the names of a config are relative to."""
    env = dict(entry.partition("=")[::2] for entry in config.env)
    return LookupContext(join("/", config.working_dir), env.get("PATH", DEFAULT_PATH), env)


def find_program(files: Files, name: str, context: LookupContext) -> Found | None:
    """Return where the name of a program leads; None if that cannot be known."""
    if "/" in name:
        if not name.startswith("/") and not context.cwd:
            return None
        return look(files, join(context.cwd, name))
    if context.path is None:
        return None
    refused: Found | None = None
    directories = context.directories
    for directory in directories if name else ():
        if not directory.startswith("/") and not context.cwd:
            return None
        found = look(files, join(context.cwd, directory, name))
        if found.problem is None:
            return found
        if found.problem is Problem.NOT_EXECUTABLE or found.link:
            refused = refused or found
    if len(directories) > MAX_DIRECTORIES:
        return None
    return refused or Found(problem=Problem.MISSING)


def find_file(files: Files, name: str, context: LookupContext) -> Found | None:
    """Return where the name of a file leads that is to be read; None if that cannot be known."""
    if not name.startswith("/") and not context.cwd:
        return None
    found = look(files, join(context.cwd, name))
    if found.problem is Problem.NOT_EXECUTABLE:
        return msgspec.structs.replace(found, problem=None)
    return found


def look(files: Files, path: str) -> Found:
    """Return where a path leads."""
    try:
        target = resolve(files, path)
    except OSError:
        return Found(via=path, problem=Problem.MISSING, link=path)
    st = files.lstat(target)
    if st is None:
        if target == "/":
            return Found("/", path, Problem.DIRECTORY)
        return Found(via=path, problem=Problem.MISSING, link=last_link(files, path))
    if st.is_dir:
        return Found(target, path, Problem.DIRECTORY)
    if not st.is_file or not st.mode & _EXECUTE:
        return Found(target, path, Problem.NOT_EXECUTABLE)
    return Found(target, path)


def last_link(files: Files, path: str) -> str:
    """Return the last symbolic link on a way whose target is not there; empty for none."""
    link = ""
    current = path
    for _ in range(MAX_LINKS):
        at = _first_link(files, current)
        if not at:
            return link
        if files.lstat(resolve(files, at)) is None:
            link = at
        rest = current[len(at) :]
        target = files.readlink(at)
        base = at.rpartition("/")[0]
        current = _normalised(join(base or "/", target) + rest)
    return link


def _first_link(files: Files, path: str) -> str:
    current = ""
    for part in path.split("/"):
        if part:
            current = f"{current}/{part}"
            st = files.lstat(current)
            if st is None:
                return ""
            if st.is_symlink:
                return current
    return ""


def _normalised(path: str) -> str:
    """Return an absolute path without ``.`` and ``..``.

    >>> _normalised("/a/./b/../c")
    '/a/c'
    """
    done: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del done[-1:]
        elif part not in {"", "."}:
            done.append(part)
    return "/" + "/".join(done)
