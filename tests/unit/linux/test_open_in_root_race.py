"""Opening below a root holds while names change: openat2 asks to try again then."""

from __future__ import annotations

import os
import threading

from jettison.linux.files import open_in_root


def test_dots_are_resolved_while_others_rename(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "file").write_text("x")
    stop = threading.Event()

    def rename() -> None:
        while not stop.is_set():
            os.rename(tmp_path / "one", tmp_path / "two")
            os.rename(tmp_path / "two", tmp_path / "one")

    (tmp_path / "one").mkdir()
    thread = threading.Thread(target=rename)
    root = os.open(tmp_path, os.O_PATH)
    thread.start()
    try:
        for _ in range(3000):
            os.close(open_in_root(root, b"a/b/../../a/b/../file"))
    finally:
        stop.set()
        thread.join()
        os.close(root)
