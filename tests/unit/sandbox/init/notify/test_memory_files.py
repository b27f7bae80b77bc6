"""Where nobody answers, files of chroots get their contents on disk."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from jettison.sandbox.init.notify.memory_files import MemoryFiles, write_all
from jettison.sandbox.init.notify.procfs import number
from jettison.sandbox.wire import MemoryFile


def test_contents_are_written_and_modes_stay(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(bytes(7))
    path.chmod(0o400)
    write_all([MemoryFile(path=b"/root" + os.fsencode(path), content=b"hunter2")], b"/root")
    assert path.read_bytes() == b"hunter2"
    assert stat.S_IMODE(path.stat().st_mode) == 0o400


def test_only_containers_with_such_files_answer_more_calls(tmp_path: Path) -> None:
    assert MemoryFiles([]).calls() == {}
    (tmp_path / "secret").write_bytes(bytes(7))
    files = MemoryFiles([MemoryFile(path=os.fsencode(tmp_path / "secret"), content=b"hunter2")])
    assert {437, number("openat")} <= files.calls().keys()
    for descriptor in files._files.values():
        assert os.pread(descriptor, 9, 0) == b"hunter2"
        os.close(descriptor)
