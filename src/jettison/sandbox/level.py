"""Levels of isolation: their names, and the one that steps ran at last on this host.

None runs at a weaker one unnoticed.

In:  the directory of the store, the driver that was found, why better ones were not.
Out: a note for the next time; an error where this time is weaker than the last.

A host that loses what isolation needs (an upgrade, a setting, a moved store) would otherwise go on
building with a line of warning that nobody reads.

On disk: ``levels.json`` in the store: name of the host to name of the driver.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from jettison.errors import SandboxUnavailableError, UsageError
from jettison.linux.userns import shortfall
from jettison.sandbox.base import Verdict
from jettison.sandbox.rootfs.base import SNAPSHOTTERS

AUTO = "auto"
"""As ``--isolation``: the best that works, also when it is weaker than the last time."""

DRIVERS = ("embedded", "oci:crun", "oci:runc")
"""Drivers that isolate, the best first."""

SINGLE_ID = "single-id"
IN_CONTAINER = "in-container"

_FILE = "levels.json"
_WEAKNESS = {SINGLE_ID: 1, IN_CONTAINER: 2}
_MOST_HOSTS = 32


def require_known(isolation: str, snapshotter: str) -> None:
    """See that a driver and a snapshotter have names that there are; empty ones are good.

    Raises:
        UsageError: one has not.
    """
    if snapshotter and snapshotter not in SNAPSHOTTERS:
        hint = f"Use one of {', '.join(SNAPSHOTTERS)}."
        raise UsageError(f"unknown snapshotter `{snapshotter}`", hint=hint)
    names = (*DRIVERS, SINGLE_ID, IN_CONTAINER)
    is_path = isolation.startswith(("/", "oci:/"))
    if isolation and not is_path and isolation not in {*names, "oci", "crun", "runc", AUTO}:
        raise UsageError(
            f"unknown sandbox driver `{isolation}`",
            hint=f"Use one of {', '.join(names)}, `oci` or `auto`.",
        )


def keep_level(store: Path, name: str, failed: Sequence[Verdict], *, may_weaken: bool) -> None:
    """Note the driver that was found for this host.

    Args:
        store: Directory of the store.
        name: Of the driver.
        failed: Those that were tried before it.
        may_weaken: Whether it may be weaker than the last.

    Raises:
        SandboxUnavailableError: it is weaker, and may not be.
    """
    path = store / _FILE
    known = _read(path)
    host = os.uname().nodename
    last = known.get(host, name)
    if _weakness(name) > _weakness(last) and not may_weaken:
        reasons = [f"`{each.driver}`: {each.reason}" for each in failed] or [shortfall()[0]]
        raise SandboxUnavailableError(
            f"steps would run at the level `{name}`, which is weaker than `{last}`, where they ran"
            f" last on this host: {'; '.join(reasons)}",
            hint="see `jettison doctor`; `--isolation auto` takes the best level that works",
        )
    if known.get(host) != name:
        known.pop(host, None)
        kept = dict([*known.items(), (host, name)][-_MOST_HOSTS:])
        _write(path, msgspec.json.encode(kept))


def _weakness(name: str) -> int:
    """Return a number that is 0 for the drivers that isolate, which are as good as each other."""
    return _WEAKNESS.get(name, 0)


def _read(path: Path) -> dict[str, str]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except (OSError, msgspec.DecodeError):
        return {}


def _write(path: Path, data: bytes) -> None:
    """Write the note; a full disk is no reason to fail."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
