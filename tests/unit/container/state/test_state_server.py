"""The control socket of a container: signals, its end, processes that join, wrong messages."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from jettison.container.attach import Pipes
from jettison.container.state import document
from jettison.container.state.directory import ContainerDirectory
from jettison.container.state.keeper import ContainerKeeper
from jettison.container.state.protocol import (
    Connection,
    Done,
    Ended,
    EndInput,
    Execute,
    Executing,
    OpenInput,
    OpenRoot,
    Signal,
    Watch,
    connect,
)
from jettison.container.state.record import Status
from jettison.container.state.server import ControlServer
from jettison.errors import ContainerError, SandboxUnavailableError, UsageError
from jettison.sandbox.base import Streams


class Process:
    """A container, or a process that joins; ``Running`` and ``Joined``."""

    lacked_pids = False
    out_of_memory = False

    def __init__(self, *, found: bool = True, code: int = 5) -> None:
        self.signals: list[int] = []
        self.arrived = threading.Event()
        self.end = threading.Event()
        self._found = found
        self._code = code

    def begin(self) -> bool:
        return self._found

    begin_program = begin

    def signal(self, number: int) -> None:
        self.signals.append(number)
        self.arrived.set()
        self.end.set()

    def wait(self) -> int:
        assert self.end.wait(20)
        return self._code

    def kill(self) -> None:
        self.signal(9)

    def execute(self, spec, streams):
        raise AssertionError

    def open_input(self) -> int:
        return -1

    def end_input(self) -> None:
        self.end.set()

    def open_root(self) -> int:
        return os.open("/", os.O_PATH)


class Rig:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.running = Process()
        self.joined = Process(code=7)
        self.pipes = Pipes(os.open(os.devnull, os.O_RDONLY), -1, -1)

    def join(self, _running, wanted: Execute, streams: Streams) -> Process:
        if wanted.user == "nobody":
            raise SandboxUnavailableError("no such user", hint="take another")
        os.write(streams.stdout, wanted.argv[0].encode("utf-8", "surrogateescape"))
        return self.joined

    def connected(self) -> Connection:
        found = connect(self.directory)
        assert found is not None
        return found


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    place = tmp_path / ("long" * 40)  # longer than a socket's address may be
    place.mkdir()
    made = Rig(place)
    with ControlServer(place, made.running, made.join, made.pipes) as server:
        made.server = server
        yield made


def test_a_signal_reaches_the_container(rig: Rig) -> None:
    with rig.connected() as link:
        link.send(Signal(15))
        assert link.answer() == (Done(), [])
    assert rig.running.signals == [15]


def test_whoever_watches_is_told_the_end(rig: Rig) -> None:
    with rig.connected() as one, rig.connected() as two:
        for link in (one, two):
            link.send(Watch())
        with rig.connected() as last:  # taken after the others
            last.send(Signal(1))
            last.answer()
        rig.server.say_ended(3)
        assert [link.answer()[0] for link in (one, two)] == [Ended(3), Ended(3)]


def test_the_end_without_a_word_is_the_end_of_whoever_keeps_it(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    with ControlServer(tmp_path, rig.running, rig.join, rig.pipes):
        link = rig.connected()
        link.send(Signal(1))
        link.answer()
    assert link.answer() == (None, [])
    link.close()
    assert connect(tmp_path) is None
    assert connect(tmp_path / "absent") is None


def test_a_process_joins_and_gets_signals(rig: Rig) -> None:
    reading, writing = os.pipe()
    with rig.connected() as link:
        link.send(Execute(("\udcff",)), (writing, writing, writing))
        assert link.answer()[0] == Executing()
        assert os.read(reading, 9) == b"\xff"
        link.send(Signal(2))
        assert link.answer()[0] == Ended(7)
    assert (rig.joined.signals, rig.running.signals) == ([2], [])
    for each in (reading, writing):
        os.close(each)


def test_what_cannot_be_done_is_refused_with_the_reason(rig: Rig) -> None:
    with rig.connected() as link:
        link.send(Execute(("a",), user="nobody"), (0, 1, 2))
        with pytest.raises(ContainerError, match="no such user") as caught:
            link.answer()
        assert caught.value.hint == "take another"
        link.send(Execute(("a",)))
        with pytest.raises(ContainerError, match="three streams"):
            link.answer()
        link.send(OpenRoot())
        answer, (root,) = link.answer()
        assert answer == Done()
        assert os.path.samefile(f"/proc/self/fd/{root}", "/")
        os.close(root)


def test_input_is_given_by_its_descriptor_and_ended(rig: Rig) -> None:
    reading = os.dup(rig.pipes.streams.stdin)
    with rig.connected() as link:
        link.send(OpenInput())
        answer, (given,) = link.answer()
        assert answer == Done()
        assert os.write(given, b"typed") == 5
        os.close(given)
        assert os.read(reading, 9) == b"typed"
        link.send(EndInput())
        assert link.answer()[0] == Done()
        os.close(reading)


def test_what_is_no_request_ends_its_connection_only(rig: Rig) -> None:
    for data in (b"x", b"[]", b'{"type": "Signal"}', b'{"type": "Signal", "number": "x"}'):
        with rig.connected() as link:
            os.write(link.fileno(), data)
            with pytest.raises(ContainerError, match="not understood"):
                link.answer()
    with rig.connected() as link:
        with pytest.raises(UsageError, match="too long"):
            link.send(Execute(("x" * (1 << 18),)))
        link.send(Signal(3))
        assert link.answer()[0] == Done()


def test_others_users_are_not_listened_to(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with rig.connected() as link:
        try:
            link.send(Signal(9))
            assert link.answer() == (None, [])
        except OSError:
            pass  # closed before it was sent
    assert rig.running.signals == []


def test_a_keeper_tells_how_a_container_goes(tmp_path: Path) -> None:
    directory = ContainerDirectory(tmp_path)
    started: list[Status] = []
    keeper = ContainerKeeper(directory, lambda: started.append(directory.state().status))
    keeper.prepare("embedded", "own", lambda *_: Process())
    lock = directory.lock()
    with lock.held():
        keeper.started(Process(), Process())
        assert started == [Status.RUNNING]
        keeper.output(1, b"said\n")
        assert keeper.ended(4) == ""
    state = directory.state()
    assert (state.status, state.exit_code, state.network) == (Status.EXITED, 4, "own")
    assert directory.log.read_bytes().endswith(b"stdout F said\n")


def test_a_program_that_is_not_found_was_never_started(tmp_path: Path) -> None:
    directory = ContainerDirectory(tmp_path)
    keeper = ContainerKeeper(directory, lambda: pytest.fail("it does not run"))
    keeper.prepare("embedded", "own", lambda *_: Process())
    keeper.output(2, b"exec: not found\n")
    keeper.started(Process(found=False), Process())
    assert keeper.ended(127) == "exec: not found"
    assert directory.state().status is Status.CREATED
    assert directory.state().error == "exec: not found"


def test_documents_hold_any_text_and_no_other_type() -> None:
    wanted = Execute(("\udc80", "ü", "\0"), env=("A=\udcff",))
    assert document.decode(document.encode(wanted), Execute) == wanted
    for data in (b"", b"null", b"{", b'{"type": "Execute"}', b'{"type":"Execute","argv":"x"}'):
        with pytest.raises(ValueError):  # noqa: PT011 - of several parsers
            document.decode(data, Execute)
