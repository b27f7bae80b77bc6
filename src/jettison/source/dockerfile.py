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


def no_dockerfile(context: LocalTree, name: str) -> ContextError:
    """Return the error for a Dockerfile that is not there."""
    near = _near(context, name)
    hint = "did you mean " + " or ".join(f"`-f {each}`" for each in near) + "?" if near else None
    return ContextError(
        f"failed to read dockerfile: open {name}: no such file or directory",
        hint=hint or "choose the Dockerfile with `-f`",
    )


def _near(context: LocalTree, name: str) -> list[str]:
    """Return files of a context that look like Dockerfiles, also one directory down."""
    wanted = name.rpartition("/")[2].lower()
    found: list[str] = []
    directories = [""]
    for entry in context.names("/")[:_MANY]:
        st = context.lstat("/" + entry)
        if st is not None and st.is_dir and not entry.startswith("."):
            directories.append("/" + entry)
    for directory in directories:
        for entry in context.names(directory or "/")[:_MANY]:
            lower = entry.lower()
            looks = "dockerfile" in lower or "containerfile" in lower or lower == wanted
            if looks and not lower.endswith(".dockerignore"):
                st = context.lstat(f"{directory}/{entry}")
                if st is not None and st.is_file:
                    found.append(f"{directory}/{entry}"[1:])
        if len(found) >= 3:
            break
    return found[:3]


def _unreadable(path: Path | str, error: OSError) -> ContextError:
    reason = error.strerror or str(error)
    reason = reason[:1].lower() + reason[1:]
    return ContextError(
        f"failed to read dockerfile: open {path}: {reason}", hint="choose another with `-f`"
    )
