"""Locks between processes and files that appear whole."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from jettison.errors import StorageError
from jettison.fs.atomic import write_all, write_atomically
from jettison.fs.lock import FileLock
from jettison.fs.os_errors import storage_errors


def test_an_exclusive_lock_excludes(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert first.acquire()
    assert not second.acquire(wait=False)
    assert not second.acquire(wait=False, shared=True)
    first.release()
    assert second.acquire(wait=False)
    second.release()


def test_shared_locks_share(tmp_path: Path) -> None:
    first, second, third = (FileLock(tmp_path / "lock") for _ in range(3))
    with first.held(shared=True), second.held(shared=True):
        assert not third.acquire(wait=False)
    assert third.acquire(wait=False)
    third.release()


def test_who_waits_says_so_once_and_then_gets_it(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    first.acquire()
    waiting = threading.Event()
    told = []

    def wait() -> None:
        second.acquire(on_wait=lambda: (told.append(1), waiting.set()))

    thread = threading.Thread(target=wait)
    thread.start()
    assert waiting.wait(10)
    first.release()
    thread.join(10)
    assert second.descriptor >= 0
    assert told == [1]
    second.release()


def test_waiting_can_be_given_up(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    with first:
        answers = iter([False, False, True])
        assert not second.acquire(stop=lambda: next(answers))
    assert second.descriptor < 0


def test_a_removed_lock_file_is_never_taken_for_the_lock(tmp_path: Path) -> None:
    first, second, third = (FileLock(tmp_path / "lock") for _ in range(3))
    first.acquire()
    waiting = threading.Event()
    thread = threading.Thread(target=lambda: second.acquire(on_wait=waiting.set))
    thread.start()
    assert waiting.wait(10)
    first.release(remove=True)
    thread.join(10)
    assert second.descriptor >= 0
    assert not third.acquire(wait=False), "the second holds a file that has the name"
    second.release(remove=True)
    assert os.listdir(tmp_path) == []


def test_a_dead_process_holds_no_lock(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path; from jettison.fs.lock import FileLock\n"
        "FileLock(Path(sys.argv[1])).acquire(); lock = 1; os.kill(os.getpid(), signal.SIGKILL)"
    )
    source = os.fspath(Path(__file__).parents[3] / "src")
    command = [sys.executable, "-c", script, os.fspath(tmp_path / "lock")]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": source}, check=False)
    assert done.returncode == -9
    lock = FileLock(tmp_path / "lock")
    assert lock.acquire(wait=False)
    lock.release()


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_is_replaced_as_a_whole(tmp_path: Path, durable: bool) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    write_atomically(path, b"new", mode=0o600, durable=durable)
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["file"]


def test_a_failed_write_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "directory/inside").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        write_atomically(tmp_path / "directory", b"new")
    assert os.listdir(tmp_path) == ["directory"]


def test_everything_is_written_through_a_pipe_that_takes_little(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    data = os.urandom(300_000)
    received = bytearray()

    def drain() -> None:
        while chunk := os.read(reading, 5000):
            received.extend(chunk)

    thread = threading.Thread(target=drain)
    thread.start()
    write_all(writing, memoryview(data))
    os.close(writing)
    thread.join(10)
    os.close(reading)
    assert bytes(received) == data


@pytest.mark.parametrize(
    ("number", "word"),
    [
        (errno.ENOSPC, "no space left"),
        (errno.EDQUOT, "quota"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "permission denied"),
        (errno.EIO, "input/output"),
    ],
)
def test_a_failing_disk_is_told_with_a_hint(number: int, word: str) -> None:
    with pytest.raises(StorageError, match=word) as caught, storage_errors("/some/place"):
        raise OSError(number, os.strerror(number))
    assert "`/some/place`" in caught.value.message
    assert caught.value.hint


def test_other_errors_pass(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), storage_errors(tmp_path):
        (tmp_path / "none").read_bytes()


def test_a_path_that_is_too_long_is_not_shown_whole(tmp_path: Path):
    long = tmp_path / ("x" * 5000 + "end")
    with pytest.raises(StorageError, match="name too long") as caught, storage_errors(tmp_path):
        long.mkdir()
    assert len(caught.value.message) < 320
    assert str(tmp_path) in caught.value.message
    assert "xend`" in caught.value.message
