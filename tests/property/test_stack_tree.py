"""A stack of layers seen without a mount is what the kernel's overlay mount of it shows."""

from __future__ import annotations

import itertools
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jettison.fs.overlay_form import (
    lowers_in_effect,
    make_opaque,
    make_whiteout,
    overlay_xattr_prefix,
)
from jettison.fs.tree import Tree
from jettison.fs.xattr import USER_PREFIX
from jettison.snapshot.stack import StackTree
from outline_rig import in_place, outlined
from ownership_rig import OWNERSHIP

pytestmark = [
    pytest.mark.needs_root,
    pytest.mark.skipif(os.geteuid() != 0, reason="mounts need root"),
]

NAMES = st.sampled_from(["a", "b", "c", "é"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
RAW_OPS = st.tuples(
    st.sampled_from(["file", "directory", "symlink", "whiteout", "opaque", "fifo"]),
    PATHS,
    st.integers(0, 3),
)
RAW_LAYERS = st.lists(st.lists(RAW_OPS, max_size=8), min_size=1, max_size=5)
LIVE_OPS = st.tuples(
    st.sampled_from(["write", "mkdir", "symlink", "remove", "rename", "link", "chmod"]),
    PATHS,
    PATHS,
)
LIVE_LAYERS = st.lists(st.lists(LIVE_OPS, max_size=6), min_size=1, max_size=4)

counter = itertools.count()


@pytest.fixture(scope="module")
def area(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stack")


@contextmanager
def mounted(lowers: list[Path], at: Path, upper: Path | None = None) -> Iterator[Path]:
    """Mount directories, base first, with ``upper`` writable on top of them."""
    at.mkdir()
    if upper is None:
        (empty := at.with_name("empty")).mkdir(exist_ok=True)
        lowers = [empty, *lowers]  # the kernel wants two lower directories
    options = "lowerdir=" + ":".join(path.name for path in reversed(lowers))
    if upper is not None:
        (work := at.with_name(f"work{next(counter)}")).mkdir()
        options += f",upperdir={upper.name},workdir={work.name}"
    if overlay_xattr_prefix() == USER_PREFIX:
        options += ",userxattr"
    command = ["mount", "-t", "overlay", "overlay", "-o", options, at.name]
    subprocess.run(command, check=True, cwd=at.parent)
    try:
        yield at
    finally:
        subprocess.run(["umount", os.fspath(at)], check=True)
        at.rmdir()


def describe_host(root: Path) -> dict[str, tuple[object, ...]]:
    """Walk a mount: path to type, permissions, owner and content."""
    found: dict[str, tuple[object, ...]] = {}
    pending = [""]
    while pending:
        directory = pending.pop()
        for name in os.listdir(os.fspath(root) + directory):
            path = f"{directory}/{name}"
            host = os.fspath(root) + path
            try:
                facts = os.lstat(host)
            except FileNotFoundError:
                continue  # a whiteout in a directory that is not merged is listed, yet not there
            found[path] = (facts.st_mode, facts.st_uid, facts.st_gid, content_of(host, facts))
            if stat.S_ISDIR(facts.st_mode):
                pending.append(path)
    return found


def content_of(host: str, facts: os.stat_result) -> object:
    if stat.S_ISREG(facts.st_mode):
        return Path(host).read_bytes()
    return os.readlink(host) if stat.S_ISLNK(facts.st_mode) else None


def describe_tree(tree: Tree) -> dict[str, tuple[object, ...]]:
    """Walk a tree by its own methods, as ``describe_host``."""
    found: dict[str, tuple[object, ...]] = {}
    pending = [""]
    while pending:
        directory = pending.pop()
        for name in tree.names(directory or "/"):
            path = f"{directory}/{name}"
            facts = tree.lstat(path)
            assert facts is not None
            content: object = None
            if facts.is_file:
                content = Path(tree.host_path(path)).read_bytes()
            elif facts.is_symlink:
                content = tree.readlink(path)
            found[path] = (facts.mode, facts.uid, facts.gid, content)
            if facts.is_dir:
                pending.append(path)
    return found


def grown(directories: list[Path]) -> StackTree:
    """Return the tree of a stack as a build makes it: from that of the stack before each step."""
    tree: StackTree | None = None
    for count in range(1, len(directories) + 1):
        tree = StackTree(directories[:count], OWNERSHIP, below=tree)
    assert tree is not None
    return tree


def apply_raw(layer: Path, kind: str, path: str, number: int) -> None:
    """Put one entry into a layer directory, unless something is in its way."""
    target = layer / path
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        match kind:
            case "file" if not target.exists():
                target.write_text(f"{layer.name}{number}")
            case "directory":
                target.mkdir(0o700 + number)
            case "symlink":
                target.symlink_to("abc"[number % 3])
            case "fifo":
                os.mkfifo(target)
            case "whiteout":
                make_whiteout(os.fspath(target))
            case "opaque":
                target.mkdir(exist_ok=True)
                make_opaque(os.fspath(target))
    except OSError:
        return


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(layers=RAW_LAYERS)
def test_hand_made_layers_look_as_mounted(
    area: Path, layers: list[list[tuple[str, str, int]]]
) -> None:
    place = area / f"raw{next(counter)}"
    place.mkdir()
    directories = []
    for index, operations in enumerate(layers):
        (layer := place / f"l{index}").mkdir()
        directories.append(layer)
        for kind, path, number in operations:
            apply_raw(layer, kind, path, number)
    with mounted(list(directories), place / "merged") as root:
        expected = describe_host(root)
    assert describe_tree(StackTree(directories, OWNERSHIP)) == expected
    assert describe_tree(grown(directories)) == expected
    assert describe_tree(outlined(directories)) == expected
    assert describe_tree(in_place(directories)) == expected
    assert grown(directories).lstat("/") == StackTree(directories, OWNERSHIP).lstat("/")
    shutil.rmtree(place)


def apply_live(root: Path, kind: str, path: str, other: str) -> None:
    """Change a mounted file system as a build step would."""
    target, second = root / path, root / other
    try:
        match kind:
            case "write":
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(path + other)
            case "mkdir":
                target.mkdir(parents=True)
            case "symlink":
                target.symlink_to(other)
            case "rename":
                target.rename(second)
            case "link":
                second.hardlink_to(target)
            case "chmod":
                target.chmod(0o705)
            case _ if target.is_dir() and not target.is_symlink():
                shutil.rmtree(target)
            case _:
                target.unlink()
    except OSError:
        return


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(layers=LIVE_LAYERS)
def test_layers_that_the_kernel_wrote_look_as_they_did_when_they_were_written(
    area: Path, layers: list[list[tuple[str, str, str]]]
) -> None:
    place = area / f"live{next(counter)}"
    place.mkdir()
    (base := place / "base").mkdir()
    directories = [base]
    expected: dict[str, tuple[object, ...]] = {}
    for index, operations in enumerate(layers):
        (upper := place / f"l{index}").mkdir()
        with mounted(directories, place / "merged", upper) as root:
            for kind, path, other in operations:
                apply_live(root, kind, path, other)
            expected = describe_host(root)
        directories.append(upper)
        assert describe_tree(StackTree(directories, OWNERSHIP)) == expected
        assert describe_tree(outlined(directories)) == expected
        assert describe_tree(in_place(directories)) == expected
    assert describe_tree(grown(directories)) == describe_tree(StackTree(directories, OWNERSHIP))
    shutil.rmtree(place)


def test_an_opaque_root_hides_all_layers_below_and_mounts_must_be_cut_there(area: Path) -> None:
    place = area / f"root{next(counter)}"
    place.mkdir()
    _, middle, top = directories = [place / name for name in ("base", "middle", "top")]
    for directory in directories:
        directory.mkdir()
        (directory / directory.name).write_text("x")
    make_opaque(os.fspath(middle))
    assert list(lowers_in_effect(directories)) == [middle, top]
    with mounted([*lowers_in_effect(directories)], place / "cut") as root:
        expected = describe_host(root)
    assert describe_tree(grown(directories)) == expected
    assert set(expected) == {"/middle", "/top"}
    assert describe_tree(StackTree(directories, OWNERSHIP)) == expected
    with mounted(directories, place / "whole") as root:
        assert "/base" in describe_host(root), "the kernel now honours opaque roots"


@pytest.mark.needs_userns
def test_the_same_holds_in_a_user_namespace(tmp_path: Path) -> None:
    if overlay_xattr_prefix() == USER_PREFIX:
        pytest.skip("this is the test in the user namespace")
    enter = ["unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run([*enter, "true"], capture_output=True, check=False).returncode != 0:
        if os.environ.get("CI"):
            pytest.fail("no user namespaces here")
        pytest.skip("no user namespaces here")
    root = Path(__file__).parents[2]
    tests = [Path(__file__), root / "tests/contract/test_layer_store.py"]
    command = [
        *enter, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
        f"--basetemp={tmp_path}/tmp", *map(os.fspath, tests),
        "-k", "not user_namespace and not without_any_privilege",
    ]  # fmt: skip
    environment = {
        **os.environ,
        "HYPOTHESIS_STORAGE_DIRECTORY": f"{tmp_path}/hypothesis",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    environment.pop("PYTEST_XDIST_WORKER", None)
    done = subprocess.run(
        command, env=environment, cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "skipped" not in done.stdout
