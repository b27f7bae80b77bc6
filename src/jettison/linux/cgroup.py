"""Control groups that limit memory and processors of a container.

In:  limits; the mounted hierarchies (v2, v1 or both) and the groups of this process in them.
Out: a group per container; process 1 joins through the files in ``Group.joins``.

A group is made below that of this process where that is possible, so that limits from outside
hold, else beside it or beside the nearest ancestor where this user may. With v2 a group that has
processes cannot have limited groups below it, and a process may only be moved below a group that
the user owns: a user gets there in a session of systemd's user manager, or by delegation.

Source: Documentation/admin-guide/cgroup-v2.rst and cgroup-v1 of the kernel; systemd's
CGROUP_DELEGATION.md.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from jettison.errors import HostError
from jettison.linux.mount import unescape
from jettison.linux.resources import Resources, Settings

_SWAP = frozenset({"memory.swap.max", "memory.memsw.limit_in_bytes"})
_PREFIX = "jettison-"
_STALE_SECONDS = 60
_EVENTS_BYTES = 256
_CPUSET = ("cpuset.cpus", "cpuset.mems")
_DELEGATION = (
    "Leave out the limits, or let systemd hand control groups to this user: "
    "`systemd-run --user --scope -p Delegate=yes jettison …`."
)


class Group(msgspec.Struct, frozen=True):
    """A group in one hierarchy (v2) or several (v1); empty when nothing is limited."""

    directories: tuple[Path, ...] = ()

    @property
    def joins(self) -> list[bytes]:
        """Files that a process writes ``0`` to in order to join."""
        return [os.fsencode(directory / "cgroup.procs") for directory in self.directories]

    @property
    def refused_pids(self) -> int:
        """How many processes could not be started since there were too many."""
        return self._count("pids.events", b"max")

    @property
    def killed_for_memory(self) -> int:
        """How many processes the kernel killed since the group had used up its memory."""
        of_version_1 = self._count("memory.oom_control", b"oom_kill")
        return self._count("memory.events", b"oom_kill") or of_version_1

    def _count(self, file: str, name: bytes) -> int:
        """Return a number of a file with lines of a name and a number; 0 where there is none."""
        for directory in self.directories:
            try:
                with open(directory / file, "rb", buffering=0) as events:
                    words = events.read(_EVENTS_BYTES).split()
            except OSError:
                continue
            counts = dict(zip(words[::2], words[1::2], strict=False))
            return int(counts.get(name, b"0"))
        return 0

    def move(self, pid: int) -> None:
        """Move a process into the group. The kernel may take 20 ms for it.

        Raises:
            OSError: it has ended, or this user may not move it.
        """
        for file in self.joins:
            with open(file, "wb", buffering=0) as procs:
                procs.write(b"%d" % pid)

    def remove(self) -> None:
        """Remove the group; its processes have ended."""
        for directory in self.directories:
            with contextlib.suppress(OSError):
                directory.rmdir()


class Hierarchy(msgspec.Struct, frozen=True):
    """A mounted hierarchy; ``own`` is the group of this process, at or below ``top``."""

    unified: bool
    controllers: frozenset[str]
    top: Path
    own: Path

    def parents(self) -> Iterator[Path]:
        """Yield the groups in which one can be made, the nearest first."""
        place = self.own
        while True:
            yield place
            if place in {self.top, place.parent}:
                return
            place = place.parent


def make_group(name: str, limits: Resources, found: Sequence[Hierarchy] | None = None) -> Group:
    """Make a group; an empty one without limits.

    Args:
        name: Unique on this host.
        limits: What its processes may use.
        found: The hierarchies, if the caller has looked for them.

    Raises:
        HostError: the host has no such controller, or this user may not use it.
    """
    kinds = limits.settings(unified=True)
    if not kinds:
        return Group()
    made: list[Path] = []
    found = hierarchies() if found is None else found
    try:
        for hierarchy, here in _places(kinds, found):
            settings = limits.settings(unified=hierarchy.unified)
            made.append(_make(hierarchy, name, {kind: settings[kind] for kind in here}))
    except HostError:
        Group(tuple(made)).remove()
        raise
    return Group(tuple(made))


def hierarchies(proc: Path = Path("/proc/self")) -> list[Hierarchy]:
    """Return the mounted hierarchies that have controllers."""
    try:
        lines = (proc / "cgroup").read_bytes().splitlines()
        mounts = (proc / "mountinfo").read_bytes().splitlines()
    except OSError:
        return []
    own = [line.split(b":", 2)[1:] for line in lines]
    found = []
    for line in mounts:
        head, _, tail = line.partition(b" - ")
        _, _, _, root, point, *_ = head.split(b" ")
        kind, _, options = tail.split(b" ", 2)
        if kind not in {b"cgroup", b"cgroup2"}:
            continue
        top = Path(os.fsdecode(unescape(point)))
        unified = kind == b"cgroup2"
        named = {b""} if unified else set(options.split(b","))
        mine = next((path for kinds, path in own if named.issuperset(kinds.split(b","))), None)
        controllers = _unified_controllers(top) if unified else named
        if mine is not None and controllers:
            names = frozenset(os.fsdecode(each) for each in controllers)
            found.append(Hierarchy(unified, names, top, _below(top, unescape(root), mine)))
    return found


def _unified_controllers(top: Path) -> set[bytes]:
    try:
        return set((top / "cgroup.controllers").read_bytes().split())
    except OSError:
        return set()


def _below(top: Path, root: bytes, path: bytes) -> Path:
    """Return a group's directory; the top where the mount does not show it."""
    inside = os.path.relpath(os.fsdecode(path), os.fsdecode(root))
    place = top / inside
    return place if not inside.startswith("..") and place.is_dir() else top


def _places(kinds: Iterable[str], found: Iterable[Hierarchy]) -> list[tuple[Hierarchy, list[str]]]:
    """Return in which hierarchies to limit what.

    Raises:
        HostError: a controller is in none.
    """
    places: dict[Path, tuple[Hierarchy, list[str]]] = {}
    for kind in kinds:
        here = next((each for each in found if kind in each.controllers), None)
        if here is None:
            raise HostError(
                f"cannot limit the container: this host has no control groups for `{kind}`",
                hint="Leave out the limits.",
            )
        places.setdefault(here.top, (here, []))[1].append(kind)
    return list(places.values())


def _make(hierarchy: Hierarchy, name: str, settings: Settings) -> Path:
    """Make a group where this user may.

    Raises:
        HostError: nowhere; says why for the group of this process.
    """
    first: OSError | None = None
    for parent in hierarchy.parents():
        directory = parent / name
        try:
            if hierarchy.unified:
                _enable(parent, settings)
            sweep(parent)
            directory.mkdir()
            try:
                if "cpuset" in settings and not hierarchy.unified:
                    _inherit(directory, parent)
                for files in settings.values():
                    _write(directory, files)
            except OSError:
                directory.rmdir()
                raise
        except OSError as error:
            first = first or error
            continue
        return directory
    assert first is not None  # noqa: S101 - there is at least one parent
    raise HostError(
        f"cannot limit {' and '.join(settings)} of the container: "
        f"{os.strerror(first.errno or errno.EACCES).lower()}: `{first.filename}`",
        hint=_DELEGATION,
    )


def _enable(parent: Path, kinds: Mapping[str, object]) -> None:
    """Have the controllers in groups below a v2 group, to which this process may move others.

    Raises:
        OSError: EACCES; EBUSY for a group with processes; ENOENT without the controller.
    """
    procs = parent / "cgroup.procs"
    if not os.access(procs, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(procs))
    # The kernel lets `cpu` and `pids` be enabled here, but then no process into groups below.
    if (parent / "cgroup.type").exists() and procs.read_bytes():
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), str(procs))
    control = parent / "cgroup.subtree_control"
    enabled = control.read_text().split()
    for kind in kinds:
        if kind not in enabled:
            control.write_text(f"+{kind}")


def _inherit(directory: Path, parent: Path) -> None:
    """Give a new group of version 1 its parent's processors and nodes: it begins with none.

    Raises:
        OSError: it may not have them.
    """
    for name in _CPUSET:
        (directory / name).write_text((parent / name).read_text())


def sweep(parent: Path) -> None:
    """Remove groups of killed processes; a group that anybody uses has a process or is young."""
    for old in parent.glob(f"{_PREFIX}*[0-9]-[0-9]*"):
        with contextlib.suppress(OSError):
            if time.time() - old.stat().st_mtime > _STALE_SECONDS:
                old.rmdir()


def _write(directory: Path, files: Mapping[str, str]) -> None:
    for name, value in files.items():
        optional = name in _SWAP  # some kernels do not count it
        with contextlib.suppress(OSError) if optional else contextlib.nullcontext():
            (directory / name).write_text(value)
