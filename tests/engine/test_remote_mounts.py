"""Cache mounts on other machines: restored at their first use, and nothing of two is lost."""

from __future__ import annotations

import gzip
from pathlib import Path

from cache_rig import CacheDirectory
from jettison.remote.record import Pack
from scratch_rig import Scratch

TEXT = """
FROM busybox
ARG NAME
RUN --mount=type=cache,id=packages,target=/c \\
    ls /c > /found; mkdir -p /c/$NAME; echo $NAME > /c/$NAME/file; chmod 640 /c/$NAME/file
RUN cat /found
"""


class Machines:
    """Machines with empty stores, one after the other, and one cache."""

    def __init__(self, scratch: Scratch) -> None:
        self.scratch = scratch
        self.cache = scratch.directory / "cache"
        self._machines = 0

    def replace(self) -> None:
        self._machines += 1
        self.scratch.store = self.scratch.directory / f"store{self._machines}"

    def build(self, name: str, *, reads: bool = True, to: str = "") -> list[str]:
        """Build; return what the step found in its mount."""
        flags = ["--cache-from", f"type=local,src={self.cache}"] if reads else []
        flags += ["--cache-to", f"type=local,dest={to or self.cache},mode=max,mounts=true"]
        done = self.scratch.build(
            TEXT, "--build-arg", f"NAME={name}", "--no-checks", "-t", "app", *flags
        )
        assert done.returncode == 0, done.stderr
        shown = self.scratch.run("run", "--rm", "app", "cat", "/found")
        assert shown.returncode == 0, shown.stderr
        return shown.stdout.split()

    def chain(self) -> list[int]:
        """Return the bytes of the layers of the mount."""
        whole = Pack()
        for pack in reversed(CacheDirectory(self.cache).packs()):
            whole = pack.over(whole)
        (record,) = whole.mounts.values()
        return [each.blob_bytes for each in record.layers]


def test_a_mount_is_restored_and_grows_by_what_is_new(scratch: Scratch) -> None:
    machines = Machines(scratch)
    assert machines.build("one") == []
    machines.replace()
    assert machines.build("two") == ["one"]
    first, second = machines.chain()
    assert (first > 0, second > 0) == (True, True)
    assert machines.build("three") == ["one", "two"]  # the same machine: the directory is here
    assert len(machines.chain()) == 3
    machines.replace()
    assert machines.build("four") == ["one", "three", "two"]


def test_two_machines_that_wrote_at_the_same_time_and_a_chain_that_is_lost(
    scratch: Scratch,
) -> None:
    machines = Machines(scratch)
    machines.build("one", reads=False)
    machines.replace()
    machines.build("two", reads=False)  # has not seen the first
    machines.replace()
    assert machines.build("three") == ["one", "two"]
    for blob in (machines.cache / "blobs/sha256").iterdir():
        if b"one/file" in _unpacked(blob):
            blob.write_bytes(b"damaged")
    machines.replace()
    assert machines.build("four") == []  # a warning, and it begins empty


def _unpacked(path: Path) -> bytes:
    try:
        return gzip.decompress(path.read_bytes())
    except OSError:
        return b""
