"""The store's directory: made once, shared by processes, cleaned after dead ones."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from jettison.errors import StorageError
from jettison.oci.codec import encode
from jettison.oci.manifest import Descriptor, Manifest
from jettison.oci.mediatype import OCI_CONFIG, OCI_MANIFEST
from jettison.store.image import StoredImage
from jettison.store.store import Store

SOURCE = os.fspath(Path(__file__).parents[3] / "src")


def run_and_kill(root: Path, statements: str) -> None:
    """Run statements with an open ``store`` in a process that then is killed."""
    script = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from jettison.store.store import Store\n"
        f"store = Store.open(Path(sys.argv[1]))\n{statements}\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    command = [sys.executable, "-c", script, os.fspath(root)]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": SOURCE}, check=False)
    assert done.returncode == -9


def fill(path: Path) -> None:
    """Write a file until the disk is full."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * (1 << 16))


def test_a_new_store_is_an_empty_oci_layout_for_its_owner_only(tmp_path: Path) -> None:
    with Store.open(tmp_path / "deep/store") as store:
        assert json.loads((store.root / "oci-layout").read_text()) == {
            "imageLayoutVersion": "1.0.0"
        }
        assert json.loads((store.root / "index.json").read_text())["manifests"] == []
        assert store.root.stat().st_mode & 0o777 == 0o700


def test_a_store_can_be_opened_many_times(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store") as first, Store.open(tmp_path / "store") as second:
        digest = first.blobs.put(b"x")
        assert second.blobs.has(digest)
        assert first.tmp() != second.tmp()


def test_processes_may_make_a_store_at_the_same_time(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from jettison.store.store import Store\n"
        "with Store.open(Path(sys.argv[1])) as store:\n"
        "    store.blobs.put(b'x'); store.tmp(); store.images.tags()\n"
    )
    environment = {**os.environ, "PYTHONPATH": SOURCE}
    command = [sys.executable, "-c", script, os.fspath(tmp_path / "store")]
    started = [subprocess.Popen(command, env=environment) for _ in range(6)]
    assert [process.wait(60) for process in started] == [0] * 6
    with Store.open(tmp_path / "store") as store:
        assert len(store.blobs.all()) == 1
        assert list((store.root / "tmp").glob("*.owner")) == []


def test_a_directory_with_other_things_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letters").write_text("dear")
    with pytest.raises(StorageError, match=r"neither empty nor a store.*letters"):
        Store.open(tmp_path)
    assert os.listdir(tmp_path) == ["letters"]


def test_a_half_made_store_is_completed(tmp_path: Path) -> None:
    (tmp_path / "store/tmp").mkdir(parents=True)
    (tmp_path / "store/blobs").mkdir()
    with Store.open(tmp_path / "store") as store:
        assert store.blobs.put(b"x")


def test_closing_leaves_nothing_in_progress(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store") as store:
        (store.tmp() / "unfinished").write_text("x")
        store.tmp()
    assert [name for name in os.listdir(tmp_path / "store/tmp") if name != "create.lock"] == []


def test_the_debris_of_a_killed_process_is_collected(tmp_path: Path) -> None:
    root = tmp_path / "store"
    run_and_kill(
        root,
        "(store.tmp() / 'half').write_text('x')\n"
        "writer = store.blobs.writer(); writer.write(b'half')",
    )
    assert len(list((root / "tmp").glob("*/*"))) == 2
    with Store.open(root) as store:
        assert list((root / "tmp").glob("*/*")) == list((root / "tmp").glob("*.owner")) == []
        assert store.blobs.all() == []
        assert store.empty_trash() == 0
        assert os.listdir(root / "trash") == []


def test_what_a_living_process_makes_is_left_alone(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store") as first:
        path = first.tmp()
        with Store.open(tmp_path / "store"):
            assert path.is_dir()
        assert path.is_dir()


def test_a_directory_without_owner_is_debris(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store") as store:
        (store.root / "tmp/orphan/x").mkdir(parents=True)
    with Store.open(tmp_path / "store") as store:
        assert not (store.root / "tmp/orphan").exists()


def test_trash_takes_a_tree_away_at_once_and_is_emptied_later(store: Store) -> None:
    path = store.tmp()
    (path / "closed").mkdir()
    (path / "closed/file").write_text("x")
    (path / "closed").chmod(0)
    store.trash(path)
    store.trash(path)
    assert not path.exists()
    assert len(os.listdir(store.root / "trash")) == 1
    assert store.empty_trash() == 0
    assert os.listdir(store.root / "trash") == []


def test_a_named_lock_excludes_other_processes_and_dies_with_them(tmp_path: Path) -> None:
    root = tmp_path / "store"
    run_and_kill(root, "store.lock('sha256:abc/d').acquire(); keep = store")
    with Store.open(root) as first, Store.open(root) as second:
        ours, theirs = first.lock("sha256:abc/d"), second.lock("sha256:abc/d")
        assert ours.acquire(wait=False)
        assert not theirs.acquire(wait=False)
        first.empty_trash()
        assert not theirs.acquire(wait=False), "a held lock is not collected"
        ours.release(remove=True)
        assert first.empty_trash() == 0
        assert list((root / "tmp").glob("*.lock")) == []


def test_leases_last_as_long_as_their_block_and_their_process(tmp_path: Path) -> None:
    root = tmp_path / "store"
    run_and_kill(root, "lease = store.leased(['dead']); lease.__enter__()")
    with Store.open(root) as first, Store.open(root) as second:
        with first.leased(["a", "b"]):
            with first.leased(["b", "b"]):
                assert second.leases() == {"a", "b"}
            assert second.leases() == {"a", "b"}
        assert second.leases() == set()
        assert first.database.query("SELECT * FROM lease") == []


@pytest.mark.needs_root
@pytest.mark.skipif(os.geteuid() != 0, reason="mounts need root")
def test_a_read_only_store_is_told(tmp_path: Path) -> None:
    Store.open(tmp_path / "store").close()
    place = os.fspath(tmp_path / "store")
    subprocess.run(["mount", "--bind", place, place], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", place], check=True)
        with pytest.raises(StorageError, match="cannot be written") as caught:
            Store.open(tmp_path / "store")
        assert caught.value.hint is not None
        assert "--root" in caught.value.hint
        with pytest.raises(StorageError, match="read-only"):
            Store.open(tmp_path / "store/inner")
    finally:
        subprocess.run(["umount", place], check=True)


def test_a_root_below_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        Store.open(tmp_path / "file/store")
    with pytest.raises(StorageError):
        Store.open(tmp_path / "file")


@pytest.mark.needs_root
def test_a_full_disk_is_told_when_a_store_is_opened(small_disk: Path) -> None:
    fill(small_disk / "filler")
    with pytest.raises(StorageError, match="no space left"):
        Store.open(small_disk / "store").blobs.put(b"x" * 100_000)
    (small_disk / "filler").unlink()
    with Store.open(small_disk / "store") as store:
        assert store.blobs.put(b"x" * 100_000)


def test_another_tool_reads_the_store_as_a_layout(store: Store) -> None:
    if shutil.which("skopeo") is None:
        if os.environ.get("CI"):
            pytest.fail("skopeo is not installed")
        pytest.skip("skopeo is not installed")
    config = b'{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}'
    config_digest = store.blobs.put(config)

    manifest = encode(
        Manifest(
            config=Descriptor(media_type=OCI_CONFIG, digest=config_digest, size=len(config)),
            layers=(),
            media_type=OCI_MANIFEST,
        )
    )
    digest = store.blobs.put(manifest)
    described = Descriptor(media_type=OCI_MANIFEST, digest=digest, size=len(manifest))
    store.images.add(StoredImage(id=config_digest, config=config, layers=(), manifest=described))
    store.images.tag("docker.io/library/app:1", config_digest)
    place = f"oci:{store.root}:docker.io/library/app:1"
    done = subprocess.run(
        ["skopeo", "inspect", "--raw", place], capture_output=True, check=False, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.encode() == manifest
