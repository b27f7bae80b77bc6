"""Small files that somebody else chose."""

from __future__ import annotations

import errno
import os
import socket
import stat
import threading

import pytest

from jettison.fs.regular import kind, read_small


def test_a_file_is_read_whole_and_links_are_followed(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    (tmp_path / "link").symlink_to("file")
    assert read_small(tmp_path / "link", 3) == b"abc"
    (tmp_path / "file").write_bytes(b"")
    assert read_small(str(tmp_path / "file"), 0) == b""


def test_nothing_is_none(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    (tmp_path / "dangling").symlink_to("nowhere")
    for name in ("missing", "dangling", "file/below"):
        assert read_small(tmp_path / name, 3) is None


def test_a_file_larger_than_the_limit_is_an_error(tmp_path):
    (tmp_path / "file").write_bytes(bytes((1 << 20) + 1))
    with pytest.raises(OSError, match="is larger than 1 MiB") as caught:
        read_small(tmp_path / "file", 1 << 20)
    assert (caught.value.errno, caught.value.filename) == (errno.EFBIG, str(tmp_path / "file"))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pipe", "is a pipe"),
        ("socket", "is a socket"),
        ("dir", "is a directory"),
        ("null", "is a device"),
    ],
)
def test_what_is_no_file_is_never_waited_for(tmp_path, name, text):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "dir").mkdir()
    (tmp_path / "null").symlink_to("/dev/null")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        with pytest.raises(OSError, match=text):
            read_small(tmp_path / name, 10)


def test_a_pipe_that_the_shell_has_opened_is_read_to_its_end():
    reading, writing = os.pipe()
    thread = threading.Thread(target=lambda: (os.write(writing, b"FROM x"), os.close(writing)))
    thread.start()
    try:
        assert read_small(f"/dev/fd/{reading}", 10) == b"FROM x"
    finally:
        thread.join()
        os.close(reading)


def test_kinds_have_names():
    assert kind(stat.S_IFBLK | 0o600) == "a device"
    assert kind(0) == "of an unknown type"
