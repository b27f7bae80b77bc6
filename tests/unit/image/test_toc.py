"""Layers that are read by their tables of contents."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

import estargz_rig
from image_rig import AMD64, Rig, ignore, layout_of
from jettison.errors import ContentError, DigestMismatchError
from jettison.image.named_tables import named_tables
from jettison.image.remote import RemoteBlobs
from jettison.image.resolve import ImageResolver
from jettison.image.table_layer import TableLayer, Tables
from jettison.image.toc import parse_table, table_digest
from jettison.layer.estargz import write_estargz
from jettison.oci.digest import Digest
from jettison.oci.manifest import Descriptor
from jettison.plan.op import ImageOp
from jettison.snapshot.base import ALL_TELL
from jettison.snapshot.outlined import OutlinedTree
from jettison.snapshot.stack import StackTree
from jettison.store.layer import Stack, image_layer_id
from layer_archives import archive, directory, hard_link, member, symlink

BIG = bytes(range(256)) * 200
MEMBERS = (
    directory("usr", mode=0o750),
    directory("usr/bin"),
    member("usr/bin/big", BIG, mode=0o4755, pax_headers={"SCHILY.xattr.user.note": "1"}),
    hard_link("usr/bin/alias", "usr/bin/big"),
    member("usr/bin/small", b"small", mtime=1_700_000_007),
    member("usr/bin/empty"),
    symlink("bin", "usr/bin"),
    member("etc/deep/file", b"implied"),
    member("gone/.wh.file"),
)

Read = list[tuple[int, int]]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path / "store") as made:
        yield made


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Read:
    """The ranges that were read of blobs: start and length."""
    ranges: Read = []
    real = RemoteBlobs.read_range

    def noted(self: RemoteBlobs, blob: Descriptor, source: str, start: int, length: int):
        ranges.append((start, length))
        return real(self, blob, source, start, length)

    monkeypatch.setattr(RemoteBlobs, "read_range", noted)
    return ranges


def image_of(rig: Rig, path: Path, *layers: tuple[bytes, bytes, dict[str, str]]) -> ImageOp:
    reference = layout_of(path, *layers)
    found = ImageResolver(rig.store, None).resolve(reference, AMD64)
    return ImageOp(reference, AMD64, found.config.rootfs.diff_ids)


def stack_of(image: ImageOp) -> Stack:
    return tuple(map(image_layer_id, image.diff_ids))


def browsed(rig: Rig, image: ImageOp) -> OutlinedTree:
    return rig.blobs.browse(stack_of(image), [ALL_TELL], wanted=[], base=image)


PATHS = [
    "/usr",
    "/usr/bin",
    "/usr/bin/big",
    "/usr/bin/alias",
    "/usr/bin/small",
    "/usr/bin/empty",
    "/bin",
    "/etc/deep",
    "/etc/deep/file",
    "/gone",
    "/gone/file",
    "/none",
]


def test_a_table_shows_what_the_tar_holds_and_only_what_is_wanted_is_read(
    rig: Rig, tmp_path: Path, read: Read
) -> None:
    tar, blob, notes = estargz_rig.estargz(*MEMBERS)
    image = image_of(rig, tmp_path / "layout", (tar, blob, notes))
    tree, stack = browsed(rig, image), stack_of(image)
    stats = {path: tree.lstat(path) for path in PATHS}
    digests = [tree.file_digest(f"/usr/bin/{name}") for name in ("alias", "small", "empty")]
    assert tree.by_table
    assert len(read) == 2  # footer and table: it knows digests, too
    assert Path(tree.host_path("/usr/bin/small")).read_bytes() == b"small"
    assert sum(length for _, length in read[2:]) < 1000
    content = Path(tree.host_path("/usr/bin/alias")).read_bytes()
    xattrs = tree.xattrs("/usr/bin/alias")
    mode = Path(tree.host_path("/usr/bin/big")).lstat().st_mode
    assert rig.layer_store.info(stack[0]) is None
    assert not rig.store.blobs.has(Digest(read_digest(rig, stack)))

    whole = StackTree(rig.blobs.materialise(stack), rig.layer_store.ownership, clocks=[ALL_TELL])
    assert [whole.file_digest(f"/usr/bin/{n}") for n in ("alias", "small", "empty")] == digests
    assert content == Path(whole.host_path("/usr/bin/alias")).read_bytes() == BIG
    assert xattrs == whole.xattrs("/usr/bin/alias") == {"user.note": b"1"}
    assert mode == Path(whole.host_path("/usr/bin/big")).lstat().st_mode
    for path, st in stats.items():
        other = whole.lstat(path)
        assert (st is None) == (other is None), path
        if st is not None and other is not None:
            facts = [
                (each.mode, each.uid, each.gid, each.is_file and each.size) for each in (st, other)
            ]
            assert facts[0] == facts[1], path
    assert stats["/usr/bin/big"].identity == stats["/usr/bin/alias"].identity


def read_digest(rig: Rig, stack: Stack) -> str:
    blob = rig.store.layers.find(stack[0]).blob
    assert blob is not None
    return blob.descriptor.digest


def test_a_layer_that_is_written_here_is_read_by_its_table(
    rig: Rig, tmp_path: Path, read: Read
) -> None:
    out = io.BytesIO()
    made = write_estargz(io.BytesIO(archive(*MEMBERS)), out.write)
    assert made is not None
    blob = out.getvalue()
    image = image_of(rig, tmp_path / "layout", (gzip.decompress(blob), blob, made[1]))
    tree = browsed(rig, image)
    assert Path(tree.host_path("/usr/bin/alias")).read_bytes() == BIG
    assert Path(tree.host_path("/etc/deep/file")).read_bytes() == b"implied"
    assert tree.by_table
    assert len(read) == 4


@pytest.mark.parametrize(
    "changed",
    [{"chunkSize": 7}, {"offset": -1}, {"type": "odd"}, {"size": 5}, {"modtime": "yesterday"}],
    ids=str,
)
def test_a_table_that_makes_no_sense_is_not_used(
    rig: Rig, tmp_path: Path, changed: dict[str, object]
) -> None:
    made = estargz_rig.estargz(*MEMBERS, changed=changed)
    tree = browsed(rig, image_of(rig, tmp_path / "layout", made))
    assert tree.lstat("/usr/bin/big").size == len(BIG)
    assert not tree.by_table  # the blob was read through, as any other
    assert Path(tree.host_path("/usr/bin/small")).read_bytes() == b"small"


def test_a_table_with_another_digest_is_not_used(rig: Rig, tmp_path: Path) -> None:
    tar, blob, _ = estargz_rig.estargz(*MEMBERS)
    other = {estargz_rig.DIGEST: "sha256:" + "1" * 64}
    tree = browsed(rig, image_of(rig, tmp_path / "layout", (tar, blob, other)))
    assert tree.lstat("/usr/bin/big").size == len(BIG)
    assert not tree.by_table


def test_a_file_that_has_not_the_digest_that_steps_would_be_keyed_by_is_an_error(
    rig: Rig, tmp_path: Path
) -> None:
    made = estargz_rig.estargz(*MEMBERS, changed={"digest": "sha256:" + "3" * 64})
    tree = browsed(rig, image_of(rig, tmp_path / "layout", made))
    assert tree.file_digest("/usr/bin/small").hex() == "3" * 64
    with pytest.raises(DigestMismatchError, match="another file"):
        tree.host_path("/usr/bin/small")


def test_bytes_that_the_table_does_not_promise_are_an_error(rig: Rig, tmp_path: Path) -> None:
    tar, blob, notes = estargz_rig.estargz(*MEMBERS, changed={"chunkDigest": "sha256:" + "2" * 64})
    tree = browsed(rig, image_of(rig, tmp_path / "layout", (tar, blob, notes)))
    with pytest.raises(DigestMismatchError, match="than its table of contents says"):
        tree.host_path("/usr/bin/small")


def test_a_table_counts_for_the_image_that_names_it_and_no_other(rig: Rig, tmp_path: Path) -> None:
    """One of the same tar, that lies: another image must not see what it says."""
    tar, blob, _ = estargz_rig.estargz(*MEMBERS)
    lie = estargz_rig.estargz(*MEMBERS[:4], member("usr/bin/small", b"a lie"))
    honest = image_of(rig, tmp_path / "honest", (tar, blob, {}))
    liar = image_of(rig, tmp_path / "liar", (tar, lie[1], lie[2]))
    assert stack_of(honest) == stack_of(liar)  # layers are known by their tars
    named = named_tables(rig.store, liar, stack_of(liar))
    assert named == {0: lie[2][estargz_rig.DIGEST]}
    assert named_tables(rig.store, honest, stack_of(honest)) == {}
    assert named_tables(rig.store, liar, (image_layer_id(named[0]),)) == {}
    tree = browsed(rig, liar)
    assert tree.lstat("/usr/bin/small").size == len(b"a lie")
    assert tree.by_table
    tree = browsed(rig, honest)
    # The last source wins: what is there is the liar's, and no such tar.
    with pytest.raises(ContentError, match="diff ID"):
        tree.lstat("/usr/bin/small")
    assert not tree.by_table


def test_a_layer_whose_blob_is_here_needs_no_table(rig: Rig, tmp_path: Path) -> None:
    image = image_of(rig, tmp_path / "layout", estargz_rig.estargz(*MEMBERS))
    tables = Tables(rig.store, rig.layer_store, RemoteBlobs(None))
    (layer,) = stack_of(image)
    digest = named_tables(rig.store, image, (layer,))[0]
    assert tables.open(layer, Digest("sha256:" + "0" * 64), ignore) is None
    found = tables.open(layer, digest, ignore)
    assert isinstance(found, TableLayer)
    assert found.outline.find("/usr/bin/small").size == 5
    rig.blobs.blob(layer)
    assert tables.open(layer, digest, ignore) is None


def test_annotations_that_are_no_digests_name_no_table() -> None:
    blob = Descriptor("x", Digest("sha256:" + "0" * 64), 10)
    for text in ("", "sha256:zz", "md5:" + "0" * 32, "sha512:" + "0" * 128):
        named = Descriptor("x", blob.digest, 10, annotations={estargz_rig.DIGEST: text})
        assert table_digest(named) is None
    assert table_digest(blob) is None


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{", b'{"version":1,"entries":[{"name":"../x","type":"reg"}]}']
)
def test_a_damaged_table_is_a_content_error(data: bytes) -> None:
    notes = {estargz_rig.DIGEST: "sha256:" + "0" * 64}
    blob = Descriptor("x", Digest("sha256:" + "0" * 64), 1000, annotations=notes)
    with pytest.raises(ContentError):
        parse_table(blob, data)
