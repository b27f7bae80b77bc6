"""Links are followed as if the tree's root were the only root there is."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from jettison.fs.host_tree import HostTree
from jettison.fs.resolve import MAX_LINKS, resolve


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "usr/bin").mkdir(parents=True)
    (tmp_path / "usr/bin/tool").write_text("x")
    (tmp_path / "bin").symlink_to("usr/bin")
    (tmp_path / "absolute").symlink_to("/usr")
    (tmp_path / "escape").symlink_to("../../../../etc/passwd")
    (tmp_path / "usr/up").symlink_to("..")
    (tmp_path / "dangling").symlink_to("no/where")
    (tmp_path / "loop").symlink_to("loop")
    return tmp_path


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", "/"),
        ("", "/"),
        (".", "/"),
        ("usr/./bin//tool", "/usr/bin/tool"),
        ("/bin/tool", "/usr/bin/tool"),
        ("/absolute/bin/tool", "/usr/bin/tool"),
        ("/usr/up/bin", "/usr/bin"),
        ("/usr/up/usr/up/usr", "/usr"),
        ("/bin/..", "/usr"),
        ("/../../usr", "/usr"),
        ("/escape", "/etc/passwd"),
        ("/dangling", "/no/where"),
        ("/dangling/below/../x", "/no/where/x"),
        ("/missing/a/b", "/missing/a/b"),
        ("/usr/bin/tool/below", "/usr/bin/tool/below"),
    ],
)
def test_a_path_leads_where_it_would_in_a_chroot(root: Path, path: str, expected: str) -> None:
    assert resolve(HostTree(root), path) == expected


def test_the_last_link_can_be_kept(root: Path) -> None:
    tree = HostTree(root)
    assert resolve(tree, "/bin", follow_last=False) == "/bin"
    assert resolve(tree, "/absolute/up", follow_last=False) == "/usr/up"


def test_a_trailing_slash_makes_the_last_link_be_followed(root: Path) -> None:
    assert resolve(HostTree(root), "/bin/", follow_last=False) == "/usr/bin"
    assert resolve(HostTree(root), "/bin/.", follow_last=False) == "/usr/bin"


def test_a_loop_is_an_error(root: Path) -> None:
    with pytest.raises(OSError, match="symbolic links") as caught:
        resolve(HostTree(root), "/loop/x")
    assert caught.value.errno == errno.ELOOP


@pytest.mark.parametrize(("links", "works"), [(MAX_LINKS, True), (MAX_LINKS + 1, False)])
def test_a_chain_of_links_has_a_limit(tmp_path: Path, links: int, works: bool) -> None:
    for number in range(links):
        (tmp_path / str(number)).symlink_to(str(number + 1))
    if works:
        assert resolve(HostTree(tmp_path), "/0") == f"/{links}"
    else:
        with pytest.raises(OSError, match="symbolic links"):
            resolve(HostTree(tmp_path), "/0")
