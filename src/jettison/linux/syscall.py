"""The door to the kernel: libc's functions and raw system calls, with errors as ``OSError``.

In:  integers, bytes (paths and texts, NUL-terminated by ctypes) and ctypes buffers.
Out: the call's result; ``OSError(errno, "call: reason", path)`` when it failed.

Imports nothing but ``ctypes`` and ``os``, because ``sandbox.init`` is started with it.
"""

from __future__ import annotations

import ctypes
import os


def _wide(name: str, count: int) -> ctypes._NamedFuncPointer:
    """Return a function of libc whose arguments are all as wide as a pointer.

    By itself ctypes would cut an int to 32 bits, which breaks flags such as MS_NOUSER and masks of
    rlimits. That types are declared once, and not made for each call, halves what a call costs.
    """
    function = _libc[name]
    function.argtypes = [ctypes.c_void_p] * count
    return function


_libc = ctypes.CDLL(None, use_errno=True)
_PADDING = (None,) * 6  # a function does not look at registers beyond its own arguments
_FUNCTIONS = {
    name: _wide(name, len(_PADDING))
    for name in (
        *("mount", "umount2", "unshare", "setns", "sethostname", "prctl"),
        *("execve", "setfsuid", "setfsgid", "syncfs", "fstatfs"),
    )
}
_syscall = _wide("syscall", len(_PADDING) + 1)
_syscall.restype = ctypes.c_long
# Keeps the interpreter's lock during the call, so that a clone wakes up owning it.
_own = ctypes.PyDLL(None, use_errno=True)
_own.syscall.restype = ctypes.c_long

MACHINE = os.uname().machine

_NUMBERS = {
    "x86_64": {
        "clone": 56,
        "pivot_root": 155,
        "capget": 125,
        "capset": 126,
        "seccomp": 317,
        "renameat2": 316,
        "statx": 332,
        "bpf": 321,
        "inotify_init1": 294,
        "inotify_add_watch": 254,
    },
    "aarch64": {
        "clone": 220,
        "pivot_root": 41,
        "capget": 90,
        "capset": 91,
        "seccomp": 277,
        "renameat2": 276,
        "statx": 291,
        "bpf": 280,
        "inotify_init1": 26,
        "inotify_add_watch": 27,
    },
}
# Calls since Linux 5.0 have one number on every architecture (except alpha).
_COMMON = {
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "openat2": 437,
    "mount_setattr": 442,
    "landlock_create_ruleset": 444,
    "landlock_restrict_self": 446,
}
_GENERIC = _NUMBERS["aarch64"]


def number(name: str) -> int:
    """Return the number of a system call on this machine.

    Raises:
        OSError: ENOSYS, when it is not known here.
    """
    found = _COMMON.get(name)
    if found is None:
        found = _NUMBERS.get(MACHINE, _GENERIC if MACHINE == "riscv64" else {}).get(name)
    if found is None:
        code = 38  # ENOSYS
        raise OSError(code, f"{name}: {os.strerror(code)} on {MACHINE}")
    return found


def fail(name: str, path: bytes | str | None = None) -> OSError:
    """Make the error of the call that just failed in this thread."""
    code = ctypes.get_errno()
    text = f"{name}: {os.strerror(code)}"
    return OSError(code, text) if path is None else OSError(code, text, os.fsdecode(path))


def libc(name: str, *arguments: object, path: bytes | None = None) -> int:
    """Call a function of libc that returns -1 on errors.

    Args:
        name: Of the function, one of ``_FUNCTIONS``.
        arguments: At most six ints, bytes, None or ctypes buffers; ints are passed as C ``long``.
        path: Named by the error.

    Raises:
        OSError: the call failed.
    """
    result: int = _FUNCTIONS[name](*arguments, *_PADDING[len(arguments) :])
    if result == -1:
        raise fail(name, path)
    return result


def raw(name: str, *arguments: object, path: bytes | None = None) -> int:
    """Make a system call by name.

    Raises:
        OSError: the call failed.
    """
    result: int = _syscall(number(name), *arguments, *_PADDING[len(arguments) :])
    if result == -1:
        raise fail(name, path)
    return result


def clone(flags: int) -> int:
    """Fork into new namespaces; return 0 in the child.

    Only for programs with one thread: neither libc's nor Python's fork handlers run.

    Args:
        flags: ``CLONE_*`` without ``CLONE_VM`` and its like.

    Raises:
        OSError: the kernel refused a namespace.
    """
    sigchld = 17
    result = _own.syscall(number("clone"), *map(ctypes.c_long, (flags | sigchld, 0, 0, 0, 0)))
    if result == -1:
        raise fail("clone")
    return int(result)
