"""``-o type=local,mode=delete``: directories from which everything may go that an image has not.

In:  a request, an output.
Out: an error, unless what may go is nothing that anybody could miss.

Source: buildx, entitlement ``buildx.local.delete``.
"""

from __future__ import annotations

import os
from pathlib import Path

from jettison.api.request import BuildRequest
from jettison.errors import UsageError
from jettison.exporter.outputs import LocalOutput

ENTITLEMENT = "buildx.local.delete"

_KEPT = (".git", ".hg", ".svn")


def require_mirror(request: BuildRequest, output: LocalOutput, store: Path) -> None:
    """See that files may be removed from the directory of an output.

    Args:
        request: Grants it, and names the build context.
        output: The directory.
        store: Directory of the local store.

    Raises:
        UsageError: it is not granted, or the directory is one that nobody means.
    """
    if ENTITLEMENT not in request.allow:
        raise UsageError(
            f"`mode=delete` removes what else is in `{output.dest}`, and is not granted",
            hint=f"add --allow {ENTITLEMENT}",
        )
    danger = danger_of(output.dest, request.context, store)
    if danger:
        raise UsageError(
            f"`mode=delete` does not empty `{output.dest}`: it {danger}",
            hint="name a directory of its own",
        )


def danger_of(dest: str, context: str, store: Path) -> str:
    """Return why a directory must not be emptied; nothing if it may.

    Args:
        dest: As written; links in it are followed.
        context: The build context, as written.
        store: Directory of the local store.
    """
    path = os.path.realpath(dest)
    if path.count("/") < 2:
        return "is the root of the system, or directly below it"
    held = {
        "holds the home directory": os.path.expanduser("~"),
        "holds the working directory": os.getcwd(),
        "holds the build context": context if os.path.isdir(context) else "",
        "holds the local store": os.fspath(store),
    }
    for danger, place in held.items():
        if place and _is_within(os.path.realpath(place), path):
            return danger
    if _is_within(path, os.path.realpath(store)):
        return "is a part of the local store"
    if any(os.path.lexists(os.path.join(path, name)) for name in _KEPT):
        return "holds a repository"
    if os.path.ismount(path):
        return "is a mount point"
    return ""


def _is_within(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory.rstrip("/") + "/")
