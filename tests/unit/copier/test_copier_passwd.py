"""USER, --chown and WORKDIR's owner."""

from __future__ import annotations

import pytest

from copy_rig import Bench
from jettison.copier.passwd import Owner, UserIds, resolve_owner, resolve_user
from jettison.errors import ContextError
from jettison.fs.tree import Tree
from jettison.snapshot.stack import StackTree
from ownership_rig import OWNERSHIP

PASSWD = """root:x:0:0:root:/root:/bin/sh
# a comment:x:1:1
broken line
bad:x:ten:10::/:
u:x:1000:1001::/home/u:/bin/sh

nohome:x:1002:1002
"""
GROUP = """root:x:0:
wheel:x:10:root,u
extra:x:2000:other,u
u:x:3000:
"""


@pytest.fixture
def tree(bench: Bench) -> Tree:
    return bench.stage({"etc/passwd": PASSWD, "etc/group": GROUP})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", UserIds(0, 0, (0, 10), "/root")),
        ("root", UserIds(0, 0, (0, 10), "/root")),
        ("u", UserIds(1000, 1001, (1001, 10, 2000), "/home/u")),
        ("1000", UserIds(1000, 1001, (1001, 10, 2000), "/home/u")),
        ("u:u", UserIds(1000, 3000, (3000,), "/home/u")),
        ("u:2000", UserIds(1000, 2000, (2000,), "/home/u")),
        ("u:4242", UserIds(1000, 4242, (4242,), "/home/u")),
        ("7777", UserIds(7777, 0, (0,), "/")),
        ("7777:extra", UserIds(7777, 2000, (2000,), "/")),
        ("nohome", UserIds(1002, 1002, (1002,), "/")),
        (":extra", UserIds(0, 2000, (2000,), "/root")),
    ],
)
def test_user_means_what_docker_says(tree: Tree, text: str, expected: UserIds) -> None:
    assert resolve_user(text, tree) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("u", Owner(1000, 1001)),
        ("1000", Owner(1000, 1000)),
        ("u:", Owner(1000, 1001)),
        ("1000:", Owner(1000, 1000)),
        ("u:0", Owner(1000, 0)),
        ("1:u", Owner(1, 3000)),
        (":wheel", Owner(0, 10)),
        ("4294967294", Owner(4294967294, 4294967294)),
    ],
)
def test_an_owner_that_is_a_number_is_its_own_group(tree: Tree, text: str, expected: Owner) -> None:
    assert resolve_owner(text, tree) == expected


def test_root_needs_no_entry() -> None:
    empty = StackTree((), OWNERSHIP)
    assert resolve_owner("root", empty) == Owner(0, 0)
    assert resolve_owner("root:root", None) == Owner(0, 0)
    assert resolve_user("0:0", empty) == UserIds(0, 0, (0,), "/")


@pytest.mark.parametrize("text", ["nosuch", "bad", "nosuch:0"])
def test_an_unknown_user_is_an_error(tree: Tree, text: str) -> None:
    name = text.partition(":")[0]
    for find in (resolve_user, resolve_owner):
        with pytest.raises(
            ContextError, match=f"unable to find user {name}: no matching entries in passwd file"
        ):
            find(text, tree)


def test_an_unknown_group_is_an_error(tree: Tree) -> None:
    for find in (resolve_user, resolve_owner):
        with pytest.raises(
            ContextError, match="unable to find group nosuch: no matching entries in group file"
        ):
            find("0:nosuch", tree)


@pytest.mark.parametrize("number", ["4294967295", "9" * 19, "9" * 20, "9" * 5000])
@pytest.mark.parametrize("form", ["{}", "0:{}", "{}:0"])
def test_a_number_out_of_range_is_an_error(tree: Tree, form: str, number: str) -> None:
    for find in (resolve_user, resolve_owner):
        with pytest.raises(ContextError, match="must be in range 0-4294967294"):
            find(form.format(number), tree)


def test_numbers_go_up_to_the_largest_of_linux(tree: Tree) -> None:
    largest = 4294967294
    assert resolve_user("2147483648", tree) == UserIds(2147483648, 0, (0,), "/")
    assert resolve_user(f"{largest}:{largest}", tree) == UserIds(largest, largest, (largest,), "/")
    assert resolve_owner("0" * 30 + "7", tree) == Owner(7, 7)


def test_root_of_an_owner_is_0_whatever_the_image_says(bench: Bench) -> None:
    tree = bench.stage({"etc/passwd": "root:x:5:6::/:\n", "etc/group": "root:x:7:\n"})
    assert resolve_owner("root", tree) == Owner(0, 0)
    assert resolve_owner("root:root", tree) == Owner(0, 0)
    assert resolve_user("root:root", tree) == UserIds(5, 7, (7,), "/")


@pytest.mark.parametrize("number", ["4294967295", str(1 << 40), "9" * 30])
def test_entries_with_impossible_numbers_are_none(bench: Bench, number: str) -> None:
    tree = bench.stage(
        {
            "etc/passwd": f"a:x:{number}:1::/:\nb:x:1:{number}::/:\nc:x:3:4::/:\n",
            "etc/group": f"g:x:{number}:c\nh:x:9:c\n",
        }
    )
    for name in ("a", "b"):
        for find in (resolve_user, resolve_owner):
            with pytest.raises(ContextError, match=f"unable to find user {name}"):
                find(name, tree)
    assert resolve_user("c", tree).groups == (4, 9)
    with pytest.raises(ContextError, match="unable to find group g"):
        resolve_owner("0:g", tree)


def test_links_of_the_files_stay_inside_the_tree(bench: Bench) -> None:
    tree = bench.stage(
        {
            "etc/passwd": "-> ../../../../usr/lib/passwd",
            "usr/lib/passwd": "x:x:5:6::/x:\n",
            "etc/group": "-> group",
        }
    )
    assert resolve_user("x", tree) == UserIds(5, 6, (6,), "/x")
