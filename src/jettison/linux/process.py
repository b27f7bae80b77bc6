"""Properties of the calling process: capabilities, death signal, system call filter, exec.

Source: prctl(2), capabilities(7), capset(2), seccomp(2), execve(2), aa_change_onexec(2).
In:  numbers and bytes. Out: effects on the calling process.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

from jettison.linux.syscall import libc, raw

_PR_SET_PDEATHSIG = 1
_PR_CAPBSET_READ = 23
_PR_CAPBSET_DROP = 24
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_SECUREBITS = 28
_SECBIT_NOROOT = 1
_PR_SET_DUMPABLE = 4
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_CAPABILITY_VERSION_3 = 0x20080522
_SECCOMP_SET_MODE_FILTER = 1
_SECCOMP_FILTER_FLAG_NEW_LISTENER = 8

CAPABILITIES = (
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
)
"""Names by number."""


def capability_mask(names: tuple[str, ...]) -> int:
    """Return the bit mask of capability names.

    Raises:
        ValueError: a name is unknown.
    """
    mask = 0
    for name in names:
        mask |= 1 << CAPABILITIES.index(name)
    return mask


def die_with_parent(signal_number: int = 9) -> None:
    """Have the kernel signal this process when its parent ends."""
    libc("prctl", _PR_SET_PDEATHSIG, signal_number, 0, 0, 0)


def adopt_orphans() -> None:
    """Become the parent of processes below this one whose parents end."""
    libc("prctl", _PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def forbid_new_privileges() -> None:
    """Let no program that is executed get more rights than there are; filters need it."""
    libc("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def set_dumpable(*, value: bool) -> None:
    """Allow or forbid core dumps, ptrace and access to ``/proc/<pid>`` by equals."""
    libc("prctl", _PR_SET_DUMPABLE, int(value), 0, 0, 0)


def limit_bounding_set(mask: int) -> None:
    """Drop every capability outside ``mask`` from the bounding set."""
    for bit in range(64):
        if mask >> bit & 1:
            continue
        try:
            libc("prctl", _PR_CAPBSET_DROP, bit, 0, 0, 0)
        except OSError as error:
            if error.errno == errno.EINVAL:
                return  # past the last capability of this kernel
            raise


def set_capabilities(effective: int, permitted: int, inheritable: int) -> None:
    """Set the capability sets and clear the ambient set."""
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    sets = (effective, permitted, inheritable)
    low = struct.pack("=III", *(value & 0xFFFFFFFF for value in sets))
    high = struct.pack("=III", *(value >> 32 for value in sets))
    raw("capset", header, low + high)
    try:
        libc("prctl", _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise


def capabilities() -> tuple[int, int, int]:
    """Return the effective, permitted and inheritable sets as masks."""
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    data = ctypes.create_string_buffer(24)
    raw("capget", header, data)
    low_e, low_p, low_i, high_e, high_p, high_i = struct.unpack("=6I", data.raw)
    return low_e | high_e << 32, low_p | high_p << 32, low_i | high_i << 32


def install_filter(program: bytes, *, listen: bool = False) -> int:
    """Filter the system calls of this process and its children with a BPF program.

    Args:
        program: ``sock_filter`` structures, 8 bytes each.
        listen: Return the descriptor at which calls are asked about.

    Raises:
        OSError: EACCES without CAP_SYS_ADMIN in the user namespace; EBUSY when somebody listens
            already.
    """
    code = ctypes.create_string_buffer(program, len(program))
    filter_ = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
    flags = _SECCOMP_FILTER_FLAG_NEW_LISTENER if listen else 0
    return raw("seccomp", _SECCOMP_SET_MODE_FILTER, flags, filter_)


def be_no_root() -> None:
    """Let user 0 get no capabilities by executing programs, as if it were another user."""
    libc("prctl", _PR_SET_SECUREBITS, _SECBIT_NOROOT, 0, 0, 0)


def confine_next_program(profile: bytes, proc: bytes = b"/proc/self/attr") -> None:
    """Have the kernel apply an AppArmor profile to the next program that this process executes.

    Raises:
        OSError: ENOENT, there is no such profile; EACCES, the own profile forbids it.
    """
    if not profile:
        return
    own = proc + b"/apparmor/exec"  # since Linux 5.8, where several modules may be active
    path = own if os.path.exists(own) else proc + b"/exec"
    with open(path, "wb", buffering=0) as file:
        file.write(b"exec " + profile)


def execute(path: bytes, argv: list[bytes], env: list[bytes]) -> None:
    """Replace the program: like ``os.execve``, but keeps the order and repeats of ``env``.

    Raises:
        OSError: always, when it returns.
    """
    arguments = (ctypes.c_char_p * (len(argv) + 1))(*argv, None)
    environment = (ctypes.c_char_p * (len(env) + 1))(*env, None)
    libc("execve", path, arguments, environment, path=path)


def become(uid: int, gid: int, groups: list[int]) -> None:
    """Change user and groups for good, supplementary groups first."""
    try:
        os.setgroups(groups)
    except OSError as error:
        # A user namespace with one mapped group forbids it; then there is nothing to drop.
        if error.errno != errno.EPERM or groups:
            raise
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
