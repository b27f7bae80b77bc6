"""Processes that are killed while they write leave a store whose every name is whole."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
from pathlib import Path

from jettison.snapshot.changes import change_digests
from jettison.snapshot.overlay import OverlayLayerStore
from jettison.store.layers import LayerFacts
from jettison.store.store import Store
from ownership_rig import OWNERSHIP

SOURCE = os.fspath(Path(__file__).parents[3] / "src")
WORKER = """
import sys
from pathlib import Path
from jettison.fs.ownership import process_ownership
from jettison.oci.digest import sha256_digest
from jettison.snapshot.overlay import OverlayLayerStore
from jettison.store.image import StoredImage
from jettison.store.store import Store

with Store.open(Path(sys.argv[1])) as store:
    layer_store = OverlayLayerStore(store, process_ownership())
    number = int(sys.argv[2])
    while True:
        number += 1
        active = layer_store.prepare()
        for name in range(20):
            (active.upper / str(name)).write_bytes(b"x" * (number % 50) * name)
        info = layer_store.commit(active)
        with store.blobs.writer() as writer:
            for _ in range(30):
                writer.write(str(number).encode() * 5000)
            digest = writer.commit()
        config = store.blobs.put(b"config %d" % number)
        store.images.add(StoredImage(id=config, config=b"config %d" % number, layers=()))
        store.images.tag(f"docker.io/library/app:{number % 5}", config)
        if number % 7 == 0:
            layer_store.remove(info.id)
            store.blobs.remove(digest)
        print(number, flush=True)
"""


def test_whenever_processes_are_killed_every_name_is_whole(tmp_path: Path) -> None:
    root = tmp_path / "store"
    environment = {**os.environ, "PYTHONPATH": SOURCE}
    chance = random.Random(7)
    for round_number in range(4):
        workers = [
            subprocess.Popen(
                [sys.executable, "-c", WORKER, os.fspath(root), str(100 * index + round_number)],
                env=environment,
                stdout=subprocess.PIPE,
            )
            for index in range(3)
        ]
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline(), "a worker failed by itself"
        for worker in workers:
            # Some time passes: this counts, and the workers are somewhere else each time.
            sum(range(chance.randrange(2_000_000)))
            assert worker.poll() is None, "a worker failed by itself"
            worker.kill()
        for worker in workers:
            worker.wait()
            assert worker.stdout is not None
            worker.stdout.close()
    with Store.open(root) as store:
        check(store)


def check(store: Store) -> None:
    layer_store = OverlayLayerStore(store, OWNERSHIP)
    for digest in store.blobs.all():
        data = store.blobs.path(digest).read_bytes()
        assert digest == "sha256:" + hashlib.sha256(data).hexdigest()
    for layer in layer_store.all():
        digests = change_digests(layer_store.directory(layer), OWNERSHIP)
        info = layer_store.info(layer)
        assert info is not None
        assert layer == f"content:{digests.identity}"
        assert LayerFacts(info.size_bytes, info.entries) == digests.facts
    for image in store.images.all():
        assert store.blobs.read(image.id, limit=1000) == image.config
    assert store.images.tags()
    assert all(store.images.get(image_id) for image_id in store.images.tags().values())
    assert store.database.query("PRAGMA integrity_check") == [("ok",)]
    assert list((store.root / "tmp").glob("*.owner")) == []
    assert [path for path in (store.root / "tmp").iterdir() if path.is_dir()] == []
    assert store.empty_trash() == 0
