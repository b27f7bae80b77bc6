"""A file is not executable."""

from __future__ import annotations

import re

from jettison.errors import Cause
from jettison.failure.base import Failure, quoted

_SIGNS = (
    (
        "permission denied",
        r"(?:^|\s)(?:/bin/)?(?:sh|bash|dash|ash): (?:line )?(?:\d+: )?(?P<name>[^\s:]+): Permission denied",
    ),
    ("permission denied", r"exec: \"(?P<name>[^\"]+)\": permission denied"),
    ("permission denied", r"make: (?:execvp: )?(?P<name>\S+): Permission denied"),
    ("permission denied", r"env: '?(?P<name>[^\s:']+)'?: Permission denied"),
    ("eacces", r"spawn (?P<name>\S+) EACCES"),
)


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    found = failure.log.find(*_SIGNS, last=20)
    if found is None or not _is_called(failure, found["name"]):
        return None
    name = found["name"]
    return Cause(
        "not-executable",
        f"{quoted(name)} is not executable",
        "COPY keeps the mode of the context, and git on Windows does not keep the execute bit",
        f"`COPY --chmod=0755 …`, or call its interpreter: `RUN sh {name[:60]}`",
    )


def _is_called(failure: Failure, name: str) -> bool:
    """Tell whether a path is a program that is called, and not a file that is written."""
    if re.search(rf">\s*['\"]?{re.escape(name)}", failure.instruction):
        return False
    return failure.exit_code == 126 or ("/" in name and failure.is_root and failure.exit_code != 1)
