"""What of a change is left out since it changes nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jettison.snapshot.stack import StackTree
from jettison.snapshot.unchanged import leave_out_unchanged
from ownership_rig import OWNERSHIP

SPARSE = 4 << 40
"""No file of this size can be read in a test."""


def write(path: Path, *parts: tuple[int, bytes], size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)
        for offset, data in parts:
            os.pwrite(file.fileno(), data, offset)
    os.utime(path, ns=(0, 0))


@pytest.mark.parametrize(
    ("below", "above", "goes"),
    [
        ([(1 << 30, b"x")], [(1 << 30, b"x")], True),
        ([(1 << 30, b"x")], [(1 << 30, b"y")], False),
        ([(1 << 30, b"x")], [(1 << 31, b"x")], False),
        ([], [(1 << 31, b"x")], False),
        ([(1 << 31, b"x")], [], False),
        ([(0, bytes(4096))], [], True),
    ],
)
def test_files_with_holes_are_compared_by_their_data(
    tmp_path: Path,
    below: list[tuple[int, bytes]],
    above: list[tuple[int, bytes]],
    goes: bool,
) -> None:
    for name, parts in (("below", below), ("above", above)):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "file", *parts, size=SPARSE)
    dropped = leave_out_unchanged(
        tmp_path / "above", OWNERSHIP, StackTree([tmp_path / "below"], OWNERSHIP), clock_ns=0
    )
    assert dropped == (["/file"] if goes else [])
    assert (tmp_path / "above/file").exists() is not goes


@pytest.mark.parametrize("change", [b"A", b""])
def test_files_without_holes_are_compared_whole(tmp_path: Path, change: bytes) -> None:
    data = os.urandom(3 << 20)
    for name, text in (("below", data), ("above", data[: -len(change) or None] + change)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_bytes(text)
        os.utime(tmp_path / name / "file", ns=(0, 0))
    dropped = leave_out_unchanged(
        tmp_path / "above", OWNERSHIP, StackTree([tmp_path / "below"], OWNERSHIP), clock_ns=0
    )
    assert dropped == ([] if change and not data.endswith(change) else ["/file"])
