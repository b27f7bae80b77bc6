"""Layers as blobs and as files: packed once, verified, unpacked in parallel."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import stat
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from image_rig import AMD64, Rig, layout_with, read_tree
from jettison.errors import ContentError, DigestMismatchError, ImageNotFoundError, StorageError
from jettison.image.parallel import Stop, run_parallel
from jettison.image.resolve import ImageResolver
from jettison.store.layer import LayerId


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path / "store") as made:
        yield made


def tar_of(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as tar:
        for info, data in members:
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return sink.getvalue()


def member(name: str, data: bytes = b"", **facts: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    for key, value in facts.items():
        setattr(info, key, value)
    return info, data


def materialised(rig: Rig, reference: str) -> list[Path]:
    image = ImageResolver(rig.store, None).resolve(reference, AMD64).image
    return rig.blobs.materialise(tuple(layer.layer for layer in image.layers))


def test_the_diff_id_is_the_same_with_and_without_a_blob(rig, tmp_path: Path):
    layer = rig.layer({"a": b"x" * 100_000})
    diff_id = rig.blobs.diff_id(layer)
    for compression, expand in (("none", bytes), ("gzip", gzip.decompress)):
        descriptor = rig.blobs.blob(layer, compression)
        data = rig.store.blobs.path(descriptor.digest).read_bytes()
        assert f"sha256:{hashlib.sha256(expand(data)).hexdigest()}" == diff_id
        assert len(data) == descriptor.size


def test_a_layer_is_packed_once_even_by_many_threads(rig, monkeypatch: pytest.MonkeyPatch):
    layer = rig.layer({"a": os.urandom(2_000_000)})
    writers = []
    real = rig.store.blobs.writer
    monkeypatch.setattr(rig.store.blobs, "writer", lambda *a: writers.append(1) or real(*a))
    found = run_parallel([lambda _: rig.blobs.blob(layer, "gzip")] * 8, limit=8)
    assert len(set(map(str, found))) == 1
    assert rig.blobs.blob(layer, "gzip") == found[0]
    assert len(writers) == 1


def test_a_blob_that_was_pruned_is_packed_again(rig):
    layer = rig.layer({"a": "1"})
    first = rig.blobs.blob(layer)
    rig.store.blobs.remove(first.digest)
    with Rig(rig.store.root) as later:
        assert later.blobs.blob(layer) == first
        assert later.store.blobs.has(first.digest)


def test_files_changed_behind_our_back_are_noticed(rig):
    layer = rig.layer({"a": "1"})
    rig.blobs.diff_id(layer)
    (rig.layer_store.directory(layer) / "a").write_text("2")
    with pytest.raises(DigestMismatchError, match=r"not to .* as before"):
        rig.blobs.blob(layer)


def test_a_layer_that_is_nowhere_is_a_storage_error(rig):
    nowhere = LayerId("content:sha256:" + "0" * 64)
    for ask in (rig.blobs.diff_id, rig.blobs.blob, lambda layer: rig.blobs.materialise((layer,))):
        with pytest.raises(StorageError):
            ask(nowhere)
    assert not rig.blobs.available(nowhere)


def test_layers_of_a_layout_are_unpacked_and_kept(rig, tmp_path: Path):
    one = tar_of(member("a", b"1"), member("gone", b"x"))
    two = tar_of(member(".wh.gone"), member("b", b"2"))
    first, second = materialised(rig, layout_with(tmp_path / "layout", one, two))
    assert read_tree(first) == {"a": b"1", "gone": b"x"}
    assert (second / "gone").lstat().st_rdev == 0
    # The layout may vanish now.
    (tmp_path / "layout").rename(tmp_path / "away")
    layers = [LayerId(f"diff:sha256:{hashlib.sha256(tar).hexdigest()}") for tar in (one, two)]
    assert all(rig.blobs.blob(layer).size > 0 for layer in layers)


def test_a_lying_diff_id_leaves_nothing(rig, tmp_path: Path):
    lie = "sha256:" + "1" * 64
    reference = layout_with(tmp_path / "layout", tar_of(member("a", b"1")), diff_ids=[lie])
    with pytest.raises(ContentError, match="diff ID"):
        materialised(rig, reference)
    assert rig.layer_store.all() == []


def test_a_blob_with_other_bytes_leaves_nothing(rig, tmp_path: Path):
    reference = layout_with(tmp_path / "layout", tar_of(member("a", b"1")))
    for path in (tmp_path / "layout/blobs/sha256").iterdir():
        if path.read_bytes().startswith(b"\x1f\x8b"):
            path.write_bytes(gzip.compress(tar_of(member("a", b"2")), 1, mtime=0))
    with pytest.raises(ContentError):
        materialised(rig, reference)
    assert rig.layer_store.all() == []


def test_an_archive_that_tries_to_escape_is_refused(rig, tmp_path: Path):
    evil = tar_of(member("../../x", b"1"))
    with pytest.raises(ContentError):
        materialised(rig, layout_with(tmp_path / "layout", evil))
    assert not (tmp_path / "x").exists()
    assert rig.layer_store.all() == []


def test_a_hard_link_to_a_lower_layer_is_resolved_there(rig, tmp_path: Path):
    lower = tar_of(member("bin/tool", b"binary", mode=0o755))
    upper = tar_of(member("bin/alias", type=tarfile.LNKTYPE, linkname="bin/tool"))
    _, top = materialised(rig, layout_with(tmp_path / "layout", lower, upper))
    assert (top / "bin/alias").read_bytes() == b"binary"


def test_large_layers_that_begin_first_find_what_is_in_small_ones_below(rig, tmp_path: Path):
    """Each has a hard link into the layer below it, and a directory that only that one describes."""
    sizes = range(0, 800_000, 100_000)
    tars = [tar_of(member("d", type=tarfile.DIRTYPE, mode=0o711), member("d/f0", b"below"))]
    tars += [
        tar_of(
            member(f"d/f{n}", type=tarfile.LNKTYPE, linkname=f"d/f{n - 1}"),
            member(f"d/filler{n}", os.urandom(size)),
        )
        for n, size in enumerate(sizes, start=1)
    ]
    found = materialised(rig, layout_with(tmp_path / "layout", *tars))
    for number, path in enumerate(found):
        assert (path / f"d/f{number}").read_bytes() == b"below"
        assert stat.S_IMODE((path / "d").stat().st_mode) == 0o711


def test_a_layer_that_an_image_has_twice_is_unpacked_once(rig, tmp_path: Path):
    lower, upper = tar_of(member("a", b"1")), tar_of(member("b", os.urandom(100_000)))
    found = materialised(rig, layout_with(tmp_path / "layout", lower, upper, lower))
    assert [sorted(read_tree(path)) for path in found] == [
        ["b"],
        ["a"],
    ]  # the lower one would hide nothing


def test_one_bad_layer_of_many_fails_and_a_later_try_with_good_ones_works(rig, tmp_path: Path):
    tars = [tar_of(member(f"f{n}", os.urandom(200_000))) for n in range(6)]
    bad = [f"sha256:{hashlib.sha256(tar).hexdigest()}" for tar in tars]
    bad[3] = "sha256:" + "3" * 64
    with pytest.raises(ContentError):
        materialised(rig, layout_with(tmp_path / "bad", *tars, diff_ids=bad))
    found = materialised(rig, layout_with(tmp_path / "good", *tars))
    assert [read_tree(path) != {} for path in found] == [True] * 6


def test_two_stores_sessions_unpack_a_layer_once(rig, tmp_path: Path):
    reference = layout_with(tmp_path / "layout", tar_of(member("a", os.urandom(500_000))))
    with Rig(rig.store.root) as other:
        found = run_parallel(
            [lambda _: materialised(rig, reference), lambda _: materialised(other, reference)],
            limit=2,
        )
    assert found[0] == found[1]
    assert len(rig.layer_store.all()) == 1


def test_a_layout_that_vanished_is_told(rig, tmp_path: Path):
    reference = layout_with(tmp_path / "layout", tar_of(member("a", b"1")))
    image = ImageResolver(rig.store, None).resolve(reference, AMD64).image
    (tmp_path / "layout").rename(tmp_path / "away")
    with pytest.raises(ImageNotFoundError, match="lacks blob"):
        rig.blobs.materialise((image.layers[0].layer,))


def test_settling_makes_layers_independent_of_the_layout(rig, tmp_path: Path):
    reference = layout_with(tmp_path / "layout", tar_of(member("a", b"1")))
    image = ImageResolver(rig.store, None).resolve(reference, AMD64).image
    layer = image.layers[0].layer
    rig.blobs.settle((layer,))
    (tmp_path / "layout").rename(tmp_path / "away")
    (files,) = rig.blobs.materialise((layer,))
    assert read_tree(files) == {"a": b"1"}


def test_progress_ends_at_the_size(rig, tmp_path: Path):
    reference = layout_with(tmp_path / "layout", tar_of(member("a", os.urandom(3_000_000))))
    image = ImageResolver(rig.store, None).resolve(reference, AMD64).image
    told: list[tuple[str, int, int]] = []
    rig.blobs.materialise((image.layers[0].layer,), lambda *each: told.append(each))
    name, current, total = told[-1]
    assert name.startswith("sha256:")
    assert current == total > 3_000_000 - 100_000
    assert [each[1] for each in told] == sorted(each[1] for each in told)


def test_a_progress_callback_that_raises_cancels(rig, tmp_path: Path):
    reference = layout_with(tmp_path / "layout", tar_of(member("a", os.urandom(3_000_000))))
    image = ImageResolver(rig.store, None).resolve(reference, AMD64).image

    def cancel(item: str, current: int, total: int) -> None:
        raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        rig.blobs.materialise((image.layers[0].layer,), cancel)
    assert rig.layer_store.all() == []
    assert threading.active_count() == before


def test_parallel_jobs_keep_their_order():
    assert run_parallel([lambda _, n=n: n * n for n in range(50)], limit=4) == [
        n * n for n in range(50)
    ]
    assert run_parallel([], limit=4) == []


def test_the_first_failure_stops_the_others_and_is_raised():
    started = threading.Event()

    def waits(stop: Stop) -> None:
        started.set()
        while True:
            stop.check()

    def fails(stop: Stop) -> None:
        started.wait()
        raise ValueError("first")

    never: list[int] = []
    jobs = [waits, fails, *[lambda _: never.append(1)] * 20]
    with pytest.raises(ValueError, match="first"):
        run_parallel(jobs, limit=2)
    assert never == []


def test_layers_that_were_removed_meanwhile_are_made_again(rig, tmp_path: Path):
    reference = layout_with(tmp_path / "layout", tar_of(member("a", b"a")))
    image = ImageResolver(rig.store, None).resolve(reference, AMD64).image
    layer = image.layers[0].layer
    (first,) = rig.blobs.materialise((layer,))
    rig.layer_store.remove(layer)
    assert not first.exists()
    (second,) = rig.blobs.materialise((layer,))
    assert (second / "a").read_bytes() == b"a"


def test_a_blob_that_was_removed_meanwhile_is_fetched_and_packed_again(rig, tmp_path: Path):
    reference = layout_with(tmp_path / "layout", tar_of(member("a", b"a")))
    image = ImageResolver(rig.store, None).resolve(reference, AMD64).image
    for layer in (image.layers[0].layer, rig.layer({"b": b"b"})):
        first = rig.blobs.blob(layer)
        rig.store.blobs.remove(first.digest)
        second = rig.blobs.blob(layer)
        assert second == first
        assert rig.store.blobs.has(second.digest)
