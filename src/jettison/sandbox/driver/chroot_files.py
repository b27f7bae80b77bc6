"""What a chroot has in ``/proc`` and ``/dev``, where nothing can be mounted.

In:  empty directories, which are removed after the step.
Out: devices where they may be made, files that do for most programs where not; names that
    programs look for in ``/proc``. What they open there is answered by ``init.notify.procfs``.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from jettison.fs.remove import remove_tree

_DEVICES = (("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9))
_RANDOM_BYTES = 1 << 16
_LINKS = (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2"))
_FACTS = (
    *("cpuinfo", "filesystems", "loadavg", "meminfo", "stat", "uptime", "version"),
    *("sys/kernel/osrelease", "sys/kernel/ostype", "sys/vm/overcommit_memory"),
)
_PLACES = (
    *("mounts", "net/dev", "net/route", "thread-self/stat", "thread-self/status"),
    *("self/cgroup", "self/cmdline", "self/environ", "self/exe", "self/maps", "self/mountinfo"),
    *("self/mounts", "self/stat", "self/statm", "self/status"),
    *("self/fd/0", "self/fd/1", "self/fd/2"),
)


def make_proc(proc: Path) -> None:
    """Make what programs look for in ``/proc``: facts about the machine, and empty files."""
    for name in (*_FACTS, *_PLACES):
        place = proc / name
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            place.write_bytes(Path("/proc", name).read_bytes() if name in _FACTS else b"")
        except OSError:  # some containers hide some facts
            place.write_bytes(b"")


def make_devices(dev: str) -> None:
    """Make the devices that programs cannot do without, or files that do for most of them."""
    for name, major, minor in _DEVICES:
        path = f"{dev}/{name}"
        try:
            os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(major, minor))
            os.close(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
        except OSError:
            remove_tree(path)
            content = os.urandom(_RANDOM_BYTES) if "random" in name else b""
            Path(path).write_bytes(content)
        os.chmod(path, 0o666)  # noqa: S103 - /dev/null is for all
    for name, target in _LINKS:
        os.symlink(f"/proc/self/fd{target}", f"{dev}/{name}")
    for name in ("shm", "pts"):
        os.mkdir(f"{dev}/{name}")
    os.chmod(f"{dev}/shm", 0o1777)  # noqa: S103 - as everywhere
