"""The first look at a store after the machine was started again.

In:  a store that the last run of the machine may have left by losing power.
Out: the same without blobs and layers whose bytes did not reach the disk.

Layers and streamed blobs are renamed into place without being synced. Killing a process cannot
hurt them; losing power can, when it happens before the kernel has written them back. The kernel
does that within about half a minute, so only what got its name in the last minute before the
store's last change can be hurt, and only if it is older than the start of the machine. That is
verified, once per start; the rest, also a store that was just copied here, is not looked at.

On disk: ``boot`` holds the kernel's boot ID of the last look.
"""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import msgspec

from jettison.fs.atomic import write_atomically
from jettison.fs.os_errors import storage_errors
from jettison.fs.ownership import Ownership
from jettison.snapshot.base import LayerInfo
from jettison.store.layer import LayerId
from jettison.store.store import Store

WRITEBACK_SECONDS = 60.0
"""Twice what Linux lets dirty pages wait (``vm.dirty_expire_centisecs`` is 30 s)."""

_BOOT_ID = "/proc/sys/kernel/random/boot_id"


def recover_after_boot(store: Store, snapshots: Path, ownership: Ownership) -> list[Path]:
    """Take away what a power loss has damaged; one small read when that was done already.

    Args:
        store: The open store.
        snapshots: Its directory of layers.
        ownership: How owners are kept in these.

    Returns:
        What was taken away: layers and blobs are then pulled or made again.

    Raises:
        StorageError: the store cannot be read or written.
    """
    try:
        current = Path(_BOOT_ID).read_bytes()
    except OSError:
        return []  # a sandbox without /proc/sys: nothing can be said about boots
    marker = store.root / "boot"
    if _content(marker) == current:
        return []
    with storage_errors(store.root), store.lock("boot").held(remove=True):
        if _content(marker) == current:
            return []
        started = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
        damaged = [
            path
            for path in suspects(store, snapshots, started)
            if not (
                _is_whole_layer(path, ownership)
                if path.parent == snapshots
                else _is_whole_blob(path)
            )
        ]
        for path in damaged:
            store.trash(path)
        write_atomically(marker, current)
    return damaged


def suspects(store: Store, snapshots: Path, started: float) -> list[Path]:
    """Return the blobs and layers that a power loss may have hurt, sorted.

    Args:
        store: The open store.
        snapshots: Its directory of layers.
        started: When the machine was started, seconds since the epoch.
    """
    changed: dict[Path, float] = {}
    for directory in (*(store.root / "blobs").iterdir(), snapshots):
        with os.scandir(directory) as entries:
            for entry in entries:
                ctime = entry.stat(follow_symlinks=False).st_ctime
                if ctime < started:
                    changed[Path(entry.path)] = ctime
    last = max(changed.values(), default=0.0)
    return sorted(path for path, ctime in changed.items() if ctime > last - WRITEBACK_SECONDS)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _is_whole_blob(path: Path) -> bool:
    """Tell whether the bytes of a blob are what its name says."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, path.parent.name).hexdigest() == path.name


def _is_whole_layer(path: Path, ownership: Ownership) -> bool:
    """Tell whether a layer is what its name says."""
    try:
        info = msgspec.msgpack.decode((path / "meta").read_bytes(), type=LayerInfo)
    except (FileNotFoundError, msgspec.DecodeError):
        return False
    if info.id.startswith("content:"):
        return is_named_by(info.id, path / "fs", ownership)
    # The digest of an image layer is that of its tar, which is gone. But a file system that was
    # cut off has short files, not wrong ones: it sets sizes after it has written the bytes.
    from jettison.snapshot.changes import layer_facts

    facts = layer_facts(path / "fs", ownership)
    return (facts.size_bytes, facts.entries) == (info.size_bytes, info.entries)


def is_named_by(layer: LayerId, directory: Path, ownership: Ownership) -> bool:
    """Tell whether the files of a change made here are those that its name says.

    Versions before stores of version 4 named layers by what they hold without times, those before
    version 10 by times with parts of seconds.

    Raises:
        OSError: something cannot be read.
    """
    from jettison.snapshot.changes import change_digests

    digests = change_digests(directory, ownership)
    return layer in {
        f"content:{each}" for each in (digests.identity, digests.former, digests.plain)
    }
