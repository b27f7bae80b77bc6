"""Lets a script run from a fresh clone by any Python: it goes on in the project's environment.

In:  the script's arguments.
Out: the same script, run by ``.venv/bin/python``, where Jettison and its tests can be imported.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def enter() -> None:
    """Go on where the project's dependencies are; say how to get them where they are not."""
    if importlib.util.find_spec("msgspec") is None:
        python = ROOT / ".venv" / "bin" / "python"
        if not python.exists():
            sys.exit(
                "error: there is no `.venv` with what this script needs\n"
                "hint: `. scripts/environment.sh && environment dev` makes it, as `./test` does"
            )
        os.execv(python, [str(python), *sys.argv])  # noqa: S606 - the same program, elsewhere
    sys.path[:0] = [str(ROOT), str(ROOT / "src"), str(ROOT / "tests")]
