"""Finished layers are packed and compressed while later steps still run."""

from __future__ import annotations

import time
from pathlib import Path

from scratch_processes import wait_for_file
from scratch_rig import Scratch

TEXT = """FROM busybox
RUN head -c 400000 /dev/urandom > /noise
RUN --mount=type=cache,id=c,target=/c \
 touch /c/begun; while [ ! -e /c/go ]; do sleep 0.1; done; echo done > /done
"""


def blobs_of(store: Path, least_bytes: int) -> list[Path]:
    found = (store / "blobs/sha256").iterdir()
    return [path for path in found if path.stat().st_size >= least_bytes]


def test_a_layer_is_compressed_while_the_next_step_runs(scratch: Scratch) -> None:
    scratch.dockerfile(TEXT)
    archive = scratch.directory / "out.tar"
    building = scratch.start("build", "-q", "-o", f"type=oci,dest={archive}", scratch.context)
    wait_for_file(building, scratch.store, "cache-mounts/*/begun")
    end = time.monotonic() + 60
    while not blobs_of(scratch.store, 400_000):
        assert time.monotonic() < end, "nothing was packed while the step ran"
        assert building.poll() is None
        time.sleep(0.02)
    assert not archive.exists()
    (next(scratch.store.glob("cache-mounts/*/begun")).parent / "go").touch()
    assert building.wait(60) == 0
    assert archive.stat().st_size > 400_000
