"""Where programs of the host are.

In:  a name, or an absolute path. Out: a path.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

_USUAL = ("/usr/bin", "/usr/sbin", "/usr/local/bin", "/sbin")
"""Where distributions keep programs, also those that users' PATH lacks."""


def find_program(name: str, path: Sequence[str] | None = None) -> Path | None:
    """Return where a program is; None where it is not, or may not be executed.

    Args:
        name: Its name, or its absolute path.
        path: Directories; by default those of the environment and the usual ones.
    """
    if name.startswith("/"):
        return Path(name) if os.access(name, os.X_OK) else None
    for directory in (*os.get_exec_path(), *_USUAL) if path is None else path:
        place = os.path.join(directory, name)
        if os.access(place, os.X_OK) and os.path.isfile(place):
            return Path(place)
    return None
