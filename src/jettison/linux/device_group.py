"""Control groups whose processes may make any device node, and open a few devices only.

In:  the mounted hierarchies, and the groups of this process in them.
Out: a group, below that of this process, that others are moved into.

This is the second wall around devices, where it can be had; the first are mounts with ``nodev``.
With version 1 the rules are written into files. With version 2 they are a program that the kernel
asks: it cannot be looked at, and goes with its group.

Source: Documentation/admin-guide/cgroup-v1/devices.rst and cgroup-v2.rst of the kernel; bpf(2);
Documentation/bpf/standardization/instruction-set.rst; uapi/linux/bpf.h ``bpf_cgroup_dev_ctx``.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import struct
from collections.abc import Sequence
from pathlib import Path

import msgspec

from jettison.linux.cgroup import Hierarchy, hierarchies, sweep
from jettison.linux.syscall import raw

USUAL_DEVICES = (
    *((1, 3), (1, 5), (1, 7), (1, 8), (1, 9)),  # null, zero, full, random, urandom
    *((5, 0), (5, 1), (5, 2), (136, None)),  # tty, console, ptmx, terminals
    *((10, 200), (10, 229)),  # tun and fuse: what connects networks and serves file systems
)
"""Character devices that may be opened, by major and minor number; None is each."""

_PROG_LOAD = 5
_PROG_ATTACH = 8
_PROG_TYPE_CGROUP_DEVICE = 15
_CGROUP_DEVICE = 6
_ALLOW_MULTI = 2
_MKNOD = 1
_KINDS = {"b": 1, "c": 2}
_LICENSE = b"Apache-2.0\0"


_ACCESS = {"m": 1, "r": 2, "w": 4}
Number = tuple[str, int, int, str]
"""A device: `b` or `c`, major and minor number, and what may be done: of `r`, `w`, `m`."""


class DeviceGroup(msgspec.Struct, frozen=True):
    """A group.

    Args:
        directory: Of the group.
        unified: It is of version 2.
    """

    directory: Path
    unified: bool

    def add(self, pid: int) -> None:
        """Move a process into the group.

        Raises:
            OSError: this user may not.
        """
        (self.directory / "cgroup.procs").write_text(str(pid))

    def remove(self) -> None:
        """Remove the group; its processes have ended."""
        with contextlib.suppress(OSError):
            self.directory.rmdir()


def make_device_group(
    name: str, more: Sequence[Number] = (), found: Sequence[Hierarchy] | None = None
) -> DeviceGroup | str:
    """Make a group, or say why there is none.

    Args:
        name: Unique on this host.
        more: Devices that may be opened beside the usual ones.
        found: The hierarchies, if the caller has looked for them.
    """
    hierarchy = _hierarchy(found)
    if hierarchy is None:
        return "there is no hierarchy for devices"
    directory = hierarchy.own / name
    try:
        sweep(hierarchy.own)
        directory.mkdir()
        try:
            restrict_devices(directory, more, unified=hierarchy.unified)
        except OSError:
            directory.rmdir()
            raise
    except OSError as error:
        return (error.strerror or str(error)).lower()
    return DeviceGroup(directory, hierarchy.unified)


def is_usual(device: int) -> bool:
    """Tell whether a device, by its number, is one that every container may open."""
    major = os.major(device)
    return (major, os.minor(device)) in USUAL_DEVICES or (major, None) in USUAL_DEVICES


def unrestricted(found: Sequence[Hierarchy] | None = None) -> list[bytes]:
    """Return the file by which a process comes back into the group of this one, if there is one."""
    hierarchy = _hierarchy(found)
    return [] if hierarchy is None else [os.fsencode(hierarchy.own / "cgroup.procs")]


def _hierarchy(found: Sequence[Hierarchy] | None) -> Hierarchy | None:
    found = hierarchies() if found is None else found
    old = (each for each in found if not each.unified and "devices" in each.controllers)
    return next(old, None) or next((each for each in found if each.unified), None)


def restrict_devices(directory: Path, more: Sequence[Number] = (), *, unified: bool) -> None:
    """Give a group its rules.

    Raises:
        OSError: this user may not, or the kernel has no such programs.
    """
    if not unified:
        _write_rules(directory, more)
        return
    group = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        program = _load(rules_program(more))
        try:
            _bpf(_PROG_ATTACH, struct.pack("=IIII", group, program, _CGROUP_DEVICE, _ALLOW_MULTI))
        finally:
            os.close(program)
    finally:
        os.close(group)


def _write_rules(directory: Path, more: Sequence[Number]) -> None:
    (directory / "devices.deny").write_text("a")
    rules = ["c *:* m", "b *:* m"]
    rules += [f"c {major}:{'*' if minor is None else minor} rwm" for major, minor in USUAL_DEVICES]
    rules += [f"{kind} {major}:{minor} {access}" for kind, major, minor, access in more]
    for rule in rules:
        try:
            (directory / "devices.allow").write_text(rule)
        except OSError as error:
            if error.errno != errno.EPERM:  # what the group above lacks, this one lacks, too
                raise


def rules_program(more: Sequence[Number] = ()) -> bytes:
    """Return the program that a group of version 2 is asked with: 1 allows, 0 denies.

    Its argument points to three numbers of 32 bits: access above kind, major, minor.
    """
    checks: list[bytes] = []
    for major, minor in USUAL_DEVICES:
        if minor is None:
            checks.append(_instruction(0x15, 4, immediate=major, jump=_ALLOW))
        else:
            checks.append(_instruction(0x55, 4, immediate=major, jump=1))
            checks.append(_instruction(0x15, 5, immediate=minor, jump=_ALLOW))
    others: list[bytes] = []
    for kind, major, minor, access in more:
        denied = 7 & ~sum(_ACCESS[each] for each in access)
        others.append(_instruction(0x55, 2, immediate=_KINDS[kind], jump=6))
        others.append(_instruction(0x55, 4, immediate=major, jump=5))
        others.append(_instruction(0x55, 5, immediate=minor, jump=4))
        others.append(_instruction(0xBC, 0, source=3))
        others.append(_instruction(0x54, 0, immediate=denied))
        others.append(_instruction(0x55, 0, immediate=0, jump=1))
        others.append(_instruction(0x05, 0, jump=_ALLOW))
    code = [
        _instruction(0x61, 2, source=1, jump=0),  # r2 = access and kind
        _instruction(0x61, 4, source=1, jump=4),  # r4 = major
        _instruction(0x61, 5, source=1, jump=8),  # r5 = minor
        _instruction(0xBC, 3, source=2),  # r3 = access
        _instruction(0x74, 3, immediate=16),
        _instruction(0x54, 2, immediate=0xFFFF),  # r2 = kind
        _instruction(0x15, 3, immediate=_MKNOD, jump=_ALLOW),
        *others,
        _instruction(0x55, 2, immediate=_KINDS["c"], jump=_DENY),
        *checks,
        _instruction(0xB7, 0, immediate=0),
        _instruction(0x95, 0),
        _instruction(0xB7, 0, immediate=1),
        _instruction(0x95, 0),
    ]
    ends = {_DENY: len(code) - 4, _ALLOW: len(code) - 2}
    return b"".join(_resolve(each, index, ends) for index, each in enumerate(code))


_ALLOW, _DENY = 0x7FFE, 0x7FFF
"""Jumps to the two ends of the program, before they are known."""


def _instruction(
    code: int, target: int, *, source: int = 0, jump: int = 0, immediate: int = 0
) -> bytes:
    return struct.pack("=BBhi", code, source << 4 | target, jump, immediate)


def _resolve(instruction: bytes, index: int, ends: dict[int, int]) -> bytes:
    code, registers, jump, immediate = struct.unpack("=BBhi", instruction)
    if jump in ends:
        jump = ends[jump] - index - 1
    return struct.pack("=BBhi", code, registers, jump, immediate)


def _load(program: bytes) -> int:
    code = ctypes.create_string_buffer(program, len(program))
    license_ = ctypes.create_string_buffer(_LICENSE)
    attributes = struct.pack(
        "=IIQQIIQII", _PROG_TYPE_CGROUP_DEVICE, len(program) // 8, ctypes.addressof(code),
        ctypes.addressof(license_), 0, 0, 0, 0, 0,
    )  # fmt: skip
    return _bpf(_PROG_LOAD, attributes)


def _bpf(command: int, attributes: bytes) -> int:
    return raw("bpf", command, attributes, len(attributes))
