"""Opens in watched directories are read while a program runs, and once more at its end."""

from __future__ import annotations

import os
from pathlib import Path

from jettison.linux import inotify
from jettison.sandbox.helper import opens as opens_module
from jettison.sandbox.helper.opens import OpenReader


def reader(*directories: Path, unwatched: tuple[str, ...] = ()) -> OpenReader:
    descriptor = inotify.create()
    watches = [inotify.watch_opens(descriptor, os.fsencode(each)) for each in directories]
    names = [*map(str, directories), *unwatched]
    return OpenReader(descriptor, names, [*watches, *(-1 for _ in unwatched)])


def test_files_and_listed_directories_are_told_apart(tmp_path: Path):
    (tmp_path / "sub").mkdir()
    for name in ("a", "b", "sub/c"):
        (tmp_path / name).write_text(name)
    opens = reader(tmp_path, tmp_path / "sub")
    (tmp_path / "a").read_bytes()
    (tmp_path / "b").stat()
    os.listdir(tmp_path / "sub")
    found = opens.finish()
    assert found.files == {f"{tmp_path}/a"}
    assert found.listed == {f"{tmp_path}/sub"}
    assert (found.directories, found.is_whole) == ({str(tmp_path), f"{tmp_path}/sub"}, True)


def test_many_opens_are_no_loss(tmp_path: Path):
    names = [f"f{number}" for number in range(1000)]
    for name in names:
        (tmp_path / name).touch()
    opens = reader(tmp_path)
    for _ in range(30):  # more than the queue of the kernel holds
        for name in names:
            os.close(os.open(tmp_path / name, os.O_RDONLY))
    found = opens.finish()
    assert len(found.files) == len(names)


def test_what_is_not_watched_is_missed(tmp_path: Path):
    opens = reader(tmp_path, unwatched=("/elsewhere",))
    (tmp_path / os.fsdecode(b"\xff")).touch()
    found = opens.finish()
    assert found.files == {f"{tmp_path}/\udcff"}
    assert (found.directories, found.is_whole) == ({str(tmp_path)}, False)


def test_a_queue_that_overflows_is_told(tmp_path: Path):
    opens = reader(tmp_path)
    opens._take(-1, inotify.OVERFLOWED, b"")
    assert not opens.finish().is_whole


def test_names_are_kept_up_to_a_limit(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(opens_module, "_MOST_FILES", 2)
    opens = reader(tmp_path)
    for number in range(4):
        (tmp_path / f"f{number}").touch()
    found = opens.finish()
    assert (len(found.files), found.is_whole) == (2, False)
