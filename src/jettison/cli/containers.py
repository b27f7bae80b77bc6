"""Commands about containers: ps, start, stop, kill, wait, rm, prune."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import click

from jettison.api import containers as api
from jettison.api.session import NamespaceRequired, Session
from jettison.cli import options
from jettison.cli.attach import attaching, looking
from jettison.cli.container_rows import HEADINGS, SHOWN, TYPE, chosen, row
from jettison.cli.flags import DockerCommand
from jettison.cli.listing import Listing
from jettison.cli.main import print_error
from jettison.cli.session import confirmed, in_session
from jettison.cli.values import texts
from jettison.console.plain import size
from jettison.console.terminal import err, out
from jettison.errors import ContainerError, JettisonError, UsageError
from jettison.linux.signals import signal_number


@click.command("ps", cls=DockerCommand)
@click.option("-a", "--all", "everything", is_flag=True, help="Those that have ended, too.")
@click.option("-q", "--quiet", is_flag=True, help="IDs only.")
@click.option("--no-trunc", is_flag=True, help="Do not shorten IDs and commands.")
@click.option("-n", "--last", default=-1, metavar="COUNT", help="The last ones that were made.")
@click.option("-l", "--latest", is_flag=True, help="The last one that was made.")
@click.option("-s", "--size", "sizes", is_flag=True, help="Show what they have written.")
@options.filters("id, name, label, status, exited, ancestor, before, since, network.", letter=True)
@click.option("--format", "form", default="", help="table, json or a template.")
@click.pass_context
def ps(ctx: click.Context, /, last: int, form: str, **flags: object) -> int:
    """List containers, the latest first."""
    count = 1 if flags["latest"] else last

    def work(session: Session) -> int:
        found = api.list_containers(session)
        everything = bool(flags["everything"]) or count > 0
        found = chosen(found, texts(flags, "filters"), everything=everything)
        found = found[:count] if count > 0 else found
        full = bool(flags["no_trunc"])
        if flags["quiet"]:
            ids = (each.container.record for each in found)
            out("".join(f"{each.id if full else each.short_id}\n" for each in ids))
            return 0
        wants_size = bool(flags["sizes"]) or ".Size" in form
        rows = [
            row(
                each,
                full=full,
                written=size(api.written_bytes(session, each.container)) if wants_size else "",
            )
            for each in found
        ]
        shown = [*SHOWN, "Size"] if flags["sizes"] else SHOWN
        out(Listing(TYPE, HEADINGS, shown).render(form, rows))
        return 0

    return in_session(ctx, work)


@click.command("start", cls=DockerCommand)
@click.argument("names", metavar="CONTAINER...", nargs=-1, required=True)
@click.option("-a", "--attach", is_flag=True, help="Show what it writes, and end with its status.")
@click.option("-i", "--interactive", is_flag=True, help="The same, and give it what is typed.")
@attaching
@click.pass_context
def start(
    ctx: click.Context,
    names: tuple[str, ...],
    *,
    attach: bool,
    interactive: bool,
    keys: str,
    sig_proxy: bool,
) -> int:
    """Start containers that have ended, in the background unless `-a` or `-i` is given."""
    wanted = looking(keys=keys, stdin=interactive, sig_proxy=sig_proxy)

    def warn(text: str) -> None:
        err(f"WARN: {text}\n")

    def attached(session: Session) -> int:
        from jettison.api.attach import start_attached

        return start_attached(session, names[0], wanted, warn) or 0  # also when detached

    def work(session: Session, name: str) -> None:
        for warning in api.start(session, name):
            warn(warning)
        out(f"{name}\n")

    if not attach and not interactive:
        return _each(ctx, names, work)
    if len(names) > 1:
        raise UsageError(
            "you cannot start and attach multiple containers at once",
            hint="leave out `-a` and `-i`, and follow them with `jettison logs -f`",
        )
    return in_session(ctx, attached)


@click.command("stop", cls=DockerCommand)
@click.argument("names", metavar="CONTAINER...", nargs=-1, required=True)
@click.option(
    "-t",
    "--timeout",
    "--time",
    "seconds",
    type=int,
    default=None,
    metavar="SECONDS",
    help="Wait so long before it is killed (10; -1 for ever).",
)
@click.option("-s", "--signal", "name_", default="", metavar="SIGNAL", help="What is sent first.")
@click.pass_context
def stop(ctx: click.Context, names: tuple[str, ...], *, seconds: int | None, name_: str) -> int:
    """Ask containers to end, and kill them when they do not."""
    number = signal_number(name_) if name_ else None

    def work(session: Session, name: str) -> None:
        api.stop(session, name, seconds=seconds, number=number)
        out(f"{name}\n")

    return _each(ctx, names, work)


@click.command("kill", cls=DockerCommand)
@click.argument("names", metavar="CONTAINER...", nargs=-1, required=True)
@click.option("-s", "--signal", "name_", default="KILL", metavar="SIGNAL", help="What is sent.")
@click.pass_context
def kill(ctx: click.Context, names: tuple[str, ...], *, name_: str) -> int:
    """Send a signal to the programs of containers, SIGKILL by default."""
    number = signal_number(name_)

    def work(session: Session, name: str) -> None:
        api.kill(session, name, number)
        out(f"{name}\n")

    return _each(ctx, names, work)


@click.command("wait")
@click.argument("names", metavar="CONTAINER...", nargs=-1, required=True)
@click.pass_context
def wait(ctx: click.Context, names: tuple[str, ...]) -> int:
    """Wait until containers have ended, and print their exit codes."""

    def work(session: Session, name: str) -> None:
        out(f"{api.wait_for(session, name)}\n")

    return _each(ctx, names, work)


@click.command("rm", cls=DockerCommand)
@click.argument("names", metavar="CONTAINER...", nargs=-1, required=True)
@click.option("-f", "--force", is_flag=True, help="Kill those that run.")
@click.option("-v", "--volumes", is_flag=True, help="Anonymous volumes, too (there are none).")
@click.option("-l", "--link", is_flag=True, hidden=True)
@click.pass_context
def rm(
    ctx: click.Context, names: tuple[str, ...], *, force: bool, volumes: bool, link: bool
) -> int:
    """Remove containers."""
    if link:
        raise UsageError("there are no links between containers", hint="leave out `--link`")
    del volumes

    def work(session: Session, name: str) -> None:
        try:
            api.remove(session, name, force=force)
        except ContainerError as error:
            if not force or error.message != f"No such container: {name}":
                raise
            err(f"{error.message}\n")  # as docker, which does not fail then
            return
        out(f"{name}\n")

    return _each(ctx, names, work)


@click.command("prune", cls=DockerCommand)
@click.option("-f", "--force", is_flag=True, help="Do not ask.")
@options.filters("label, until.")
@click.pass_context
def container_prune(ctx: click.Context, *, force: bool, filters: tuple[str, ...]) -> int:
    """Remove all containers that do not run."""

    def work(session: Session) -> int:
        session.require_namespace()
        if not confirmed("WARNING! This will remove all stopped containers.", force=force):
            return 0
        found = chosen(api.list_containers(session), filters, everything=True, prunes=True)
        done = api.prune_containers(session, found)
        if done.ids:
            out("Deleted Containers:\n" + "".join(f"{each}\n" for each in done.ids) + "\n")
        out(f"Total reclaimed space: {size(done.freed_bytes)}\n")
        return 0

    return in_session(ctx, work)


def _each(ctx: click.Context, names: Sequence[str], work: Callable[[Session, str], None]) -> int:
    """Do something with each container; 1 is returned when it fails for one."""

    def all_of_them(session: Session) -> int:
        return max(_attempted(lambda name=name: work(session, name)) for name in names)  # type: ignore[misc]

    return in_session(ctx, all_of_them)


def _attempted(work: Callable[[], None]) -> int:
    try:
        work()
    except NamespaceRequired:
        raise
    except JettisonError as error:
        print_error(error)
        return 1
    return 0
