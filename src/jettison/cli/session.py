"""Opens a session for a command, and starts the program again in a user namespace if it must."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import click

from jettison.api.session import NamespaceRequired, Session
from jettison.cli.main import settings_of
from jettison.console.terminal import err

_UNANSWERED = "nobody answers the question, and nothing is removed"


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

    As with docker, everything but a yes is a no, and a no is no failure: also where nobody answers,
    which is said.
    """
    if force:
        return True
    err(f"{question}\nAre you sure you want to continue? [y/N] ")
    answer = sys.stdin.readline()
    if not answer:
        err(f"\nWARN: {_UNANSWERED}: use --force\n")
    return answer.strip().lower() in {"y", "yes"}
