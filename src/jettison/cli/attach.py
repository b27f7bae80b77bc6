"""``jettison attach``, and what ``start -a`` is: a container in the background on these streams."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from jettison.api.session import Session
from jettison.cli.flags import DockerCommand
from jettison.cli.session import in_session
from jettison.console.terminal import err

if TYPE_CHECKING:
    from jettison.api.attach import Looking

_KEYS = "Keys that detach (ctrl-p,ctrl-q)."
_SIGNALS = "Pass signals on to the container."


def attaching(command: Callable[..., object]) -> Callable[..., object]:
    """Add the flags of ``attach`` and ``start`` to a command."""
    for option in (
        click.option("--sig-proxy/--no-sig-proxy", default=True, help=_SIGNALS),
        click.option("--detach-keys", "keys", default="", metavar="KEYS", help=_KEYS),
    ):
        command = option(command)
    return command


def looking(*, keys: str, stdin: bool, sig_proxy: bool) -> Looking:
    """Return how flags say that somebody looks at a container.

    Raises:
        UsageError: the keys are none.
    """
    from jettison.api.attach import Looking
    from jettison.container.keys import USUAL, parse_keys

    found = parse_keys(keys or USUAL)
    return Looking(found, stdin=0 if stdin else -1, passes_signals=sig_proxy)


@click.command("attach", cls=DockerCommand)
@click.argument("name", metavar="CONTAINER")
@click.option("--no-stdin", is_flag=True, help="Do not pass on what is typed.")
@attaching
@click.pass_context
def attach(ctx: click.Context, name: str, *, no_stdin: bool, keys: str, sig_proxy: bool) -> int:
    """Show what a container writes, give it what is typed, and end with its status.

    It reads what is typed if it was started with `-i`. After CTRL-p CTRL-q it runs on alone.
    """
    wanted = looking(keys=keys, stdin=not no_stdin, sig_proxy=sig_proxy)

    def work(session: Session) -> int:
        from jettison.api import attach as api

        code = api.attach(session, name, wanted)
        if code is None:
            err("read escape sequence\n")  # as docker, which also ends with 1
            return 1
        return code

    return in_session(ctx, work)
