"""Reads the Dockerfile, or says why it cannot be found.

In:  a path on the host, or a path in a context.
Out: its bytes, None when it is not there.
"""

from __future__ import annotations

from pathlib import Path

from jettison.errors import ContextError
from jettison.fs.regular import kind, read_small
from jettison.fs.resolve import resolve
from jettison.source.local import LocalTree

MAX_DOCKERFILE_BYTES = 16 << 20
_MANY = 200


def read_dockerfile(path: Path) -> bytes | None:
    """Return the bytes of a Dockerfile, None when there is no such file.

    Raises:
        ContextError: it is a directory, a pipe or a device, too large, or cannot be read.
    """
    try:
        return read_small(path, MAX_DOCKERFILE_BYTES)
    except OSError as error:
        raise _unreadable(path, error) from error


def read_inside(context: LocalTree, name: str) -> bytes | None:
    """Return the bytes of a Dockerfile in a context; links in its path stay inside.

    Raises:
        ContextError: it is too large, or cannot be read.
    """
    try:
        path = resolve(context, "/" + name)
    except OSError as error:
        raise _unreadable(name, error) from error
    st = context.lstat(path)
    if st is None:
        return None
    if not st.is_file:
        raise ContextError(
            f"`{name}` is {kind(st.mode)}, no regular file",
            hint="choose the Dockerfile with `-f`",
        )
    return read_dockerfile(Path(context.host_path(path)))


def no_dockerfile(context: LocalTree, name: str, root: Path | None = None) -> ContextError:
    """Return the error for a Dockerfile that is not there.

    Args:
        context: Where it was looked for.
        name: Its path.
        root: The context's directory, where ``-f`` also takes paths of the working directory.
    """
    near = [_argument(each, root) for each in _near(context, name)]
    hint = "did you mean " + " or ".join(f"`-f {each}`" for each in near) + "?" if near else None
    return ContextError(
        f"failed to read dockerfile: open {name}: no such file or directory",
        hint=hint or "choose the Dockerfile with `-f`",
    )


def _argument(name: str, root: Path | None) -> str:
    """Return what ``-f`` takes for a file of a context."""
    here = Path(name)
    is_another = root is not None and here.exists() and not here.samefile(root / name)
    return str(root / name) if root is not None and is_another else name


def _near(context: LocalTree, name: str) -> list[str]:
    """Return files that look like Dockerfiles in the directory where one was looked for."""
    directory, _, wanted = name.removeprefix("./").rpartition("/")
    if directory.startswith("/") or ".." in directory.split("/"):
        return []  # it is not of the context
    found: list[str] = []
    try:
        entries = context.names(f"/{directory}")[:_MANY]
    except OSError:
        return []
    for entry in entries:
        lower = entry.lower()
        looks = "dockerfile" in lower or "containerfile" in lower or lower == wanted.lower()
        if looks and not lower.endswith(".dockerignore"):
            path = f"{directory}/{entry}".removeprefix("/")
            st = context.lstat(f"/{path}")
            if st is not None and st.is_file:
                found.append(path)
    return found[:3]


def _unreadable(path: Path | str, error: OSError) -> ContextError:
    reason = error.strerror or str(error)
    reason = reason[:1].lower() + reason[1:]
    return ContextError(
        f"failed to read dockerfile: open {path}: {reason}", hint="choose another with `-f`"
    )
