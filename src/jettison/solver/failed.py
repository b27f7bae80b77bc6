"""The root file system of a step that failed, kept until the next build.

In:  an active snapshot and what the step was run with.
Out: ``KeptStep`` values, newest first, to run something on them again.

On disk: ``failed/<time>-<vertex>/{fs,work}`` of the store, ``step`` with the rest as msgpack.

Security: values of secrets are not kept, and a root file system that holds one is not kept at all.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from jettison.copier.passwd import UserIds
from jettison.fs.lock import FileLock
from jettison.plan.op import ExecOp
from jettison.sandbox.spec import Mount
from jettison.snapshot.base import ActiveSnapshot
from jettison.store.layer import Stack
from jettison.store.store import Store

_LOCK = ".lock"


class FailedStep(msgspec.Struct, frozen=True):
    """What a step was run with; ``mounts`` are all but those of secrets and agents."""

    vertex: str
    name: str
    exit_code: int
    op: ExecOp
    base: Stack
    user: UserIds
    mounts: tuple[Mount, ...]


class KeptStep(msgspec.Struct, frozen=True):
    """A failed step and where its files are."""

    step: FailedStep
    directory: Path

    @property
    def upper(self) -> Path:
        """What the step had changed."""
        return self.directory / "fs"

    @property
    def work(self) -> Path:
        """The work directory of an overlay mount."""
        return self.directory / "work"

    def lock(self) -> FileLock:
        """Return the lock that keeps the files from being forgotten."""
        return FileLock(self.directory.with_name(self.directory.name + _LOCK))


def keep(
    root: Path, step: FailedStep, active: ActiveSnapshot, secrets: Mapping[str, bytes]
) -> bool:
    """Keep an active snapshot, which is gone from its place then; return whether it is kept.

    Nothing is kept, and nothing is said, when that fails: the step's own error counts.

    Args:
        root: ``failed`` of the store.
        step: What was run.
        active: What it had changed.
        secrets: Values by id, all of the build.
    """
    from jettison.solver.leaks import find_leak  # most failures see no secret

    try:
        if secrets and find_leak(active.upper, secrets) is not None:
            return False
        root.mkdir(0o700, exist_ok=True)
        data = msgspec.msgpack.encode(step, enc_hook=os.fspath)
        (active.path / "step").write_bytes(data)
        name = f"{time.time_ns():x}-{step.vertex.partition(':')[2][:12]}"
        active.path.rename(root / name)
    except (OSError, UnicodeEncodeError):  # paths may be any bytes
        return False
    return True


def kept_steps(root: Path) -> list[KeptStep]:
    """Return what is kept, newest first."""
    found = []
    for directory in _directories(root):
        try:
            data = (directory / "step").read_bytes()
            step = msgspec.msgpack.decode(data, type=FailedStep, dec_hook=_decode)
        except (OSError, msgspec.DecodeError):
            continue  # of another version, or just being forgotten
        found.append(KeptStep(step, directory))
    return found


def forget(store: Store) -> None:
    """Take away all that nobody looks at.

    Raises:
        StorageError: it cannot be moved.
    """
    for directory in _directories(store.failed):
        lock = FileLock(directory.with_name(directory.name + _LOCK))
        if lock.acquire(wait=False):
            store.trash(directory)
            lock.release(remove=True)


def _directories(root: Path) -> list[Path]:
    try:
        names = sorted(os.listdir(root), reverse=True)
    except FileNotFoundError:
        return []
    return [root / name for name in names if not name.endswith(_LOCK)]


def _decode(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise NotImplementedError(kind)
