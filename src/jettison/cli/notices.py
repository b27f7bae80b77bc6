"""Lines for people about what a command line asks for and what nothing comes of.

In:  texts.
Out: lines on standard error, once a call: a program that starts again in a user namespace has
     said them.
"""

from __future__ import annotations

import os

from jettison.console.terminal import err


def notice(text: str) -> None:
    """Say it, unless the process that was replaced by this one did."""
    from jettison.linux.userns import ENTERED  # much, for few

    if not os.environ.get(ENTERED):
        err(f"WARN: {text}\n")
