"""Opens a session for a command, and starts the program again in a user namespace if it must."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import click

from jettison.api.session import NamespaceRequired, Session
from jettison.cli.main import settings_of
from jettison.errors import UsageError


def in_session(ctx: click.Context, work: Callable[[Session], int], **flags: object) -> int:
    """Return what ``work`` returns, or the exit status of the program run in a namespace."""
    try:
        with Session.open(settings_of(ctx, **flags), os.environ) as session:
            return work(session)
    except NamespaceRequired as required:
        from jettison.cli.namespace import enter_again

        return enter_again(single_id=required.single_id)


def confirmed(question: str, *, force: bool) -> bool:
    """Return whether the user agrees; ``force`` does without asking.

    Raises:
        UsageError: there is nobody to answer.
    """
    if force:
        return True
    try:
        return click.confirm(f"{question}\nAre you sure you want to continue?", err=True)
    except click.Abort:
        if sys.stdin.isatty():
            raise  # Ctrl-C
        raise UsageError("nobody answers the question", hint="use --force") from None
