"""How files differ, and what that is called."""

from __future__ import annotations

import hashlib
import stat

import msgspec
import pytest

from jettison.copier.manifest import SelectedFile, SelectedFiles
from jettison.why.explanation import FileChange
from jettison.why.files import file_changes, files_finding, image_finding
from jettison.why.finding import Finding

FILE, LINK, DIRECTORY = (kind | 0o644 for kind in (stat.S_IFREG, stat.S_IFLNK, stat.S_IFDIR))


def content(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def files(**found: SelectedFile) -> SelectedFiles:
    return SelectedFiles({}, found, {}.get)


def change(now: SelectedFile, then: SelectedFile) -> FileChange:
    (found,) = file_changes(files(a=now), files(a=then))
    return found


PLAIN = SelectedFile(FILE, content("1"))


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (SelectedFile(FILE, content("2")), ("content", content("1").hex()[:6])),
        (SelectedFile(stat.S_IFREG | 0o600, content("1")), ("mode", "0644")),
        (SelectedFile(FILE, content("1"), (1, 2)), ("owner", "0:0")),
        (SelectedFile(FILE, content("1"), xattrs=b"x"), ("xattr", "")),
        (SelectedFile(FILE, content("1"), mtime_ns=b"7"), ("time", "")),
        (SelectedFile(LINK, b"b"), ("type", "file")),
        (SelectedFile(DIRECTORY), ("type", "file")),
    ],
)
def test_each_kind_of_change_is_told_from_the_others(
    now: SelectedFile, expected: tuple[str, str]
) -> None:
    found = change(now, PLAIN)
    assert (found.change, found.before) == expected


def test_a_link_that_leads_elsewhere_says_where() -> None:
    found = change(SelectedFile(LINK, b"new"), SelectedFile(LINK, b"old"))
    assert (found.change, found.before, found.after) == ("target", "old", "new")


def test_a_file_that_is_gone_and_an_equal_one_that_is_new_was_renamed() -> None:
    empty = SelectedFile(FILE, content(""))
    found = file_changes(files(b=PLAIN, d=empty), files(a=PLAIN, c=empty))
    assert [(each.change, each.path) for each in found] == [
        ("renamed", "b"),
        ("removed", "c"),
        ("added", "d"),
    ]


def test_only_directories_that_differ_are_looked_into() -> None:
    rows = {b"new": msgspec.msgpack.encode([(b"f", FILE, content("2"))])}
    rows[b"old"] = msgspec.msgpack.encode([(b"f", FILE, content("1"))])
    now = SelectedFiles({"d": b"new", "same": b"x"}, {}, rows.get)
    then = SelectedFiles({"d": b"old", "same": b"x"}, {}, rows.get)
    assert [each.path for each in file_changes(now, then)] == ["d/f"]
    del rows[b"old"]
    (found,) = file_changes(now, then)
    assert (found.path, found.note) == ("d/", "files of it not known")


def test_the_ignore_file_is_the_cause_if_it_explains_all() -> None:
    changes = [FileChange("a.log", "removed"), FileChange(".dockerignore", "content")]
    found = files_finding(changes, "v", 3, ignored_now=("*.log",))
    assert (found.cause, found.files[0].note) == ("ignore-file", "`*.log` leaves it out")
    mixed = [changes[0], FileChange("b", "added")]
    assert files_finding(mixed, "v", 3, ignored_now=("*.log",)).cause == "file-added"
    wrong = files_finding(changes[:1], "v", 3, ignored_now=("[",))
    assert wrong.cause == "file-removed"


def test_the_change_that_tells_most_names_the_cause() -> None:
    changes = [
        FileChange("d/", "added"),
        FileChange("d/new", "added"),
        FileChange("m", "mode", "0644", "0664"),
    ]
    found = files_finding(changes, "v", 3)
    assert found.cause == "file-added"
    assert found.text == "`d/new` is new, and 1 more changed otherwise"
    assert [each.path for each in found.files] == ["d/new", "d/", "m"]


def test_of_an_image_owners_alone_are_another_cause_than_files() -> None:
    moved = Finding("base-moved", "`x` is another image", "v", 1, "x")
    owner = FileChange("a", "owner", "0:0", "1:1")
    assert image_finding(moved, [owner]).cause == "file-owner"
    assert image_finding(moved, [owner, FileChange("b", "content")]).cause == "base-moved"
    assert image_finding(moved, []).cause == "base-moved"
