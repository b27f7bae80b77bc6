"""ADD of archives."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from copy_rig import CREATED_NS, Bench, copy_op, names
from jettison.copier.destination import examine
from jettison.copier.select import select
from jettison.copier.write import write
from jettison.errors import ContextError, SolveError, UnsafeArchiveError
from jettison.fs.tree import Tree
from jettison.fs.zstd import ZstdCompressor
from jettison.snapshot.stack import StackTree
from jettison.source.local import LocalTree
from ownership_rig import OWNERSHIP

pytestmark = pytest.mark.needs_root

Member = tuple[str, dict[str, object]]
T_SECONDS = 1_600_000_000


def zstd(data: bytes) -> bytes:
    return ZstdCompressor().compress(data, ZstdCompressor.FLUSH_FRAME)


def tar(*members: Member, **options: object) -> bytes:
    """Make a tar: (name, fields of TarInfo and ``data``)."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", **options) as archive:  # type: ignore[call-overload]
        for name, fields in members:
            info = tarfile.TarInfo(name)
            info.mtime = T_SECONDS
            data = b""
            for key, value in fields.items():
                if key == "data":
                    assert isinstance(value, bytes)
                    data = value
                    info.size = len(data)
                else:
                    setattr(info, key, value)
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def file(name: str, data: bytes = b"x", **fields: object) -> Member:
    return name, {"data": data, **fields}


def directory(name: str, **fields: object) -> Member:
    return name, {"type": tarfile.DIRTYPE, "mode": 0o755, **fields}


def symlink(name: str, target: str) -> Member:
    return name, {"type": tarfile.SYMTYPE, "linkname": target}


def hard_link(name: str, target: str) -> Member:
    return name, {"type": tarfile.LNKTYPE, "linkname": target}


Add = Callable[..., Path]


@pytest.fixture
def add(bench: Bench) -> Add:
    """ADD an archive to a base; return the layer's directory."""

    def run(content: bytes, dest: str = "/x/", base: Tree | None = None, **options: object) -> Path:
        context = bench.context({"t.tar": content})
        return bench.copy(copy_op("t.tar", dest, unpack=True, **options), [context], base)

    return run


@pytest.mark.parametrize(
    "compress", [lambda data: data, gzip.compress, bz2.compress, lzma.compress, zstd]
)
def test_archives_are_known_by_content(add: Add, compress: Callable[[bytes], bytes]) -> None:
    upper = add(compress(tar(file("a/b", b"content"))))
    assert names(upper) == ["x/", "x/a/", "x/a/b"]
    assert (upper / "x/a/b").read_bytes() == b"content"


@pytest.mark.parametrize("content", [b"", b"not a tar", gzip.compress(b"no", mtime=0), tar()])
def test_what_is_no_archive_is_copied(add: Add, content: bytes) -> None:
    upper = add(content, "/x/")
    assert (upper / "x/t.tar").read_bytes() == content


def test_archives_are_copied_when_that_is_asked(bench: Bench) -> None:
    context = bench.context({"t.tar": tar(file("a"))})
    for unpack in (False, None):
        upper = bench.copy(copy_op("t.tar", "/x/", unpack=unpack), [context])
        assert names(upper) == ["x/", "x/t.tar"]


def test_archives_in_a_directory_are_copied(bench: Bench) -> None:
    context = bench.context({"d/t.tar": tar(file("a"))})
    assert names(bench.copy(copy_op("d", "/x", unpack=True), [context])) == ["x/", "x/t.tar"]


def test_members_keep_owner_mode_time_and_links(add: Add) -> None:
    upper = add(
        tar(
            directory("d", mode=0o700, uid=10, gid=20),
            file("d/f", mode=0o4711, uid=11, gid=21),
            hard_link("h", "d/f"),
            symlink("l", "d/f"),
            ("p", {"type": tarfile.FIFOTYPE, "mode": 0o640}),
        )
    )
    facts = (upper / "x/d").stat()
    assert (stat.S_IMODE(facts.st_mode), facts.st_uid, facts.st_gid) == (0o700, 10, 20)
    assert facts.st_mtime == T_SECONDS
    facts = (upper / "x/d/f").stat()
    assert (stat.S_IMODE(facts.st_mode), facts.st_uid, facts.st_gid) == (0o4711, 11, 21)
    assert (upper / "x/h").samefile(upper / "x/d/f")
    assert (upper / "x/l").readlink() == Path("d/f")
    assert stat.S_ISFIFO((upper / "x/p").stat().st_mode)


def test_chown_holds_for_members_and_chmod_does_not(add: Add) -> None:
    upper = add(tar(directory("d", uid=9), file("d/f", uid=9)), owner="5:6", mode="600")
    for name in ("x", "x/d", "x/d/f"):
        facts = (upper / name).stat()
        assert (facts.st_uid, facts.st_gid) == (5, 6)
    assert stat.S_IMODE((upper / "x").stat().st_mode) == 0o755
    assert stat.S_IMODE((upper / "x/d/f").stat().st_mode) == 0o644


def test_the_root_entry_changes_nothing(bench: Bench, add: Add) -> None:
    base = bench.stage({"x": None})
    os.chmod(base.host_path("/x"), 0o700)
    upper = add(tar(directory("./", mode=0o777, uid=7), file("./f")), "/x/", base)
    facts = (upper / "x").stat()
    assert (stat.S_IMODE(facts.st_mode), facts.st_uid) == (0o700, 0)
    assert facts.st_mtime_ns == CREATED_NS


def test_an_archive_makes_a_directory_of_a_plain_destination(add: Add) -> None:
    assert names(add(tar(file("f")), "/x")) == ["x/", "x/f"]


def test_a_member_takes_the_place_of_what_is_there(bench: Bench, add: Add) -> None:
    base = bench.stage(
        {"a": "old", "l": "-> /etc/passwd", "d/keep": "kept", "was/dir/deep": "gone", "n": "file"}
    )
    content = tar(
        file("a", b"new"),
        file("l", b"a file"),
        directory("d", mode=0o700),
        file("was", b"file"),
        directory("n"),
        file("n/f"),
    )
    upper = add(content, "/", base)
    whole = StackTree([bench.tmp / "layer1", upper], OWNERSHIP)
    assert Path(whole.host_path("/a")).read_text() == "new"
    assert Path(whole.host_path("/l")).read_text() == "a file"
    assert whole.names("/d") == ["keep"]
    facts = whole.lstat("/d")
    assert facts is not None
    assert stat.S_IMODE(facts.mode) == 0o700
    assert Path(whole.host_path("/was")).read_text() == "file"
    assert whole.names("/n") == ["f"]


def test_a_directory_that_was_a_file_meanwhile_is_empty(bench: Bench, add: Add) -> None:
    base = bench.stage({"d/old": "x", "e/old": "x"})
    upper = add(tar(file("d"), directory("d"), file("d/new")), "/", base)
    whole = StackTree([bench.tmp / "layer1", upper], OWNERSHIP)
    assert whole.names("/d") == ["new"]
    assert whole.names("/e") == ["old"]


def test_the_last_member_of_a_name_wins(add: Add) -> None:
    upper = add(tar(file("f", b"1"), file("f", b"second"), symlink("g", "f"), file("g", b"3")))
    assert (upper / "x/f").read_bytes() == b"second"
    assert not (upper / "x/g").is_symlink()


def test_a_hard_link_keeps_what_its_target_was(add: Add) -> None:
    upper = add(tar(file("a", b"first"), hard_link("b", "a"), file("a", b"second")))
    assert (upper / "x/b").read_bytes() == b"first"
    assert (upper / "x/a").read_bytes() == b"second"
    assert (upper / "x/a").stat().st_nlink == 1


def test_a_link_in_the_path_of_a_member_is_followed_inside_the_destination(
    bench: Bench, add: Add
) -> None:
    base = bench.stage({"x/var/run": "-> /run"})
    upper = add(tar(file("var/run/f", b"inside"), file("up/../var/run/g")), "/x/", base)
    assert names(upper) == ["x/", "x/run/", "x/run/f", "x/run/g"]


def test_a_member_never_leaves_the_destination(bench: Bench, add: Add) -> None:
    base = bench.stage({"x/out": "-> ../../../etc", "etc/passwd": "secret"})
    upper = add(tar(symlink("l", "/etc"), file("l/f"), file("out/passwd", b"mine")), "/x/", base)
    assert names(upper) == ["x/", "x/etc/", "x/etc/f", "x/etc/passwd", "x/l"]


def test_a_name_above_the_root_is_refused(add: Add) -> None:
    with pytest.raises(UnsafeArchiveError, match="leaves the root"):
        add(tar(file("a"), file("../up")))


def test_a_directory_member_replaces_a_link(bench: Bench, add: Add) -> None:
    base = bench.stage({"real/f": "x", "l": "-> /real"})
    upper = add(tar(directory("l"), file("l/g")), "/", base)
    whole = StackTree([bench.tmp / "layer1", upper], OWNERSHIP)
    assert whole.names("/l") == ["g"]
    assert whole.names("/real") == ["f"]


def test_a_hard_link_to_a_file_of_the_base_brings_that_file_along(bench: Bench, add: Add) -> None:
    base = bench.stage({"d/f": "of the base"})
    os.chown(base.host_path("/d/f"), 5, 6)
    upper = add(tar(hard_link("h", "d/f"), hard_link("h2", "h")), "/", base)
    assert names(upper) == ["d/", "d/f", "h", "h2"]
    assert (upper / "h").read_text() == "of the base"
    assert (upper / "h").samefile(upper / "d/f")
    assert (upper / "h2").samefile(upper / "d/f")
    assert (upper / "h").stat().st_uid == 5


@pytest.mark.parametrize("target", ["nothing", "d", "../../etc/passwd"])
def test_a_hard_link_to_no_file_is_an_error(bench: Bench, add: Add, target: str) -> None:
    base = bench.stage({"d/f": "x"})
    with pytest.raises((SolveError, UnsafeArchiveError)):
        add(tar(hard_link("h", target)), "/", base)


def test_whiteouts_remove_what_the_base_has(bench: Bench, add: Add) -> None:
    base = bench.stage({"x/gone": "x", "x/stays": "x", "x/d/old": "x"})
    content = tar(
        file("x/.wh.gone"),
        file("x/.wh.never"),
        file("x/new"),
        file("x/d/.wh..wh..opq"),
        file("x/.wh.new"),
    )
    upper = add(content, "/", base)
    whole = StackTree([bench.tmp / "layer1", upper], OWNERSHIP)
    assert whole.names("/x") == ["d", "new", "stays"]
    assert whole.names("/x/d") == []


def test_attributes_of_images_are_kept(add: Add) -> None:
    capability = bytes.fromhex("0100000200200000000000000000000000000000")
    text = capability.decode("utf-8", "surrogateescape")
    upper = add(
        tar(
            file("f", pax_headers={"SCHILY.xattr.security.capability": text}),
            file("g", pax_headers={"SCHILY.xattr.trusted.overlay.opaque": "y"}),
            format=tarfile.PAX_FORMAT,
        )
    )
    assert os.getxattr(upper / "x/f", "security.capability") == capability
    assert os.listxattr(upper / "x/g") == []


def test_several_archives_and_files_share_a_destination(bench: Bench) -> None:
    context = bench.context(
        {"a.tar": tar(file("a")), "b.tgz": gzip.compress(tar(file("b"))), "f": "f"}
    )
    upper = bench.copy(copy_op("*.tar", "b.tgz", "f", "/x/", unpack=True), [context])
    assert names(upper) == ["x/", "x/a", "x/b", "x/f"]


def test_where_members_go_counts_for_the_digest(bench: Bench) -> None:
    context = bench.context({"t.tar": tar(file("l/f"))})
    op = copy_op("t.tar", "/", unpack=True)
    digests = [
        bench.plan(op, [context], bench.stage(files))[1].digest()
        for files in (
            {"l": None},
            {"l": None, "other": "x"},
            {"l": "-> /m", "m": None},
            {},
        )
    ]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 2 + (digests[3] != digests[0])


def test_the_content_of_linked_base_files_counts_for_the_digest(bench: Bench) -> None:
    context = bench.context({"t.tar": tar(hard_link("h", "f"))})
    op = copy_op("t.tar", "/", unpack=True)
    one, same, other = (
        bench.plan(op, [context], bench.stage({"f": text}))[1].digest() for text in "112"
    )
    assert one == same
    assert one != other


def test_an_archive_that_changed_since_it_was_planned_is_an_error(bench: Bench) -> None:
    context = bench.context({"t.tar": tar(file("f"))})
    path = Path(context.host_path("/t.tar"))
    tree = LocalTree(path.parent)
    op = copy_op("t.tar", "/x/", unpack=True)
    selection = select(op, [tree])
    destination = examine(op, StackTree((), OWNERSHIP), selection)
    path.write_bytes(tar(file("f"), file("g")))
    upper = bench.tmp / "upper"
    upper.mkdir()
    with pytest.raises(ContextError, match="changed while it was copied"):
        write(destination, upper, OWNERSHIP, created_ns=0)


def test_a_damaged_archive_is_an_error(add: Add) -> None:
    content = gzip.compress(tar(file("f", b"x" * 100_000)))
    with pytest.raises(UnsafeArchiveError):
        add(content[: len(content) // 2])
