"""A tree as an archive: what vanishes while it is written."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from jettison.events import no_progress
from jettison.exporter.rootfs_tar import END, TarWriter
from jettison.snapshot.stack import StackTree
from ownership_rig import OWNERSHIP


class Vanishing(StackTree):
    """Files, of which one vanishes when its attributes are read."""

    def xattrs(self, path: str) -> dict[str, bytes]:
        found = super().xattrs(path)
        if path == "/b":
            os.unlink(self.host_path(path))
        return found


@pytest.fixture
def tree(tmp_path: Path) -> Vanishing:
    for name in "abc":
        (tmp_path / name).write_text(name)
    return Vanishing([tmp_path], OWNERSHIP)


def test_of_an_image_a_file_that_vanishes_is_an_error(tree: Vanishing) -> None:
    with pytest.raises(FileNotFoundError):
        TarWriter(io.BytesIO(), "", None, no_progress).write(tree)


def test_of_a_container_it_is_left_out(tree: Vanishing) -> None:
    sink = io.BytesIO()
    TarWriter(sink, "", None, no_progress).write(tree, changes=True)
    sink.write(END)
    sink.seek(0)
    with tarfile.open(fileobj=sink) as archive:
        assert archive.getnames() == ["a", "c"]
