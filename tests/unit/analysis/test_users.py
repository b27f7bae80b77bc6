"""Users of a root file system, and what one may do with a file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jettison.analysis.rootfs import Rootfs
from jettison.analysis.users import Identity, Right, accounts, identity, refusal
from unit.analysis.tree_rig import files_of

_PASSWD = "root::0:0:root:/root:/bin/sh\n# comment\nbroken\nweb:x:33:34::/:\nbad:x:-1:y\n"
_GROUP = "root:x:0:\nweb:x:34:\nlog:x:50:web,other\n"


def _root(path: Path) -> Rootfs:
    contents = {
        "etc/passwd": _PASSWD,
        "etc/group": _GROUP,
        "etc/shadow": "root:*:1::::::\nweb::1::::::\n",
    }
    return Rootfs(files_of(path, contents))


def test_lines_that_are_none_are_passed_by(tmp_path: Path) -> None:
    found = accounts(_root(tmp_path))
    assert [(each.name, each.uid, each.gid) for each in found.users] == [
        ("root", 0, 0),
        ("web", 33, 34),
    ]
    assert [each.password for each in found.users] == ["*", ""]


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("", Identity(0, 0, frozenset({0}), "root")),
        ("web", Identity(33, 34, frozenset({34, 50}), "web")),
        ("33", Identity(33, 34, frozenset({34, 50}), "web")),
        ("web:log", Identity(33, 50, frozenset({50}), "web")),
        ("1000", Identity(1000, 0, frozenset({0}))),
        ("1000:1001", Identity(1000, 1001, frozenset({1001}))),
        ("nobody", None),
        ("web:nogroup", None),
    ],
)
def test_whom_user_means(tmp_path: Path, text: str, who: Identity | None) -> None:
    assert identity(accounts(_root(tmp_path)), text) == who


@pytest.mark.skipif(os.geteuid() != 0, reason="sets owners")
def test_what_refuses_a_user_is_named(tmp_path: Path) -> None:
    files = {"a/own": "", "a/group": "", "a/all": "", "a/link": "->/closed/x", "closed/x": ""}
    modes = {"a/own": 0o400, "a/group": 0o040, "a/all": 0o755, "closed/x": 0o777, "closed": 0o700}
    for path, content in files.items():
        file = tmp_path / path
        file.parent.mkdir(exist_ok=True)
        file.symlink_to(content[2:]) if content else file.write_text("")
    for path, mode in modes.items():
        os.chmod(tmp_path / path, mode)
    os.chown(tmp_path / "a/own", 5, 5)
    os.chown(tmp_path / "a/group", 0, 6)
    tree = files_of(tmp_path, {})

    def refused(path: str, who: Identity, right: Right) -> str:
        found = refusal(tree, path, who, right)
        return "" if found is None else f"{found.path} {found.right.name}"

    owner, member, other = (
        Identity(5, 5, frozenset({5})),
        Identity(7, 7, frozenset({6})),
        Identity(8),
    )
    assert refused("/a/own", owner, Right.READ) == ""
    assert refused("/a/own", owner, Right.WRITE | Right.READ) == "/a/own WRITE"
    assert refused("/a/group", member, Right.READ) == ""
    assert refused("/a/group", other, Right.READ) == "/a/group READ"
    assert refused("/a/all", other, Right.READ | Right.EXECUTE) == ""
    assert refused("/a/link", other, Right.READ) == "/closed EXECUTE"
    assert refused("/a/group", Identity(0), Right.READ | Right.WRITE) == ""
    assert refused("/a/own", Identity(0), Right.EXECUTE) == "/a/own EXECUTE"
    assert refused("/none", other, Right.READ) == ""
