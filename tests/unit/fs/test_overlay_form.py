"""Whiteouts on a disk that has device files, and on overlayfs, which has none."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from jettison.fs.overlay_form import is_whiteout, make_whiteout
from jettison.snapshot.changes import change_digests
from jettison.snapshot.stack import StackTree
from ownership_rig import OWNERSHIP


@pytest.mark.needs_root
def test_a_whiteout_on_an_overlay_is_a_socket_that_hides_as_well(on_an_overlay: Path) -> None:
    below, above = on_an_overlay / "below", on_an_overlay / "above"
    for layer in (below, above):
        layer.mkdir()
    (below / "gone").write_text("")
    make_whiteout(os.fspath(above / "gone"))
    assert is_whiteout((above / "gone").lstat())
    assert stat.S_ISSOCK((above / "gone").lstat().st_mode)
    assert StackTree([below, above], OWNERSHIP).names("/") == []
    device = on_an_overlay.parent / "device"
    device.mkdir()
    make_whiteout(os.fspath(device / "gone"))
    assert stat.S_ISCHR((device / "gone").lstat().st_mode)
    assert change_digests(above, OWNERSHIP) == change_digests(device, OWNERSHIP)


def test_a_socket_that_somebody_may_use_is_no_whiteout(tmp_path: Path) -> None:
    os.mknod(tmp_path / "socket", stat.S_IFSOCK | 0o600)
    assert not is_whiteout((tmp_path / "socket").lstat())
