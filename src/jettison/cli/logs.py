"""``jettison logs``: what a container has written."""

from __future__ import annotations

import sys

import click

from jettison.api.session import Session
from jettison.cli.flags import DockerCommand
from jettison.cli.moments import moment_ns
from jettison.cli.session import in_session
from jettison.console.terminal import write_raw
from jettison.errors import UsageError


@click.command("logs", cls=DockerCommand)
@click.argument("name", metavar="CONTAINER")
@click.option("-f", "--follow", is_flag=True, help="Go on until the container has ended.")
@click.option("-n", "--tail", default="all", metavar="COUNT", help="The last lines only.")
@click.option("--since", default="", metavar="TIME", help="2026-01-02T03:04:05Z, or 10m ago.")
@click.option("--until", default="", metavar="TIME", help="As --since.")
@click.option("-t", "--timestamps", is_flag=True, help="Show when each line was written.")
@click.option("--details", is_flag=True, hidden=True)
@click.pass_context
def logs(ctx: click.Context, /, name: str, tail: str, since: str, until: str, **flags: bool) -> int:
    """Show what a container has written: the last 8 to 16 MiB of it are kept."""
    count = _count(tail)
    since_ns = moment_ns(since, "since") if since else 0
    until_ns = moment_ns(until, "until") if until else None

    def work(session: Session) -> int:
        from jettison.api.logs import read_log

        starts = {1: True, 2: True}
        for entry in read_log(
            session,
            name,
            follow=flags["follow"],
            tail=count,
            since_ns=since_ns,
            until_ns=until_ns,
        ):
            stamped = flags["timestamps"] and starts[entry.stream]
            starts[entry.stream] = entry.data.endswith(b"\n")
            data = b"%s %s" % (entry.stamp, entry.data) if stamped else entry.data
            write_raw(sys.stderr if entry.stream == 2 else sys.stdout, data)
        return 0

    return in_session(ctx, work)


def _count(text: str) -> int | None:
    """Return the number of lines of ``--tail``; docker takes any other text for all of them."""
    if text == "all" or text.startswith("-"):
        return None
    if not (text.isascii() and text.isdigit()):
        raise UsageError(f"invalid value for --tail: `{text}`", hint="write a number, or all")
    return int(text[:9])
