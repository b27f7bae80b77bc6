"""``jettison.build``, ``jettison.run``, ``jettison.inspect`` and ``jettison.open_session``.

In:  what a Python program writes.
Out: results; progress where the program has a terminal; errors whose text is what the command
    line prints.

They may be called from any thread. Where a user namespace is needed, another process does the
work (``worker``), so that the caller's process stays what it is.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar, Unpack

import msgspec

from jettison.api import build as building
from jettison.api import run as running
from jettison.api.images import inspect_image
from jettison.api.request import BuildRequest, BuildResult
from jettison.api.session import NamespaceRequired, Session
from jettison.console.message import error_message, unexpected_error
from jettison.console.select import make_console
from jettison.container.request import RunRequest
from jettison.errors import HostError, JettisonError, UsageError
from jettison.events import Event, HeldEvents, Sink, Warned
from jettison.linux import userns
from jettison.python.capture import Capture, too_much
from jettison.python.job import Done, Job
from jettison.python.options import BuildOptions, RunOptions, build_request, run_request
from jettison.python.result import RunResult
from jettison.settings import load_settings

T = TypeVar("T")

PROGRESS = ("auto", "tty", "plain", "rawjson", "quiet")


def build(
    context: str | os.PathLike[str] | BuildRequest | None = None,
    *,
    dockerfile_text: str | None = None,
    progress: str | Sink = "auto",
    session: Session | None = None,
    **options: Unpack[BuildOptions],
) -> BuildResult:
    """Build an image.

    Args:
        context: Directory, git URL, http URL, or a whole request. By default the working
            directory; nothing where the Dockerfile is given as text.
        dockerfile_text: The Dockerfile itself. ``dockerfile=`` is the path of one.
        progress: ``auto`` (a live view on a terminal, else nothing), ``tty``, ``plain``,
            ``rawjson`` or ``quiet``: written to standard error. Or a function that gets each
            event, from any thread.
        session: An open store; by default the one of the settings, for this call.
        options: Fields of ``BuildRequest``, such as ``tags`` and ``target``.

    Raises:
        JettisonError: the text of the exception is what the command line prints.
    """
    with _messages(), _opened(session) as opened:
        request = build_request(context, dockerfile_text, options)
        with _reporting(progress) as sink:
            return _build(opened, request, sink)


def run(
    image: str | RunRequest,
    command: Sequence[str] = (),
    *,
    capture: bool = False,
    stdin: bytes | None = None,
    progress: str | Sink = "auto",
    session: Session | None = None,
    **options: Unpack[RunOptions],
) -> RunResult:
    """Run a command in a new container of an image and wait for it; the container does not stay.

    Args:
        image: Name or ID; pulled if the store does not have it. Or a whole request.
        command: Replaces the image's CMD.
        capture: Keep what it writes (at most 64 MiB a stream) instead of passing it on.
        stdin: Its standard input.
        progress: See ``build``; of a pull.
        session: See ``build``.
        options: Fields of ``RunRequest``, such as ``env`` and ``volumes``.

    Raises:
        JettisonError: it could not be run. A command that fails is no error: see ``exit_code``.
    """
    with _messages(), _opened(session) as opened:
        request = msgspec.structs.replace(run_request(image, command, options), remove=True)
        if stdin is not None:
            request = msgspec.structs.replace(request, interactive=True)
        if running.must_pull(opened, request):
            with _reporting(progress) as sink:
                _pull(opened, request, sink)
        with Capture(output=capture, stdin=stdin) as kept:
            return _run(opened, request, kept)


def inspect(image: str, *, session: Session | None = None) -> dict[str, Any]:
    """Return all facts of an image of the store under docker's names.

    Raises:
        ImageNotFoundError: there is none of that name or ID.
    """
    with _messages(), _opened(session) as opened:
        return inspect_image(opened, image)


def open_session(**settings: str | int | Sequence[str]) -> Session:
    """Open the store; a context manager, which closes it.

    Args:
        settings: Fields of ``Settings``; they win over the environment and the settings file.

    Raises:
        JettisonError: a setting is wrong, or the store cannot be opened.
    """
    with _messages():
        return Session.open(load_settings(os.environ, **settings), os.environ)


def _build(session: Session, request: BuildRequest, sink: Sink) -> BuildResult:
    def here(sink: Sink) -> BuildResult:
        return building.build(session, request, sink)

    job = Job(session.settings, build=request)
    done = _here_or_there(session, sink, here, job)
    result = done if isinstance(done, BuildResult) else done.result
    assert result is not None  # noqa: S101 - a build has one
    return result


def _pull(session: Session, request: RunRequest, sink: Sink) -> None:
    def here(sink: Sink) -> None:
        running.pull_image(session, request, sink)

    _here_or_there(session, sink, here, Job(session.settings, run=request, pull=True))


def _run(session: Session, request: RunRequest, kept: Capture) -> RunResult:
    streams = (kept.stdin, kept.stdout, kept.stderr)
    warnings: list[str] = []

    def here(_: Sink) -> int:
        return running.run_container(session, request, warnings.append, streams=streams)

    def warn(event: Event) -> None:
        if isinstance(event, Warned):
            warnings.append(event.message)

    sys.stdout.flush()  # the container writes to the same descriptors
    sys.stderr.flush()
    try:
        job = Job(session.settings, run=request, streams=streams)
        done = _here_or_there(session, warn, here, job)
    except HostError as error:
        if kept.is_full():
            raise too_much() from error
        raise
    code = done if isinstance(done, int) else done.exit_code
    return RunResult(code, *kept.output(), tuple(warnings))


def _here_or_there(session: Session, sink: Sink, here: Callable[[Sink], T], job: Job) -> T | Done:
    """Do something in this process, or have a worker do it where a user namespace is needed.

    What happened here before that was known is not shown.
    """
    single_id = session.settings.isolation == userns.SINGLE_ID
    if not userns.is_needed(single_id=single_id):
        return here(sink)
    held = HeldEvents()
    try:
        result = here(held)
    except NamespaceRequired as required:
        single_id = required.single_id
    except BaseException:
        held.pass_on(sink)
        raise
    else:
        held.pass_on(sink)
        return result
    from jettison.python.delegate import delegate  # imports subprocess

    return delegate(job, sink, session.environ, single_id=single_id)


@contextmanager
def _opened(session: Session | None) -> Iterator[Session]:
    """Give the caller's session, or one for the block."""
    with ExitStack() as stack:
        yield session if session is not None else stack.enter_context(open_session())


@contextmanager
def _reporting(progress: str | Sink) -> Iterator[Sink]:
    """Give the sink that shows events."""
    if not isinstance(progress, str):
        yield progress
        return
    if progress not in PROGRESS:
        raise UsageError(
            f"there is no progress `{progress}`", hint=f"use one of {', '.join(PROGRESS)}"
        )
    if progress == "auto" and not sys.stderr.isatty():
        progress = "quiet"
    console = make_console(progress, os.environ)
    try:
        yield console
    finally:
        console.close()


@contextmanager
def _messages() -> Iterator[None]:
    """Have errors say all that the command line prints: place, excerpt, cause, hint."""
    try:
        yield
    except JettisonError as error:
        error.args = (error_message(error),)
        raise
    except Exception as error:
        shown = unexpected_error(error)
        shown.args = (error_message(shown),)
        raise shown from error
