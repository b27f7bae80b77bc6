"""Which rendering of events suits.

In:  the value of ``--progress``, the environment, a stream.
Out: a ``Console``; only the module of the one that is used is loaded.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, TextIO

from jettison.console.base import Console, QuietConsole
from jettison.events import HeldEvents

if TYPE_CHECKING:
    from jettison.console.folded import Service
    from jettison.console.transfer import Kind


class HeldBack(HeldEvents):
    """Keeps events until it is known that this process does the work: then shows them.

    A process that must be started again in a user namespace would else show everything twice.

    Args:
        progress: Value of ``--progress``.
        environ: Of this process.
        timings: See ``make_console``.
    """

    def __init__(self, progress: str, environ: Mapping[str, str], *, timings: bool = False) -> None:
        self._timings = timings
        super().__init__()
        self._progress = progress
        self._environ = environ

    def close(self) -> None:
        """Show all events."""
        console = make_console(self._progress, self._environ, timings=self._timings)
        self.pass_on(console)
        console.close()


def make_console(
    progress: str,
    environ: Mapping[str, str],
    stream: TextIO | None = None,
    *,
    timings: bool = False,
) -> Console:
    """Return the rendering of ``--progress``; ``auto`` is live on a terminal, plain on a pipe.

    Args:
        progress: It.
        environ: Of this process.
        stream: Where; standard error if there is none.
        timings: Whether to show in the end where the time went, also if the build fails.
    """
    stream = stream or sys.stderr
    console = _make_console(progress, environ, stream)
    if timings:
        from jettison.console.timings import Timings  # when it is asked for

        return Timings(console, stream)
    return console


def _make_console(progress: str, environ: Mapping[str, str], stream: TextIO) -> Console:
    if progress == "auto":
        progress = "tty" if _is_live(stream, environ) else "plain"
    if progress in {"quiet", "none"}:
        return QuietConsole()
    if progress == "tty":
        from jettison.console.live import LiveConsole

        return LiveConsole(stream, environ)
    if progress == "rawjson":
        from jettison.console.rawjson import RawJsonConsole

        return RawJsonConsole(stream)
    service = _service(environ)
    if service is not None and not stream.isatty():
        from jettison.console.folded import FoldedConsole

        return FoldedConsole(stream, service)
    from jettison.console.plain import PlainConsole

    return PlainConsole(stream)


def make_transfer_console(
    kind: Kind, name: str, environ: Mapping[str, str], *, quiet: bool, stream: TextIO | None = None
) -> Console:
    """Return the rendering of a pull or a push: live on a terminal, plain on a pipe.

    Args:
        kind: What is done.
        name: The image, as the user wrote it.
        environ: Of this process.
        quiet: Whether nothing is shown.
        stream: Where; standard error if there is none.
    """
    stream = stream or sys.stderr
    if quiet or not _is_live(stream, environ):
        return _make_console("quiet" if quiet else "plain", environ, stream)
    from jettison.console.transfer import TransferConsole

    return TransferConsole(stream, kind, name, environ)


def _service(environ: Mapping[str, str]) -> Service | None:
    """Return the CI service whose log this is, if it folds lines."""
    if environ.get("GITHUB_ACTIONS") == "true":
        return "github"
    return "gitlab" if environ.get("GITLAB_CI") == "true" else None


def _is_live(stream: TextIO, environ: Mapping[str, str]) -> bool:
    return stream.isatty() and environ.get("TERM", "") not in {"", "dumb"}
