"""Namespaces of the kernel: leave, enter, name.

Source: namespaces(7), unshare(2), setns(2).
In:  flags. Out: effects on the calling process.
"""

from __future__ import annotations

from jettison.linux.syscall import libc

NEWNS = 0x00020000
NEWCGROUP = 0x02000000
NEWUTS = 0x04000000
NEWIPC = 0x08000000
NEWUSER = 0x10000000
NEWPID = 0x20000000
NEWNET = 0x40000000


def unshare(flags: int) -> None:
    """Give the calling process namespaces of its own.

    Raises:
        OSError: EPERM without the privilege; EINVAL for a user namespace in a threaded process.
    """
    libc("unshare", flags)


def enter(descriptor: int, flags: int) -> None:
    """Enter the namespace behind a descriptor of ``/proc/<pid>/ns/<name>``."""
    libc("setns", descriptor, flags)


def set_hostname(name: bytes) -> None:
    """Set the host name of the UTS namespace."""
    libc("sethostname", name, len(name))
