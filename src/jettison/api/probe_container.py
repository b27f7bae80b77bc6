"""``--probe``: starts an image in the sandbox, without a network, and says what came of it.

In:  a session, an image, what its checks found, what is to be asked of it.
Out: ``Probed``: whether it started, what listened and answered; which findings that proves, and
     which it refutes.

The container is one of ``run`` with ``--network none`` and ``--rm``. What listens and answers is
looked at in its own network namespace, from outside: nothing need be in the image for that.

Concurrency: this thread waits for the container; another one looks, and ends it.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import threading
import time
from http.client import HTTPException
from urllib.parse import SplitResult, urlsplit

import msgspec

from jettison.api.run import container_of
from jettison.api.session import Session
from jettison.api.supervise import Prepared, prepared
from jettison.container.attach import Pipes
from jettison.container.loopback import Listening, Loopback
from jettison.container.request import RunRequest
from jettison.container.state.catalog import Catalog
from jettison.container.state.protocol import Execute
from jettison.errors import SandboxUnavailableError, SolveError, UsageError
from jettison.oci.codec import decode
from jettison.oci.config import ImageConfig
from jettison.sandbox.base import Running, Streams
from jettison.store.image import StoredImage

DEFAULT = "3s"
"""What ``--probe`` means without a value."""

_SECONDS = 3.0
_PATIENCE = 30.0
"""So long an answer or a command is waited for."""
_MOST_SECONDS = 3_600.0
_INTERVAL = 0.05
_ASK_INTERVAL = 0.2
_OUTPUT_BYTES = 16 << 10
_OK, _BAD = 200, 400
_DURATION = re.compile(r"([0-9]{1,5}(?:\.[0-9]{1,3})?)(ms|s|m)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}
_SHELL = re.compile(r"[$`;&|<>*?(){}\n]")


class Target(msgspec.Struct, frozen=True):
    """What is wanted of the image: to run for some time, to answer, or a command in it to end.

    Args:
        seconds: How long that is waited for.
        url: What is to answer; None for nothing.
        argv: The command; empty for none.
    """

    seconds: float = _SECONDS
    url: SplitResult | None = None
    argv: tuple[str, ...] = ()


class Seen(msgspec.Struct, frozen=True):
    """What a container did.

    Args:
        started: Whether its program was executed.
        code: Its exit status, if it ended by itself.
        seconds: Until it ended, answered, or was ended.
        listening: Ports that something listened at, at the end.
        status: Of the last answer; 0 for none.
        command_code: Exit status of the command; -1 if it never ran.
        output: What it wrote last.
        problem: Why it could not be started.
    """

    started: bool = False
    code: int | None = None
    seconds: float = 0.0
    listening: tuple[Listening, ...] = ()
    status: int = 0
    command_code: int = -1
    output: str = ""
    problem: str = ""


def parse_target(text: str) -> Target:
    """Return what a value of ``--probe`` means.

    >>> parse_target("500ms").seconds, parse_target("curl -f localhost").argv
    (0.5, ('curl', '-f', 'localhost'))

    Raises:
        UsageError: it is malformed.
    """
    duration = _DURATION.fullmatch(text.strip())
    if duration is not None:
        seconds = float(duration.group(1)) * _UNITS[duration.group(2)]
        if not 0 < seconds <= _MOST_SECONDS:
            raise UsageError(f"--probe `{text}` is too long", hint="an hour is the most")
        return Target(seconds)
    if text.startswith(("http://", "https://")):
        try:
            url = urlsplit(text)
            port = url.port
        except ValueError as error:
            raise UsageError(f"--probe `{text}`: {error}", hint=_HTTP_HINT) from error
        if port == 0 or not text.isprintable() or " " in text or url.username is not None:
            raise UsageError(f"--probe `{text}` is malformed", hint=_HTTP_HINT)
        return Target(_PATIENCE, url)
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"--probe `{text}`: {error}", hint=_HINT) from error
    if not words:
        raise UsageError("--probe is empty", hint=_HINT)
    argv = ("/bin/sh", "-c", text) if _SHELL.search(text) else tuple(words)
    return Target(_PATIENCE, argv=argv)


_HTTP_HINT = "write `http://:8080/healthz`; the host is the container in any case"
_HINT = "write `--probe=10s`, `--probe=http://:8080/healthz`, or a command of the image"


def is_good(seen: Seen, target: Target) -> bool:
    """Tell whether an image did what was wanted of it."""
    if not seen.started:
        return False
    if target.url is not None:
        return _OK <= seen.status < _BAD
    if target.argv:
        return seen.command_code == 0
    return not seen.code


def observe(session: Session, image: StoredImage, target: Target) -> Seen:
    """Start an image and look at it.

    Args:
        session: The store.
        image: It.
        target: What is wanted of it.

    Raises:
        NamespaceRequired: the process may not do that as it is.
        UsageError: the image starts nothing.
        SandboxUnavailableError: there is no sandbox that can take the network away.
        JettisonError: see ``errors``.
    """
    config = decode(ImageConfig, image.config).config
    if not (config.entrypoint or config.cmd):
        raise UsageError(
            "--probe: the image starts nothing: it has no ENTRYPOINT and no CMD",
            hint="leave `--probe` out, or add a CMD",
        )
    session.require_namespace()
    request = RunRequest(image=image.id, network="none", remove=True)
    container = container_of(session, image, request)
    try:
        with container.directory.lock().held(), prepared(session, container) as ready:
            return _Probe(ready, target).run()
    except SolveError as error:  # its user is nobody
        return Seen(problem=error.message)
    finally:
        Catalog(session.store).remove(container)


class _Probe:
    """One container that is looked at.

    Args:
        ready: It.
        target: What is wanted.
    """

    def __init__(self, ready: Prepared, target: Target) -> None:
        self._ready = ready
        self._target = target
        self._over = threading.Event()
        self._output = _Output()
        self._began = 0.0
        self._seen = Seen()
        self._problem: BaseException | None = None

    def run(self) -> Seen:
        """Start it, and return what was seen when it has ended."""
        pipes = Pipes(-1, -1, -1, self._output.take)
        killed = threading.Event()
        with pipes:
            running = self._ready.sandbox.start(self._ready.spec, pipes.streams)
            pipes.begin(running.kill)
            self._began = time.monotonic()
            started = running.begin()
            looking = threading.Thread(target=self._look, args=(running, killed), name="probe")
            if started:
                looking.start()
            try:
                code = running.wait()
            finally:
                self._over.set()
                if started:
                    looking.join()
            pipes.finish(code)
        if self._problem is not None:
            raise self._problem
        ended = None if killed.is_set() else code
        seconds = self._seen.seconds if killed.is_set() else time.monotonic() - self._began
        return msgspec.structs.replace(
            self._seen,
            started=started,
            code=ended,
            seconds=seconds,
            output=self._output.text(),
        )

    def _look(self, running: Running, killed: threading.Event) -> None:
        """Look until enough is seen, time is up, or it has ended; then end it."""
        try:
            self._watch(running)
        except (OSError, SandboxUnavailableError):
            self._over.wait(self._left())  # it cannot be looked at, or has ended: time decides
        except BaseException as error:  # noqa: BLE001 - is raised where it is waited for
            self._problem = error
        finally:
            if not self._over.is_set():
                killed.set()
                self._note(seconds=time.monotonic() - self._began)
                running.kill()

    def _watch(self, running: Running) -> None:
        root = running.open_root()
        try:
            network = Loopback(root)
        finally:
            os.close(root)
        try:
            next_try = 0.0
            while not self._over.wait(_INTERVAL) and self._left() > 0:
                self._note(listening=network.listening())
                if time.monotonic() >= next_try:
                    if self._is_answered(network) or self._is_done(running):
                        self._note(listening=network.listening())
                        return
                    next_try = time.monotonic() + _ASK_INTERVAL
        finally:
            network.close()

    def _is_answered(self, network: Loopback) -> bool:
        url = self._target.url
        if url is None:
            return False
        port = url.port or (443 if url.scheme == "https" else 80)
        if all(each.port != port for each in self._seen.listening):
            return False
        try:
            status = network.ask(url, self._left())
        except (OSError, HTTPException):
            return False
        self._note(status=status)
        return _OK <= status < _BAD

    def _is_done(self, running: Running) -> bool:
        """Run the command; tell whether it ended well."""
        if not self._target.argv:
            return False
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        try:
            wanted = Execute(argv=self._target.argv)
            joined = self._ready.join(running, wanted, Streams(null, null, null))
            timer = threading.Timer(self._left(), joined.signal, (signal.SIGKILL,))
            timer.daemon = True
            timer.start()
            try:
                code = joined.wait()
            finally:
                timer.cancel()
        finally:
            os.close(null)
        self._note(command_code=code)
        return code == 0

    def _left(self) -> float:
        return max(0.0, self._began + self._target.seconds - time.monotonic())

    def _note(self, **changes: object) -> None:
        self._seen = msgspec.structs.replace(self._seen, **changes)


class _Output:
    """What a container writes: the end of it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._data = b""

    def take(self, _stream: int, data: bytes) -> None:
        """Take some of it; called in the threads of the streams."""
        with self._lock:
            self._data = (self._data + data)[-_OUTPUT_BYTES:]

    def text(self) -> str:
        """Return it."""
        with self._lock:
            return self._data.decode(errors="replace")
