"""Landlock, as far as it keeps a process from abstract Unix sockets of others.

Such a socket has a name but no file: who shares its network namespace may connect, whatever the
file system says. A process in a domain reaches those only that were made in the domain, or in one
below. File systems, mounts, signals and networks stay as they are: nothing of them is handled.

Source: landlock(7); Documentation/userspace-api/landlock.rst of Linux 6.12.
"""

from __future__ import annotations

import os
import struct

from jettison.linux.syscall import raw

_CREATE_RULESET_VERSION = 1
_SCOPE_ABSTRACT_UNIX_SOCKET = 1
_FIRST_ABI = 6


def abi() -> int:
    """Return the version of the kernel's interface; 0 where there is none."""
    try:
        return raw("landlock_create_ruleset", None, 0, _CREATE_RULESET_VERSION)
    except OSError:
        return 0


def can_scope(version: int) -> bool:
    """Tell whether an interface of this version knows abstract sockets (Linux 6.12)."""
    return version >= _FIRST_ABI


def leave_abstract_sockets() -> None:
    """Keep this process and its children from abstract sockets that others listen at.

    Raises:
        OSError: EPERM without CAP_SYS_ADMIN in the user namespace; E2BIG in the 17th domain.
    """
    # Accesses to files and to ports that are handled: none.
    ruleset = struct.pack("=QQQ", 0, 0, _SCOPE_ABSTRACT_UNIX_SOCKET)
    descriptor = raw("landlock_create_ruleset", ruleset, len(ruleset), 0)
    try:
        raw("landlock_restrict_self", descriptor, 0)
    finally:
        os.close(descriptor)
