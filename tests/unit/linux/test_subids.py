"""Subordinate ids: reading what was lent, and saying how to get some."""

from __future__ import annotations

import pytest

from jettison.errors import HostError
from jettison.linux import subids


def test_ranges_belong_to_a_name_or_a_number():
    text = "ann:100000:65536\n1000:300000:10\nbob:200000:65536\n"
    assert subids.parse_ranges(text, {"ann", "1000"}) == [(100000, 65536), (300000, 10)]


@pytest.mark.parametrize(
    "line", ["", "# ann:1:2", "ann", "ann:x:1", "ann:1:-5", "ann:1:0", "a:b:c:d"]
)
def test_lines_that_are_no_ranges_are_skipped(line):
    assert subids.parse_ranges(line, {"ann"}) == []


def test_ranges_follow_each_other_inside():
    made = subids.mapping(1000, [(100000, 1000), (5000, 7)])
    assert made == ["0", "1000", "1", "1", "100000", "1000", "1001", "5000", "7"]


def test_a_missing_file_is_no_ranges(tmp_path):
    assert subids.read_ranges(str(tmp_path / "none"), 1000) == []


def test_a_user_without_ids_is_told_the_command(monkeypatch):
    monkeypatch.setattr(subids, "read_ranges", lambda path, uid: [])
    with pytest.raises(HostError, match="no subordinate uids") as caught:
        subids.require("uid", 987654)
    assert "usermod --add-subuids" in caught.value.hint
    assert caught.value.hint.split("`")[1].endswith(" 987654")


def test_the_command_does_not_lend_ids_twice():
    words = subids.remedy("ann").split()
    first, last = map(int, words[2].split("-"))
    assert last - first + 1 == subids.WANTED
    for path in ("/etc/subuid", "/etc/subgid"):
        try:
            with open(path) as file:
                rows = [
                    line.split(":") for line in file.read().splitlines() if line.count(":") == 2
                ]
        except OSError:
            continue
        assert all(int(start) + int(count) <= first for _, start, count in rows)
