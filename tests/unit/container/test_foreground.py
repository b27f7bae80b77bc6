"""Containers in the foreground: a process of this host stands in for one.

Input that arrives tells such a process that signals are passed on by now.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from jettison.container.foreground import Attachment, passing_signals, run_attached
from jettison.errors import UsageError
from jettison.sandbox.base import Streams
from jettison.sandbox.spec import Root, RootKind, SandboxSpec

FUTEX = ("202", "98", "422")
"""Numbers of the system call that waits for the interpreter's lock."""


class HostProcess:
    """A process; ``Running``."""

    def __init__(self, spec: SandboxSpec, streams: Streams, *, lacked_pids: bool) -> None:
        self.lacked_pids = lacked_pids
        self.out_of_memory = False
        self._process = subprocess.Popen(
            spec.argv, stdin=streams.stdin, stdout=streams.stdout, stderr=streams.stderr
        )

    def wait(self) -> int:
        code = self._process.wait()
        return 128 - code if code < 0 else code

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        self._process.kill()


class HostSandbox:
    """No sandbox at all; ``Sandbox``."""

    name = "host"
    moves_directories = False

    def __init__(self, *, lacked_pids: bool = False) -> None:
        self._lacked_pids = lacked_pids

    def start(self, spec: SandboxSpec, streams: Streams) -> HostProcess:
        return HostProcess(spec, streams, lacked_pids=self._lacked_pids)

    def warm(self) -> None:
        return

    def close(self) -> None:
        return


def spec(*argv: str, **fields) -> SandboxSpec:
    return SandboxSpec(Root(RootKind.DIRECTORY, Path("/")), argv, (), **fields)


@pytest.fixture
def attachment(tmp_path):
    with open(tmp_path / "in", "w+") as source, open(tmp_path / "out", "w") as sink:
        source.write("typed\n")
        source.seek(0)
        yield Attachment(True, source.fileno(), sink.fileno(), sink.fileno())


def test_streams_and_exit_code_are_the_container_s(attachment, tmp_path):
    code = run_attached(HostSandbox(), spec("sh", "-c", "cat; echo out; exit 7"), attachment)
    assert code == 7
    assert (tmp_path / "out").read_text() == "typed\nout\n"


def test_input_is_empty_unless_it_is_wanted(attachment, tmp_path):
    quiet = Attachment(False, attachment.stdin, attachment.stdout, attachment.stderr)
    assert run_attached(HostSandbox(), spec("cat"), quiet) == 0
    assert (tmp_path / "out").read_text() == ""


def test_a_terminal_needs_one(attachment):
    with pytest.raises(UsageError) as caught:
        run_attached(HostSandbox(), spec("sh", terminal=True), attachment)
    assert caught.value.message == "standard input is not a terminal"


def test_a_container_that_lacked_processes_is_told_of(attachment):
    warnings: list[str] = []
    run_attached(HostSandbox(lacked_pids=True), spec("true"), attachment, warnings.append)
    assert warnings == ["the container had as many processes as it may have: see `--pids-limit`"]


def test_signals_are_passed_on_and_handlers_are_restored(attachment):
    before = signal.getsignal(signal.SIGUSR1)
    script = (
        f"trap 'exit 9' USR1; read typed; kill -USR1 {os.getpid()}; while :; do sleep 0.01; done"
    )
    assert run_attached(HostSandbox(), spec("sh", "-c", script), attachment) == 9
    assert signal.getsignal(signal.SIGUSR1) is before


def test_the_third_interrupt_kills_what_ignores_them(attachment):
    code = (
        "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "input()\n"
        f"for _ in range(3): os.kill({os.getpid()}, signal.SIGTERM); time.sleep(0.05)\n"
        "time.sleep(60)"
    )
    assert run_attached(HostSandbox(), spec(sys.executable, "-c", code), attachment) == 137


def test_a_signal_to_another_thread_is_passed_on_while_the_main_thread_waits():
    reading, writing = os.pipe()

    class Target:
        def signal(self, number: int) -> None:
            os.write(writing, bytes([number]))

        def kill(self) -> None:
            raise AssertionError

    waiting = Path(f"/proc/self/task/{threading.get_native_id()}/syscall")

    def hit() -> None:
        while waiting.read_text().split()[0] in {"running", *FUTEX}:
            pass  # the main thread is not in ``select`` yet
        signal.pthread_kill(threading.get_ident(), signal.SIGHUP)

    with open(reading, "rb"), open(writing, "wb"), passing_signals(Target(), lambda: None):
        thread = threading.Thread(target=hit)
        thread.start()
        ready, _, _ = select.select([reading], [], [], 10)
        thread.join()
        assert ready
        assert os.read(reading, 10) == bytes([signal.SIGHUP])
    assert signal.set_wakeup_fd(-1) == -1


def test_another_thread_touches_no_signals(attachment):
    before = signal.getsignal(signal.SIGTERM)
    codes: list[int] = []
    seen: list[object] = []

    def run() -> None:
        codes.append(run_attached(HostSandbox(), spec("sh", "-c", "sleep 0.1"), attachment))

    thread = threading.Thread(target=run)
    thread.start()
    seen.append(signal.getsignal(signal.SIGTERM))
    thread.join()
    assert codes == [0]
    assert seen == [before]
