"""The filter of system calls that containers run with, as BPF and as an OCI runtime's JSON.

In:  the capabilities of the container: some calls are only refused without one.
Out: a BPF program for this machine's kernel and its 32-bit companion, or values for config.json.

What is refused and when follows the profile that docker applies by default: calls that act on
the kernel as a whole, on other namespaces or on keys, or that had many holes. The rest is allowed,
because the kernel itself asks for the capability. A list of refusals is enough for that, is short,
and lets the kernel's cache of always-allowed calls work (Linux 5.11).

Source: seccomp(2); the documentation of docker's default seccomp profile; system call tables of
Linux 6.12 (x86_64, i386, asm-generic, arm EABI).
"""

from __future__ import annotations

import errno
from functools import lru_cache
from typing import TYPE_CHECKING

from jettison.linux.bpf import (
    ALLOW,
    AND,
    ANY_BIT,
    ARCHITECTURES,
    EQUAL,
    ERRNO,
    GREATER_EQUAL,
    LOAD,
    NOTIFY,
    NUMBER,
    REFUSE,
    RETURN,
    UNKNOWN,
    X32,
    argument,
    assemble,
    op,
    when,
)
from jettison.linux.process import CAPABILITIES
from jettison.linux.socket_filter import SOCKET, SOCKETCALL, notify_sockets
from jettison.linux.syscall import MACHINE

if TYPE_CHECKING:
    from jettison.linux.seccomp_profile import SeccompProfile

# name, numbers on x86_64, i386, aarch64, arm (-1: none), capability that allows it (-: never)
_REFUSED = """
add_key 248 286 217 309 -
bdflush -1 134 -1 134 -
create_module 174 127 -1 -1 -
get_kernel_syms 177 130 -1 -1 -
io_uring_enter 426 426 426 426 -
io_uring_register 427 427 427 427 -
io_uring_setup 425 425 425 425 -
kexec_file_load 320 -1 294 401 -
kexec_load 246 283 104 347 -
keyctl 250 288 219 311 -
migrate_pages 256 294 238 400 -
move_pages 279 317 239 344 -
nfsservctl 180 169 42 169 -
pivot_root 155 217 41 218 -
query_module 178 167 -1 -1 -
request_key 249 287 218 310 -
swapoff 168 115 225 115 -
swapon 167 87 224 87 -
sysfs 139 135 -1 135 -
_sysctl 156 149 -1 149 -
uselib 134 86 -1 86 -
userfaultfd 323 374 282 388 -
ustat 136 62 -1 62 -
vm86 -1 166 -1 -1 -
vm86old -1 113 -1 -1 -
open_by_handle_at 304 342 265 371 CAP_DAC_READ_SEARCH
bpf 321 357 280 386 CAP_SYS_ADMIN
fanotify_init 300 338 262 367 CAP_SYS_ADMIN
fsconfig 431 431 431 431 CAP_SYS_ADMIN
fsmount 432 432 432 432 CAP_SYS_ADMIN
fsopen 430 430 430 430 CAP_SYS_ADMIN
fspick 433 433 433 433 CAP_SYS_ADMIN
listns 470 470 470 470 CAP_SYS_ADMIN
lookup_dcookie 212 253 18 249 CAP_SYS_ADMIN
lsm_get_self_attr 459 459 459 459 CAP_SYS_ADMIN
lsm_list_modules 461 461 461 461 CAP_SYS_ADMIN
lsm_set_self_attr 460 460 460 460 CAP_SYS_ADMIN
mount 165 21 40 21 CAP_SYS_ADMIN
mount_setattr 442 442 442 442 CAP_SYS_ADMIN
move_mount 429 429 429 429 CAP_SYS_ADMIN
open_tree 428 428 428 428 CAP_SYS_ADMIN
open_tree_attr 467 467 467 467 CAP_SYS_ADMIN
perf_event_open 298 336 241 364 CAP_SYS_ADMIN
quotactl 179 131 60 131 CAP_SYS_ADMIN
quotactl_fd 443 443 443 443 CAP_SYS_ADMIN
setdomainname 171 121 162 121 CAP_SYS_ADMIN
sethostname 170 74 161 74 CAP_SYS_ADMIN
setns 308 346 268 375 CAP_SYS_ADMIN
syslog 103 103 116 103 CAP_SYS_ADMIN
umount -1 22 -1 -1 CAP_SYS_ADMIN
umount2 166 52 39 52 CAP_SYS_ADMIN
unshare 272 310 97 337 CAP_SYS_ADMIN
chroot 161 61 51 61 CAP_SYS_CHROOT
reboot 169 88 142 88 CAP_SYS_BOOT
delete_module 176 129 106 129 CAP_SYS_MODULE
finit_module 313 350 273 379 CAP_SYS_MODULE
init_module 175 128 105 128 CAP_SYS_MODULE
acct 163 51 89 51 CAP_SYS_PACCT
kcmp 312 349 272 378 CAP_SYS_PTRACE
pidfd_getfd 438 438 438 438 CAP_SYS_PTRACE
process_madvise 440 440 440 440 CAP_SYS_PTRACE
ioperm 173 101 -1 -1 CAP_SYS_RAWIO
iopl 172 110 -1 -1 CAP_SYS_RAWIO
clock_settime 227 264 112 262 CAP_SYS_TIME
clock_settime64 -1 404 -1 404 CAP_SYS_TIME
settimeofday 164 79 170 79 CAP_SYS_TIME
stime -1 25 -1 -1 CAP_SYS_TIME
vhangup 153 111 58 111 CAP_SYS_TTY_CONFIG
get_mempolicy 239 275 236 320 CAP_SYS_NICE
mbind 237 274 235 319 CAP_SYS_NICE
set_mempolicy 238 276 237 321 CAP_SYS_NICE
set_mempolicy_home_node 450 450 450 450 CAP_SYS_NICE
"""
# Calls that do nothing where there is one user id, numbers as above.
_PRETENDED = """
chown 92 182 -1 182
chown32 -1 212 -1 212
fchown 93 95 55 95
fchown32 -1 207 -1 207
fchownat 260 298 54 325
lchown 94 16 -1 16
lchown32 -1 198 -1 198
setfsgid 123 139 152 139
setfsgid32 -1 216 -1 216
setfsuid 122 138 151 138
setfsuid32 -1 215 -1 215
setgid 106 46 144 46
setgid32 -1 214 -1 214
setgroups 116 81 159 81
setgroups32 -1 206 -1 206
setregid 114 71 143 71
setregid32 -1 204 -1 204
setresgid 119 170 149 170
setresgid32 -1 210 -1 210
setresuid 117 164 147 164
setresuid32 -1 208 -1 208
setreuid 113 70 145 70
setreuid32 -1 203 -1 203
setuid 105 23 146 23
setuid32 -1 213 -1 213
"""
# The same for devices; behind the name is the place of the mode among the arguments.
_PRETENDED_DEVICES = """
mknod 1 133 14 -1 14
mknodat 2 259 297 33 324
"""
# Calls that reach ``/proc`` by a path, for chroots, where it cannot be mounted.
_OPENING = """
open 2 -1 -1 -1
openat 257 -1 56 -1
readlink 89 -1 -1 -1
readlinkat 267 -1 78 -1
openat2 437 -1 437 -1
"""
# The same for calls that are refused for some values of their first argument.
_CLONE = (56, 120, 220, 120)
_CLONE3 = 435
_PERSONALITY = (135, 136, 92, 136)

_NEW_NAMESPACES = 0x7E020000
_PERSONALITIES = (0, 8, 0x20000, 0x20008, 0xFFFFFFFF)
# Families of sockets: Amateur radio, IPX, AppleTalk and others that kernels lost, the cryptography
# of the kernel (38) and the hypervisor (40); and those that are newer than this list.
_FAMILIES = (3, 4, 5, 6, 11, 12, 19, 20, 23, 25, 34, 37, 38, 40)
_NEW_FAMILIES = 46
_CALL_SOCKET = 1
_OCI_ARCHITECTURES = {
    "x86_64": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
    "aarch64": ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"],
}

_PRETEND = ERRNO
_TYPE, _CHARACTER, _BLOCK = 0xF000, 0x2000, 0x6000


def supported() -> bool:
    """Return whether there is a filter for this machine's processor."""
    return MACHINE in ARCHITECTURES


@lru_cache(maxsize=8)
def program(
    capabilities: int,
    machine: str = MACHINE,
    *,
    single_id: bool = False,
    notify_chown: bool = False,
    notify_open: bool = False,
    notify_socket: bool = False,
    vsock: bool = False,
    profile: SeccompProfile | None = None,
) -> bytes:
    """Return the BPF program; empty for processors without a table.

    Args:
        capabilities: Mask of the container's bounding set.
        machine: As of uname(2).
        single_id: There is one user, so that calls which change owners and users, or make devices,
            do nothing and succeed.
        notify_chown: With ``single_id``: whether a listener is notified of chown(2) and its kin.
        notify_open: Whether a listener is notified of open(2) and readlink(2).
        notify_socket: Whether a listener is notified of calls that make Unix sockets.
        vsock: The host has sockets to hypervisors: as socketcall(2) has its arguments in memory,
            which no filter sees, it makes no sockets then.
        profile: Rules in place of docker's.

    Raises:
        UsageError: a profile has too many rules.
    """

    def own(column: int) -> list[bytes]:
        if profile is None:
            return _section(column, capabilities, vsock=vsock)
        from jettison.linux.seccomp_rules import profile_section  # few are given

        return profile_section(profile, column)

    sections = [
        (
            arch,
            (notify_sockets(column) if notify_socket else [])
            + (_notify_open(column) if notify_open else [])
            + (_pretended(column, notify_chown=notify_chown) if single_id else [])
            + own(column),
        )
        for arch, column in ARCHITECTURES.get(machine, ())
        if profile is None or profile.compat or column % 2 == 0
    ]
    return assemble(sections, UNKNOWN) if sections else b""


@lru_cache(maxsize=8)
def refused(capabilities: int) -> tuple[str, ...]:
    """Return the names of the calls that are refused whatever their arguments."""
    return tuple(name for name, _ in _refused(capabilities))


def oci_filter(
    capabilities: int, machine: str = MACHINE, *, vsock: bool = False
) -> dict[str, object] | None:
    """Return ``linux.seccomp`` of an OCI runtime-spec config with the same rules."""
    if machine not in ARCHITECTURES:
        return None

    def rule(names: list[str], code: int, *conditions: dict[str, object]) -> dict[str, object]:
        made: dict[str, object] = {"names": names, "action": "SCMP_ACT_ERRNO", "errnoRet": code}
        return made | ({"args": list(conditions)} if conditions else {})

    rules = [rule(list(refused(capabilities)), errno.EPERM)]
    if not _has(capabilities, "CAP_SYS_ADMIN"):
        for bit in range(32):
            if _NEW_NAMESPACES >> bit & 1:
                flag = {"index": 0, "value": 1 << bit, "valueTwo": 1 << bit}
                rules.append(rule(["clone"], errno.EPERM, flag | {"op": "SCMP_CMP_MASKED_EQ"}))
        rules.append(rule(["clone3"], errno.ENOSYS))
    for family in _FAMILIES:
        is_it = {"index": 0, "value": family, "op": "SCMP_CMP_EQ"}
        rules.append(rule(["socket"], errno.EPERM, is_it))
    newer = {"index": 0, "value": _NEW_FAMILIES, "op": "SCMP_CMP_GE"}
    rules.append(rule(["socket"], errno.EPERM, newer))
    if vsock and SOCKETCALL[ARCHITECTURES[machine][1][1]] >= 0:
        makes = {"index": 0, "value": _CALL_SOCKET, "op": "SCMP_CMP_EQ"}
        rules.append(rule(["socketcall"], errno.EPERM, makes))
    different = [{"index": 0, "value": value, "op": "SCMP_CMP_NE"} for value in _PERSONALITIES]
    rules.append(rule(["personality"], errno.EPERM, *different))
    return {
        "defaultAction": "SCMP_ACT_ALLOW",
        "architectures": _OCI_ARCHITECTURES[machine],
        "syscalls": rules,
    }


def _has(capabilities: int, name: str) -> bool:
    return bool(capabilities >> CAPABILITIES.index(name) & 1)


def _refused(capabilities: int) -> list[tuple[str, list[int]]]:
    found = []
    for line in _REFUSED.split("\n"):
        if not line:
            continue
        name, *numbers, capability = line.split(" ")
        if capability == "-" or not _has(capabilities, capability):
            found.append((name, [int(text) for text in numbers]))
    return found


def open_program(machine: str = MACHINE) -> bytes:
    """Return the BPF program that notifies of open(2) and readlink(2), and refuses nothing."""
    architectures = ARCHITECTURES.get(machine)
    if not architectures:
        return b""
    arch, column = architectures[0]
    return assemble([(arch, [*_notify_open(column), op(RETURN, ALLOW)])], ALLOW)


def _notify_open(column: int) -> list[bytes]:
    """Return the instructions that notify of calls which open; others fall through."""
    code = [op(LOAD, NUMBER)]
    for line in _OPENING.split("\n")[1:-1]:
        number = int(line.split(" ")[1 + column])
        code += when(number, [op(RETURN, NOTIFY)])
    return code


def _pretended(column: int, *, notify_chown: bool) -> list[bytes]:
    """Return the instructions that let calls succeed without effect; others fall through."""
    code = [op(LOAD, NUMBER)]
    for line in _PRETENDED.split("\n")[1:-1]:
        name, *numbers = line.split(" ")
        number = int(numbers[column])
        # The listener knows the calls of 64-bit processes only.
        notified = notify_chown and column % 2 == 0 and "chown" in name
        code += when(number, [op(RETURN, NOTIFY if notified else _PRETEND)])
    for line in _PRETENDED_DEVICES.split("\n")[1:-1]:
        _, place, *numbers = line.split(" ")
        body = [
            argument(int(place)),
            op(AND, _TYPE),
            op(EQUAL, _CHARACTER, 1, 0),
            op(EQUAL, _BLOCK, 0, 1),
            op(RETURN, _PRETEND),
            op(RETURN, ALLOW),
        ]
        code += when(int(numbers[column]), body)
    return code


def _section(column: int, capabilities: int, *, vsock: bool) -> list[bytes]:
    """Return the instructions for one architecture; they end by returning."""
    code = [op(LOAD, NUMBER)]
    if column == 0:
        code += [op(GREATER_EQUAL, X32, 0, 1), op(RETURN, UNKNOWN)]
    for _, numbers in _refused(capabilities):
        code += when(numbers[column], [op(RETURN, REFUSE)])
    if not _has(capabilities, "CAP_SYS_ADMIN"):
        code += [op(EQUAL, _CLONE3, 0, 1), op(RETURN, UNKNOWN)]
        code += _when(_CLONE[column], [op(ANY_BIT, _NEW_NAMESPACES, 0, 1)])
    count = len(_FAMILIES)
    families = [op(EQUAL, family, count - at, 0) for at, family in enumerate(_FAMILIES)]
    code += _when(SOCKET[column], [*families, op(GREATER_EQUAL, _NEW_FAMILIES, 0, 1)])
    if vsock:
        code += _when(SOCKETCALL[column], [op(EQUAL, _CALL_SOCKET, 0, 1)])
    count = len(_PERSONALITIES)
    allowed = [op(EQUAL, value, count - at, 0) for at, value in enumerate(_PERSONALITIES)]
    code += _when(_PERSONALITY[column], allowed)
    code.append(op(RETURN, ALLOW))
    return code


def _when(number: int, tests: list[bytes]) -> list[bytes]:
    """Refuse a call when its tests fall through to the refusal behind them."""
    return when(number, [argument(), *tests, op(RETURN, REFUSE), op(RETURN, ALLOW)])
