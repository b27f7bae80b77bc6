"""Other programs' tars are unpacked as they would, and ours are unpacked by them alike."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile

import pytest

from archive_rig import unpack
from jettison.layer.codec import pack_layer, unpack_layer
from layer_archives import facts
from ownership_rig import OWNERSHIP

pytestmark = [
    pytest.mark.needs_root,
    pytest.mark.skipif(os.geteuid() != 0, reason="sets owners and makes devices"),
]


def tool(name):
    path = shutil.which(name)
    if path is None:
        if os.environ.get("CI"):
            pytest.fail(f"{name} is not installed")
        pytest.skip(f"{name} is not installed")
    return path


def run(*argv):
    subprocess.run(argv, check=True, capture_output=True, timeout=60)


@pytest.fixture
def tree(tmp_path):
    """A tree with all that tars can say, but no whiteouts."""
    root = tmp_path / "tree"
    deep = root / "usr" / ("d" * 120) / ("e" * 120)
    deep.mkdir(parents=True)
    (deep / "größe.txt").write_bytes(b"unicode")
    (root / "empty").touch()
    (root / "binary").write_bytes(bytes(range(256)) * 5000)
    os.link(root / "binary", root / "usr/hard")
    (root / "link").symlink_to("/usr/" + "t" * 150)
    (root / "setuid").write_bytes(b"s")
    os.chown(root / "setuid", 3_000_000, 42)
    (root / "setuid").chmod(0o6755)
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)
    os.mknod(root / "null", 0o20666, os.makedev(1, 3))
    os.mkfifo(root / "pipe", 0o600)
    with (root / "sparse").open("wb") as file:
        file.truncate(3_000_000)
        for offset in (100_000, 1_500_000, 2_900_000):
            file.seek(offset)
            file.write(b"island")
    os.setxattr(root / "binary", "user.note", b"v\xff\0w")
    for number, path in enumerate([*sorted(root.rglob("*"))][::-1]):
        os.utime(path, (1_500_000_000 + number,) * 2, follow_symlinks=False)
    return root


@pytest.fixture
def into(tmp_path):
    path = tmp_path / "into"
    path.mkdir()
    return path


def without_xattrs(found):
    return {name: fact[:-1] for name, fact in found.items()}


def unpack_file(path, into):
    with path.open("rb") as stream:
        return unpack_layer(stream, "auto", into, OWNERSHIP, None)[0]


GNU = [
    ("--format=gnu", "--sparse", "--no-xattrs"),
    ("--format=oldgnu", "--sparse", "--no-xattrs"),
    ("--format=posix", "--sparse", "--sparse-version=0.0", "--no-xattrs"),
    ("--format=posix", "--sparse", "--sparse-version=0.1", "--no-xattrs"),
    ("--format=posix", "--sparse", "--sparse-version=1.0", "--no-xattrs"),
    ("--format=posix", "--xattrs"),
]


@pytest.mark.parametrize("options", GNU, ids=" ".join)
@pytest.mark.parametrize("root", [".", "names"])
def test_tars_of_gnu_tar_are_unpacked(tree, into, tmp_path, options, root):
    output = tmp_path / "a.tar"
    members = ["."] if root == "." else sorted(os.listdir(tree))
    run(tool("tar"), *options, "-C", str(tree), "-cf", str(output), *members)
    result = unpack_file(output, into)
    keep = facts if "--xattrs" in options else lambda path: without_xattrs(facts(path))
    assert keep(into) == keep(tree)
    assert result.notes == ()
    if "--sparse" in options:
        assert (into / "sparse").stat().st_blocks * 512 < 1_000_000


@pytest.mark.parametrize("form", ["pax", "gnutar"])
def test_tars_of_bsdtar_are_unpacked(tree, into, tmp_path, form):
    output = tmp_path / "a.tar"
    run(tool("bsdtar"), "--format", form, "-C", str(tree), "-cf", str(output), ".")
    unpack_file(output, into)
    keep = facts if form == "pax" else lambda path: without_xattrs(facts(path))
    assert keep(into) == keep(tree)


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT], ids=["gnu", "pax"])
@pytest.mark.parametrize("compression", ["gz", "bz2", "xz"])
def test_tars_of_the_standard_library_are_unpacked(tree, into, tmp_path, form, compression):
    output = tmp_path / "a.tar"
    with tarfile.open(output, f"w:{compression}", format=form) as tar:
        for name in sorted(os.listdir(tree)):
            tar.add(tree / name, name)
    unpack_file(output, into)
    assert without_xattrs(facts(into)) == without_xattrs(facts(tree))


@pytest.fixture
def ours(tree, tmp_path):
    def pack(compression="none"):
        output = tmp_path / "ours"
        with output.open("wb") as file:
            pack_layer(tree, OWNERSHIP, file.write, compression)
        return output

    return pack


def test_gnu_tar_unpacks_ours(tree, into, ours):
    run(tool("tar"), "--xattrs", "--numeric-owner", "-C", str(into), "-xpf", str(ours()))
    assert facts(into) == facts(tree)


def test_bsdtar_unpacks_ours(tree, into, ours):
    run(tool("bsdtar"), "--numeric-owner", "-C", str(into), "-xpf", str(ours()))
    assert facts(into) == facts(tree)


def test_the_standard_library_unpacks_ours(tree, into, ours):
    with tarfile.open(ours("gzip")) as tar:
        unpack(tar, into, trusted=True)
    for path in (into / "link", tree / "link"):  # whose time that library does not set
        os.utime(path, (1, 1), follow_symlinks=False)
    assert without_xattrs(facts(into)) == without_xattrs(facts(tree))


@pytest.mark.parametrize(("program", "compression"), [("gzip", "gzip"), ("zstd", "zstd")])
def test_programs_find_our_streams_intact(ours, program, compression):
    packed = ours(compression)
    named = packed.rename(packed.with_suffix({"gzip": ".gz", "zstd": ".zst"}[program]))
    run(tool(program), "-t", str(named))
