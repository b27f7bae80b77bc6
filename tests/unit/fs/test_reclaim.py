"""How much is free when files go."""

from __future__ import annotations

from pathlib import Path

from jettison.fs.reclaim import reclaimed_bytes


def test_a_byte_counts_once_and_only_when_its_last_name_goes(tmp_path: Path) -> None:
    for name in ("one", "two", "stays"):
        (tmp_path / name).mkdir()
    (tmp_path / "one/own").write_bytes(bytes(10))
    (tmp_path / "one/both").write_bytes(bytes(100))
    (tmp_path / "two/both").hardlink_to(tmp_path / "one/both")
    (tmp_path / "one/kept").write_bytes(bytes(1000))
    (tmp_path / "stays/kept").hardlink_to(tmp_path / "one/kept")
    (tmp_path / "one/link").symlink_to("own")
    (tmp_path / "blob").write_bytes(bytes(7))
    one, two = tmp_path / "one", tmp_path / "two"
    assert reclaimed_bytes([one]) == 10
    assert reclaimed_bytes([one, two, tmp_path / "blob", tmp_path / "vanished"]) == 117
    assert reclaimed_bytes([one, two, tmp_path / "stays"]) == 1110
