"""A file or directory is there already where one was to be made."""

from __future__ import annotations

from jettison.errors import Cause
from jettison.failure.base import Failure, quoted

_SIGNS = (
    ("file exists", r"(?:mkdir|ln|mknod|mkfifo|cp|mv)\W.*?['`](?P<name>[^']+)[']: File exists"),
    ("file exists", r"(?:mkdir|ln): (?P<name>\S+): File exists"),
    ("already exists and is not", r"destination path '(?P<name>[^']+)' already exists"),
    ("not overwriting", r"cannot overwrite (?:non-)?directory ['](?P<name>[^']+)"),
    ("directory not empty", r"(?P<name>\S+?)[']?: Directory not empty"),
    ("is not empty", r"(?i)(?:project )?directory ['\"]?(?P<name>\S+?)['\"]? is not empty"),
    ("eexist", r"npm (?:ERR!|error) (?:code )?EEXIST"),
    ("are the same file", r"'(?P<name>[^']+)' and '[^']+' are the same file"),
    ("target already exists", r"target already exists"),
)


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    found = failure.log.find(*_SIGNS, last=10)
    if found is None:
        return None
    name = found.groupdict().get("name") or ""
    return Cause(
        "already-exists",
        f"{quoted(name)} is there already" if name else "a file is there already",
        f"{failure.stage}, or an earlier step, has made it",
        "use `mkdir -p` or `ln -sf`, or remove it first",
    )
