"""``python -m jettison`` and the ``jettison`` script."""

from __future__ import annotations

import gc
import os
import sys

_GARBAGE_THRESHOLD = 50_000
"""Objects between two looks for cycles. Python's 700 costs a cached build a tenth of its time."""
_UNREAD = 141  # as in cli.main, which the fast way does without


def main() -> None:
    """Run the command line; the version needs nothing but itself."""
    if sys.argv[1:] in (["--version"], ["-v"]):
        from jettison import __version__  # the fast way

        _leave(0, f"jettison {__version__}\n")
    gc.set_threshold(_GARBAGE_THRESHOLD)
    from jettison.cli.deferred import defer

    defer()  # before click is imported
    from jettison.cli.main import run
    from jettison.store.database import keep_open

    keep_open()
    _leave(run(sys.argv[1:]))


def _leave(status: int, text: str = "") -> None:
    """Print a text and end the process without taking the interpreter apart, object by object.

    All threads have ended and all files are closed by now; only what was printed is left.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        os._exit(_UNREAD)
    except (OSError, ValueError):
        sys.exit(status)  # what was printed cannot be written: Python knows how to end then
    os._exit(status)


if __name__ == "__main__":
    main()
