"""Ctrl-C once stops a build cleanly, twice at once; SIGTERM is as polite."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler

import pytest

from jettison.api.fsck import check_store
from jettison.api.session import Session
from jettison.settings import Settings
from scratch_processes import left_after, members_of, mounts_below, wait_for_file, wait_until_open
from scratch_rig import Scratch
from server_rig import DIRECT, accepting, serving

pytestmark = pytest.mark.needs_root

STUBBORN = "RUN trap '' INT TERM HUP; touch /begun; sleep 1000; sleep 1001\n"


def assert_usable(scratch: Scratch) -> None:
    with Session.open(Settings(root=str(scratch.store)), os.environ) as session:
        assert check_store(session) == []
        assert not list((scratch.store / "tmp").glob("*/*"))
    again = scratch.build("FROM busybox\nRUN echo usable\n")
    assert again.returncode == 0, again.stderr


@pytest.mark.parametrize("isolation", ["embedded", "crun"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_stops_a_build_within_a_second(
    scratch: Scratch, isolation: str, number: signal.Signals, need
) -> None:
    if isolation != "embedded":
        need(isolation)
    scratch.dockerfile(
        f"FROM busybox AS other\n{STUBBORN}FROM busybox\n{STUBBORN}COPY --from=other /begun /b\n"
    )
    build = scratch.start("build", "-q", f"--isolation={isolation}", scratch.context)
    wait_for_file(build, scratch.store, "tmp/*/*/fs/begun")
    members = members_of(build)
    began = time.monotonic()
    os.killpg(build.pid, number)
    assert build.wait(timeout=20) == 128 + number
    assert time.monotonic() - began < 1
    assert left_after(members, 1) == set()
    assert mounts_below(scratch.directory) == []
    assert_usable(scratch)


@pytest.mark.parametrize(
    ("snapshotter", "begun"),
    [("fuse-overlayfs", "tmp/*/*/fs/begun"), ("copy", "tmp/*/*/work/copy/tree/begun")],
)
def test_one_signal_stops_a_build_on_other_snapshotters(
    scratch: Scratch, snapshotter: str, begun: str, need
) -> None:
    if snapshotter != "copy":
        need(snapshotter)
    scratch.environment["JETTISON_SNAPSHOTTER"] = snapshotter
    scratch.dockerfile(f"FROM busybox\n{STUBBORN}")
    build = scratch.start("build", "-q", scratch.context)
    wait_for_file(build, scratch.store, begun)
    members = members_of(build)
    os.killpg(build.pid, signal.SIGINT)
    assert build.wait(timeout=20) == 128 + signal.SIGINT
    assert left_after(members, 1) == set()
    assert mounts_below(scratch.directory) == []
    assert_usable(scratch)


def test_two_signals_kill_a_build_at_once(scratch: Scratch) -> None:
    scratch.dockerfile(f"FROM busybox\n{STUBBORN}")
    build = scratch.start("build", "-q", scratch.context)
    wait_for_file(build, scratch.store, "tmp/*/*/fs/begun")
    members = members_of(build)
    os.kill(build.pid, signal.SIGSTOP)
    os.killpg(build.pid, signal.SIGINT)
    os.kill(build.pid, signal.SIGCONT)
    while build.poll() is None and _catches_interrupt(build.pid):
        time.sleep(0.001)
    if build.poll() is None:
        os.killpg(build.pid, signal.SIGINT)
    assert build.wait(timeout=5) in {-signal.SIGINT, 130}
    assert left_after(members, 2) == set()
    assert_usable(scratch)


def test_a_build_that_waits_for_a_locked_cache_is_stopped_as_soon(scratch: Scratch) -> None:
    mount = "--mount=type=cache,id=c,target=/c,sharing=locked"
    scratch.dockerfile(f"FROM busybox\nRUN {mount} touch /begun; sleep 1000\n")
    first = scratch.start("build", "-q", scratch.context)
    wait_for_file(first, scratch.store, "tmp/*/*/fs/begun")
    (lock,) = scratch.store.glob("cache-mounts/*.lock")
    scratch.dockerfile(f"FROM busybox\nRUN touch /other\nRUN {mount} sleep 1001\n")
    second = scratch.start("build", "-q", scratch.context)
    wait_until_open(second, lock)
    began = time.monotonic()
    os.killpg(second.pid, signal.SIGINT)
    assert second.wait(timeout=10) == 130
    assert time.monotonic() - began < 1
    os.killpg(first.pid, signal.SIGINT)
    assert first.wait(timeout=10) == 130
    assert_usable(scratch)


def test_a_download_without_end_is_stopped_as_soon(scratch: Scratch) -> None:
    read = threading.Event()

    def send_forever(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        handler.send_response(200)
        handler.send_header("Content-Length", str(1 << 40))
        handler.end_headers()
        try:
            handler.wfile.write(bytes(16 << 20))  # more than the sockets between us hold
            read.set()
            while True:
                handler.wfile.write(bytes(1 << 18))
                time.sleep(0.02)
        except OSError:
            return

    with serving(send_forever) as address:
        scratch.environment = DIRECT
        scratch.dockerfile(f"FROM busybox\nADD http://{address}/f /f\n")
        build = scratch.start("build", "-q", scratch.context)
        assert read.wait(60)
        began = time.monotonic()
        os.killpg(build.pid, signal.SIGINT)
        assert build.wait(timeout=10) == 130
        assert time.monotonic() - began < 1
    assert_usable(scratch)


@contextmanager
def silent() -> Iterator[tuple[int, threading.Event]]:
    """A server that takes in every connection and never answers; its port, and when it was asked."""
    asked = threading.Event()
    with ExitStack() as taken:

        def take(client: socket.socket) -> None:
            taken.enter_context(client)
            if client.recv(1):
                asked.set()

        with accepting(take) as port:
            yield port, asked


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("FROM 127.0.0.1:{port}/image\n", id="registry"),
        pytest.param("FROM busybox\nADD http://127.0.0.1:{port}/file /file\n", id="http"),
        pytest.param("FROM busybox\nADD https://127.0.0.1:{port}/file /file\n", id="tls"),
        pytest.param("FROM busybox\nADD http://127.0.0.1:{port}/repo.git /repo\n", id="git"),
    ],
)
def test_a_server_that_never_answers_holds_up_no_interrupt(
    scratch: Scratch, text: str, number: signal.Signals, need
) -> None:
    need("git")
    with silent() as (port, asked):
        scratch.environment = DIRECT
        scratch.dockerfile(text.format(port=port))
        build = scratch.start("build", "-q", scratch.context)
        assert asked.wait(60)
        members = members_of(build)
        began = time.monotonic()
        os.kill(build.pid, number)
        assert build.wait(timeout=20) == 128 + number
        assert time.monotonic() - began < 2
        assert left_after(members, 2) == set()
    assert_usable(scratch)


def test_a_download_that_stalls_in_the_middle_holds_up_no_interrupt(scratch: Scratch) -> None:
    half = threading.Event()
    done = threading.Event()

    def stall(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        handler.wfile.write(bytes(500_000))
        half.set()
        done.wait(60)

    with serving(stall) as address:
        scratch.environment = DIRECT
        scratch.dockerfile(f"FROM busybox\nADD http://{address}/f /f\n")
        build = scratch.start("build", "-q", scratch.context)
        assert half.wait(60)
        began = time.monotonic()
        os.kill(build.pid, signal.SIGINT)
        assert build.wait(timeout=20) == 130
        assert time.monotonic() - began < 2
        done.set()
    assert_usable(scratch)


def test_a_step_that_takes_too_long_is_killed(scratch: Scratch) -> None:
    done = scratch.build("FROM busybox\nRUN trap '' TERM; sleep 1000\n", "--step-timeout=0.5")
    assert done.returncode == 1
    assert "ran for more than 0.5 seconds" in done.stderr


def test_output_past_the_limit_is_not_shown(scratch: Scratch) -> None:
    done = scratch.build("FROM busybox\nRUN seq 1 20000; false\n", "--step-log-size=1k")
    assert "output clipped" in done.stderr
    assert len(done.stderr) < 5000
    assert "20000" in done.stderr  # the end of a failed step's output is always told


def _catches_interrupt(pid: int) -> bool:
    with open(f"/proc/{pid}/status") as file:
        caught = next(line for line in file if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGINT - 1) & 1)
