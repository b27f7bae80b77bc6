"""A disk that answers some reads and writes with EIO: told, nothing half-written, well again after."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from host_tools import lacking
from scratch_rig import Scratch

pytestmark = pytest.mark.needs_root

DISK_BYTES = 32 << 20
STEPS = """FROM busybox
COPY data /data
RUN dd if=/dev/urandom of=/random bs=1M count=1 && cp /data /copy
"""


@contextmanager
def disk(scratch: Scratch, need: Callable[[str], str]) -> Iterator[Path]:
    """Mount a file as the disk of the store; what is cut off it is broken."""
    image = scratch.directory / "disk"
    with image.open("wb") as file:
        file.truncate(DISK_BYTES)
    # Without a journal that ends at the first broken block, and errors do not stop the kernel.
    make = [need("mkfs.ext4"), "-q", "-F", "-O", "^has_journal", "-E", "lazy_itable_init=0", image]
    subprocess.run(make, check=True)
    scratch.store.mkdir()
    mount = ["mount", "-o", "loop,errors=continue", image, scratch.store]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        lacking("a loop device")
    (scratch.store / "lost+found").rmdir()
    try:
        yield image
    finally:
        subprocess.run(["umount", scratch.store], check=True)


def break_from(image: Path, start: int) -> None:
    """Let the disk end early: all behind that is EIO, once nothing of it is remembered."""
    os.sync()
    os.truncate(image, start)
    forget()


def forget() -> None:
    os.sync()
    Path("/proc/sys/vm/drop_caches").write_text("3")


def test_a_disk_that_breaks_is_told_and_damages_nothing(scratch: Scratch, need) -> None:
    (scratch.context / "data").write_bytes(os.urandom(1 << 20))
    with disk(scratch, need) as image:
        before = scratch.build(STEPS, "-t", "kept")
        assert before.returncode == 0, before.stderr
        forget()
        whole = image.read_bytes()
        break_from(image, DISK_BYTES // 50)
        done = scratch.build(STEPS, "-t", "app", "--no-cache")
        assert done.returncode in {1, 4, 5}, done.stderr
        assert "ERROR: " in done.stderr
        assert "hint: " in done.stderr
        assert "bug in Jettison" not in done.stderr
        assert "app" not in scratch.run("images").stdout
        # The disk is repaired, what was written to it meanwhile is lost.
        subprocess.run(["umount", scratch.store], check=True)
        image.write_bytes(whole)
        subprocess.run(["mount", "-o", "loop", image, scratch.store], check=True)
        assert scratch.run("fsck").returncode == 0
        after = scratch.build(STEPS, "-t", "app")
        assert after.returncode == 0, after.stderr
