"""The first instructions of the helper.

In:  ``argv``: package directory, descriptor of the socket to the builder.
Out: a server behind that socket; the interpreter's file is read-only behind ``/proc/self/exe``.

Security: a process of a container can make the kernel start ``/proc/self/exe`` (as the
interpreter of a script), which is the helper's interpreter on the host, and could then write to
that file as root. Behind a read-only mount it cannot.
"""

from __future__ import annotations

import os
import sys

from jettison.linux.mount import bind, make_readonly, propagate_one_way
from jettison.linux.namespace import NEWNS, unshare

_MARK = "protected"


def boot() -> None:
    """Protect the interpreter, then serve.

    The server is imported by the second start only, so that the first one is short. The builder
    waits for the end: the interpreter is not taken apart for it.
    """
    protect_interpreter()
    from jettison.sandbox.init.server import main

    main()
    os._exit(0)


def protect_interpreter() -> None:
    """Start the same program again from a read-only mount of the interpreter, once."""
    if sys.argv[-1] == _MARK:
        return
    program = os.fsencode(os.readlink("/proc/self/exe"))
    try:
        unshare(NEWNS)
    except PermissionError:
        return  # no container can be made either, and clone(2) will say so to the builder
    propagate_one_way()
    bind(program, program, recursive=False)
    make_readonly(program, recursive=False)
    os.execv(program, [*sys.orig_argv, _MARK])  # noqa: S606
