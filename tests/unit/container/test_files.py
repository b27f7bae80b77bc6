"""Copies out of and into trees that are hostile: nothing outside of the root is read or written."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from jettison.container.files.pack import Packer
from jettison.container.files.place import Place, is_directory
from jettison.container.files.unpack import Unpacker
from jettison.errors import ContainerError


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text("of the host")
    (tmp_path / "outside").mkdir()
    root = tmp_path / "root"
    root.mkdir()
    return root


@pytest.fixture
def descriptor(tree: Path) -> Iterator[int]:
    opened = os.open(tree, os.O_RDONLY | os.O_DIRECTORY)
    yield opened
    os.close(opened)


def archive(*entries: tuple[str, dict[str, object], bytes]) -> io.BytesIO:
    """Return a tar archive of (name, attributes, content)."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, facts, content in entries:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            for fact, value in facts.items():
                setattr(entry, fact, value)
            tar.addfile(entry, io.BytesIO(content))
    data.seek(0)
    return data


def packed(descriptor: int, name: str, as_name: str) -> tarfile.TarFile:
    sink = io.BytesIO()
    packer = Packer(sink)
    packer.add(descriptor, name, as_name)
    packer.close()
    sink.seek(0)
    return tarfile.open(fileobj=sink)


@pytest.mark.parametrize(
    ("target", "path", "leads_to"),
    [
        ("/secret", "/link", None),
        ("../secret", "/link", None),
        ("/", "/link/inner", "inner"),
        ("../../../../..", "/link/inner", "inner"),
        ("/proc/self/root", "/link/etc", None),
    ],
)
def test_paths_stay_in_their_root(
    tree: Path, descriptor: int, target: str, path: str, leads_to: str | None
) -> None:
    (tree / "inner").mkdir()
    (tree / "link").symlink_to(target)
    place = Place(descriptor, path, path)
    assert is_directory(place.mode()) is (leads_to is not None)
    if leads_to is not None:
        with place.opened() as found:
            assert os.path.samefile(f"/proc/self/fd/{found}", tree / leads_to)


def test_a_file_is_packed_as_it_is(tree: Path, descriptor: int) -> None:
    (tree / "dir/deep").mkdir(parents=True)
    (tree / "dir/file").write_text("text")
    os.link(tree / "dir/file", tree / "dir/same")
    (tree / "dir/link").symlink_to("/secret")
    (tree / "dir/\udcff").write_text("any bytes")
    os.mkfifo(tree / "dir/pipe")
    with packed(descriptor, "dir", "as") as tar:
        kinds = {each.name: each.type for each in tar}
        assert kinds["as/link"] == tarfile.SYMTYPE
        assert kinds["as/pipe"] == tarfile.FIFOTYPE
        assert kinds["as/same"] == tarfile.LNKTYPE
        assert "as/\udcff" in kinds
        assert tar.extractfile("as/file").read() == b"text"


def test_directories_without_end_are_an_error(tree: Path, descriptor: int) -> None:
    inner = os.dup(descriptor)
    for _ in range(300):
        os.mkdir("d", dir_fd=inner)
        deeper = os.open("d", os.O_RDONLY | os.O_DIRECTORY, dir_fd=inner)
        os.close(inner)
        inner = deeper
    os.close(inner)
    with pytest.raises(ContainerError, match="deeper than"):
        Packer(io.BytesIO()).add(descriptor, ".", "")


@pytest.mark.parametrize(
    "entries",
    [
        [("../out", {}, b"x")],
        [("a/../../out", {}, b"x")],
        [("l", {"type": tarfile.SYMTYPE, "linkname": "../outside"}, b""), ("l/out", {}, b"x")],
        [("l", {"type": tarfile.SYMTYPE, "linkname": "/"}, b""), ("l/out/x", {}, b"x")],
        [("h", {"type": tarfile.LNKTYPE, "linkname": "../secret"}, b""), ("h", {}, b"x")],
        [("there/out", {}, b"x")],
    ],
)
def test_no_archive_writes_outside(tree: Path, descriptor: int, entries) -> None:
    (tree / "there").symlink_to("../outside")
    with pytest.raises((ContainerError, OSError)):
        Unpacker(descriptor).unpack(archive(*entries))
    assert os.listdir(tree.parent / "outside") == []
    assert (tree.parent / "secret").read_text() == "of the host"
    assert not (tree.parent / "out").exists()


def test_a_link_that_is_there_is_replaced_and_not_written_through(
    tree: Path, descriptor: int
) -> None:
    (tree / "file").symlink_to("../secret")
    Unpacker(descriptor).unpack(archive(("file", {"mode": 0o640}, b"new")))
    assert (tree / "file").read_text() == "new"
    assert not (tree / "file").is_symlink()
    assert (tree.parent / "secret").read_text() == "of the host"


def test_set_user_id_bits_and_devices_do_not_come_to_the_host(tree: Path, descriptor: int) -> None:
    device = {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3}
    unpacker = Unpacker(descriptor)
    unpacker.unpack(archive(("su", {"mode": 0o6755}, b"x"), ("null", device, b"")))
    assert stat.S_IMODE((tree / "su").stat().st_mode) == 0o755
    assert not (tree / "null").exists()
    assert unpacker.left_out == ["`null` is a device"]
    Unpacker(descriptor, archive=True, owner=None).unpack(
        archive(("su", {"mode": 0o4755, "uid": os.getuid(), "gid": os.getgid()}, b"x"))
    )
    assert stat.S_IMODE((tree / "su").stat().st_mode) == 0o4755


def test_kinds_do_not_replace_each_other(tree: Path, descriptor: int) -> None:
    (tree / "dir").mkdir()
    (tree / "file").write_text("x")
    with pytest.raises(ContainerError, match="cannot overwrite directory"):
        Unpacker(descriptor).unpack(archive(("dir", {}, b"x")))
    with pytest.raises(ContainerError, match="cannot overwrite non-directory"):
        Unpacker(descriptor).unpack(archive(("file", {"type": tarfile.DIRTYPE}, b"")))


@pytest.mark.parametrize("data", [b"", b"x" * 2000, b"\x1f\x8b\0"])
def test_what_is_no_archive_is_an_error(descriptor: int, data: bytes) -> None:
    with pytest.raises(ContainerError, match="cannot be read"):
        Unpacker(descriptor).unpack(io.BytesIO(data))


def test_times_and_modes_are_kept(tree: Path, descriptor: int) -> None:
    (tree / "from/inner").mkdir(parents=True)
    (tree / "from/inner/file").write_text("x")
    (tree / "from/inner/file").chmod(0o421)
    for path in ("inner/file", "inner"):
        os.utime(tree / "from" / path, ns=(5 * 10**9, 5 * 10**9))
    (tree / "to").mkdir()
    sink = io.BytesIO()
    packer = Packer(sink)
    packer.add(descriptor, "from", "")
    packer.close()
    sink.seek(0)
    with Place(descriptor, "/to", "/to").opened() as target:
        Unpacker(target).unpack(sink)
    assert (tree / "to/inner").stat().st_mtime_ns == 5 * 10**9
    found = (tree / "to/inner/file").stat()
    assert (found.st_mtime_ns, stat.S_IMODE(found.st_mode)) == (5 * 10**9, 0o421)
