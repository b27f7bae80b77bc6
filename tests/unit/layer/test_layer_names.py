from __future__ import annotations

import pytest

from jettison.errors import UnsafeArchiveError
from jettison.layer.names import check_link, clean_name, hidden_name, join, split


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        (b"usr/bin", b"usr/bin"),
        (b"./usr/bin/", b"usr/bin"),
        (b"/etc/passwd", b"etc/passwd"),
        (b"//a///b//", b"a/b"),
        (b"a/./b/../c", b"a/c"),
        (b"a/..", b""),
        (b".", b""),
        (b"/", b""),
        (b"...", b"..."),
        (b"a..b/..c", b"a..b/..c"),
    ],
)
def test_names_become_relative_and_clean(name, clean):
    assert clean_name(name) == clean


@pytest.mark.parametrize(
    "name", [b"..", b"../etc/passwd", b"a/../../b", b"/../x", b"./..", b"a/b/../../.."]
)
def test_names_that_leave_the_root_are_refused(name):
    with pytest.raises(UnsafeArchiveError, match="leaves the root"):
        clean_name(name)


def test_names_longer_than_linux_allows_are_refused():
    assert clean_name(b"n" * 255)
    for name in (b"n" * 256, b"/".join([b"d" * 200] * 21)):
        with pytest.raises(UnsafeArchiveError, match="longer than Linux allows"):
            clean_name(name)


def test_a_nul_in_a_name_is_refused():
    with pytest.raises(UnsafeArchiveError, match="NUL"):
        clean_name(b"a\0b")


@pytest.mark.parametrize("target", [b"", b"x\0y", b"t" * 4096])
def test_impossible_targets_are_refused(target):
    with pytest.raises(UnsafeArchiveError, match="impossible target"):
        check_link(b"link", target)


@pytest.mark.parametrize("base", [b".wh.", b".wh..", b".wh..."])
def test_whiteouts_of_the_directory_itself_are_refused(base):
    with pytest.raises(UnsafeArchiveError, match="whiteout of no name"):
        hidden_name(base)


def test_split_and_join_are_inverse():
    for name in (b"a", b"a/b", b"a/b/c"):
        assert join(*split(name)) == name
