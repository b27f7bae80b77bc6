"""Files and directories of exports: whole under their name, or not there at all."""

from __future__ import annotations

import io
import os
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from jettison.errors import ExportError
from jettison.exporter.destination import (
    export_errors,
    is_empty,
    new_directory,
    open_file,
    require_place,
)


def test_a_file_gets_its_name_when_it_is_whole(tmp_path):
    place = tmp_path / "image.tar"
    place.write_bytes(b"before")
    with open_file(str(place), None) as file:
        file.write(b"after")
        assert place.read_bytes() == b"before"
    assert place.read_bytes() == b"after"
    with suppress(ZeroDivisionError), open_file(str(place), None) as file:
        file.write(b"half")
        raise ZeroDivisionError
    assert place.read_bytes() == b"after"
    assert os.listdir(tmp_path) == ["image.tar"]


def test_a_pipe_is_written_to_and_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    with open_file(str(tmp_path / "pipe"), None) as file:
        file.write(b"image")
    reader.join()
    assert found == [b"image"]
    assert (tmp_path / "pipe").is_fifo()


def test_standard_output_is_written_unless_it_is_a_terminal_or_none():
    stream = io.BytesIO()
    with open_file("-", stream) as file:
        file.write(b"image")
    assert stream.getvalue() == b"image"
    with (
        pytest.raises(ExportError, match="there is no standard output to write to"),
        open_file("-", None),
    ):
        pass
    master, slave = os.openpty()
    with (
        open(slave, "wb", buffering=0) as terminal,
        pytest.raises(ExportError) as caught,
        open_file("-", terminal),
    ):
        pass
    os.close(master)
    assert caught.value.message == "an archive is not written to a terminal"


def test_what_cannot_be_written_is_told(tmp_path):
    with pytest.raises(ExportError) as caught, open_file(str(tmp_path), None):
        pass
    assert caught.value.message == f"cannot write `{tmp_path}`: it is a directory"
    with pytest.raises(ExportError) as caught, open_file(f"{tmp_path}/no/image", None):
        pass
    assert caught.value.message == f"cannot write `{tmp_path}/no/image`: no such file or directory"


@pytest.mark.parametrize(
    ("error", "message", "hint"),
    [
        (BrokenPipeError(32, "x"), "cannot write to `out`: nobody reads it any more", None),
        (
            OSError(28, "No space left on device"),
            "cannot write `out`: no space left on device",
            "free some space, or write somewhere else",
        ),
        (PermissionError(13, "Permission denied"), "cannot write `out`: permission denied", None),
        (OSError("odd"), "cannot write `out`: odd", None),
    ],
)
def test_failures_of_the_system_are_errors_of_the_export(error, message, hint):
    with pytest.raises(ExportError) as caught, export_errors("out"):
        raise error
    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_a_place_is_looked_at_before_much_is_done(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for dest in ("-", "image.tar", f"{tmp_path}/image.tar"):
        require_place(dest)
    with pytest.raises(ExportError) as caught:
        require_place("no/image.tar")
    assert caught.value.message == "cannot write `no/image.tar`: there is no directory `no`"


def test_a_directory_gets_its_name_when_it_is_whole(tmp_path):
    place = tmp_path / "a/b"
    with new_directory(place) as directory:
        (directory / "file").write_text("x")
        assert not place.exists()
    assert os.listdir(place) == ["file"]
    with suppress(ZeroDivisionError), new_directory(tmp_path / "c") as directory:
        (directory / "file").write_text("x")
        raise ZeroDivisionError
    assert os.listdir(tmp_path) == ["a"]
    with pytest.raises(ExportError, match="directory not empty"), new_directory(place):
        pass
    assert os.listdir(place) == ["file"]


def test_nothing_is_lost_where_nothing_is(tmp_path: Path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    assert is_empty(tmp_path / "empty")
    assert is_empty(tmp_path / "missing")
    assert is_empty(tmp_path / "file/below")
    assert not is_empty(tmp_path)
