"""``jettison cp``: files between a container and the host."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack

import click

from jettison.api.session import Session
from jettison.cli.flags import DockerCommand
from jettison.cli.session import in_session
from jettison.console.plain import size
from jettison.console.terminal import err
from jettison.errors import ContainerError, UsageError


@click.command("cp", cls=DockerCommand)
@click.argument("source", metavar="CONTAINER:PATH|PATH|-")
@click.argument("destination", metavar="CONTAINER:PATH|PATH|-")
@click.option("-a", "--archive", is_flag=True, help="Keep owners and all mode bits.")
@click.option("-L", "--follow-link", "follow", is_flag=True, help="Follow a link as source.")
@click.option("-q", "--quiet", is_flag=True, help="Do not say what was copied.")
@click.pass_context
def cp(
    ctx: click.Context, source: str, destination: str, *, archive: bool, follow: bool, quiet: bool
) -> int:
    """Copy files out of a container, or into one; `-` is a tar archive on a stream.

    It may run or not. Files in a container become root's, and those of the host the caller's.
    """
    ends = [_container_of(source), _container_of(destination)]
    if not any(ends):
        raise UsageError("must specify at least one container source", hint="write NAME:PATH")
    if all(ends):
        raise UsageError("copying between containers is not supported", hint="copy twice")

    def work(session: Session) -> int:
        from jettison.api import cp as api
        from jettison.container.files.place import Place

        with ExitStack() as stack:
            host = stack.enter_context(api.host_root())

            def place(text: str) -> Place:
                name = _container_of(text)
                if not name:
                    return Place(host, os.path.join(os.getcwd(), text), text)
                root = stack.enter_context(api.container_root(session, name))
                path = text[len(name) + 1 :]
                return Place(root, path if path.startswith("/") else f"/{path}", text)

            try:
                if destination == "-":
                    api.write_archive(place(source), sys.stdout.buffer, follow=follow)
                    return 0
                if source == "-":
                    left_out = api.read_archive(
                        sys.stdin.buffer, place(destination), archive=archive
                    )
                    count = 0
                else:
                    count, left_out = api.copy(
                        place(source),
                        place(destination),
                        follow=follow,
                        archive=archive,
                        into=bool(ends[1]),
                    )
            except BrokenPipeError:
                raise
            except OSError as error:
                where = f" `{error.filename}`" if error.filename else ""
                reason = os.strerror(error.errno or 0).lower()
                raise ContainerError(f"cannot copy{where}: {reason}") from error
        for each in left_out:
            err(f"WARN: left out: {each}\n")
        if not quiet and sys.stdout.isatty():
            err(f"Successfully copied {size(count)} to {destination}\n")
        return 0

    return in_session(ctx, work)


def _container_of(text: str) -> str:
    """Return the container that a place is in; empty for the host and for a stream."""
    name, colon, _ = text.partition(":")
    if not colon or text.startswith((".", "/")) or "/" in name:
        return ""
    return name
