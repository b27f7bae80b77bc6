"""Programs of other processors: whether the kernel runs them here, and letting it.

In:  architectures as platforms name them.
Out: which of them run; registrations of emulators.

The kernel looks for a registration in the user namespace of a process, or in the nearest one around
it that has some. So in a namespace of our own (Linux 6.7) we register what the host has installed:
nobody needs any right on the host for that, and nothing of the host changes.

Source: binfmt_misc.rst of the kernel; binfmt.d(5); ELF, ``e_machine``.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from jettison.linux import userns
from jettison.linux.mount import MS_NODEV, MS_NOEXEC, MS_NOSUID, mount

MOUNTED = Path("/proc/sys/fs/binfmt_misc")
DIRECTORIES = ("/etc/binfmt.d", "/run/binfmt.d", "/usr/local/lib/binfmt.d", "/usr/lib/binfmt.d")
"""Where packages of emulators say how they are registered; a name in one hides those behind it."""

_MACHINES = {
    "386": (3, 1, "<"),
    "amd64": (62, 2, "<"),
    "arm": (40, 1, "<"),
    "arm64": (183, 2, "<"),
    "loong64": (258, 2, "<"),
    "mips64le": (8, 2, "<"),
    "ppc64le": (21, 2, "<"),
    "riscv64": (243, 2, "<"),
    "s390x": (22, 2, ">"),
}
"""Architecture to ``e_machine``, ELF class and byte order; of others nothing is known."""

_NATIVE = {"x86_64": {"amd64", "386"}, "aarch64": {"arm64"}}
_MAX_BYTES = 4096
_ESCAPE = re.compile(rb"\\x([0-9A-Fa-f]{2})")


class Registration(msgspec.Struct, frozen=True):
    """How programs are recognised, and what runs them.

    Args:
        name: Of the registration.
        magic: The bytes that a program begins with.
        mask: Which bits of these count; empty is all.
        offset: Where they are.
        interpreter: The emulator.
        flags: As the kernel knows them; ``F`` lets the emulator be outside of the container.
    """

    name: str
    magic: bytes
    mask: bytes
    offset: int
    interpreter: str
    flags: str

    def recognises(self, architecture: str) -> bool:
        """Tell whether programs of an architecture are run with it."""
        if architecture not in _MACHINES:
            return False
        header = _header(architecture)[self.offset : self.offset + len(self.magic)]
        mask = self.mask or b"\xff" * len(self.magic)
        if len(header) < len(self.magic) or len(mask) != len(self.magic):
            return False
        wanted = zip(header, self.magic, mask, strict=True)
        return all((ours ^ theirs) & bits == 0 for ours, theirs, bits in wanted)


def can_run(architecture: str) -> bool:
    """Tell whether programs of an architecture run in containers here, emulated or not."""
    if is_native(architecture):
        return True
    return any("F" in each.flags and each.recognises(architecture) for each in _registered())


def has_emulator(architecture: str) -> bool:
    """Tell whether an emulator for an architecture is installed, whatever the kernel knows."""
    return any(each.recognises(architecture) for each in _installed())


class Emulation(msgspec.Struct, frozen=True):
    """What runs programs of an architecture that is not this machine's.

    Args:
        architecture: As platforms name it.
        interpreter: The emulator.
        is_registered: Whether the kernel uses it for containers already.
    """

    architecture: str
    interpreter: str
    is_registered: bool


def emulations() -> list[Emulation]:
    """Return what can be emulated here, registered with the kernel or only installed."""
    found: list[Emulation] = []
    registered = [each for each in _registered() if "F" in each.flags]
    installed = list(_installed())
    for architecture in _MACHINES:
        if is_native(architecture):
            continue
        for emulators, is_registered in ((registered, True), (installed, False)):
            fits = (each for each in emulators if each.recognises(architecture))
            emulator = next(fits, None)
            if emulator is not None:
                found.append(Emulation(architecture, emulator.interpreter, is_registered))
                break
    return found


def register(architectures: Collection[str]) -> None:
    """Let programs of architectures run in this user namespace, as far as that can be.

    Nothing happens where they run already, outside of a namespace of ours, where no emulator is
    installed, or where the kernel is too old.
    """
    missing = {each for each in architectures if not can_run(each)}
    if not missing or not userns.is_own():
        return
    installed = list(_installed())
    chosen: dict[str, Registration] = {}
    for each in architectures:
        found = next((known for known in installed if known.recognises(each)), None)
        if not is_native(each) and found is not None:
            chosen[each] = found
    emulated = {each for each in architectures if not is_native(each)} - missing
    if not chosen.keys() & missing or not chosen.keys() >= emulated:
        return  # an instance of our own hides what the host has registered
    with suppress(OSError):  # the kernel is older than 6.7
        place = os.fsencode(MOUNTED)
        mount(b"binfmt_misc", place, b"binfmt_misc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
        for registration in dict.fromkeys(chosen.values()):
            with suppress(FileExistsError):
                (MOUNTED / "register").write_bytes(_line(registration))


def is_native(architecture: str) -> bool:
    """Tell whether this machine's processor runs programs of an architecture."""
    machine = os.uname().machine
    return architecture in _NATIVE.get(machine, {machine}) or architecture not in _MACHINES


def _header(architecture: str) -> bytes:
    """Return what programs of an architecture begin with."""
    machine, bits, order = _MACHINES[architecture]
    identification = b"\x7fELF" + bytes([bits, 1 if order == "<" else 2, 1]) + bytes(9)
    return identification + struct.pack(f"{order}HHI", 2, machine, 1)


def _registered() -> Iterator[Registration]:
    """Yield what the kernel knows, as far as it is switched on."""
    names = set(_names(MOUNTED))
    if _read(MOUNTED / "status").strip() != b"enabled":
        return
    for name in sorted(names - {"register", "status"}):
        state, *lines = _read(MOUNTED / name).decode(errors="replace").splitlines() or [""]
        facts = dict(line.partition(" ")[::2] for line in lines)
        if state == "enabled" and "magic" in facts:
            with suppress(ValueError):
                yield Registration(
                    name,
                    bytes.fromhex(facts["magic"]),
                    bytes.fromhex(facts.get("mask", "")),
                    int(facts.get("offset", "0")),
                    facts.get("interpreter", ""),
                    facts.get("flags:", ""),
                )


def _installed() -> Iterator[Registration]:
    """Yield what packages have for registration, of programs that are here."""
    found: dict[str, Path] = {}
    for directory in map(Path, DIRECTORIES):
        for name in _names(directory):
            if name.endswith(".conf"):
                found.setdefault(name, directory / name)
    for path in found.values():
        for line in _read(path).splitlines():
            registration = _parsed(line.strip())
            if registration is not None and os.access(registration.interpreter, os.X_OK):
                yield registration


def _parsed(line: bytes) -> Registration | None:
    r"""Return what a line of a file of binfmt.d says, None if it is about no magic number.

    >>> _parsed(rb":a:M:0:\x7fE:\xff\xfe:/bin/a:OF").mask
    b'\xff\xfe'
    """
    fields = line.split(line[:1])[1:] if line[:1] and line[:1] not in b"#;" else []
    if len(fields) != 7 or fields[1] != b"M":
        return None
    name, _, offset, magic, mask, interpreter, flags = fields
    try:
        return Registration(
            os.fsdecode(name),
            _bytes(magic),
            _bytes(mask),
            int(offset or b"0"),
            os.fsdecode(interpreter),
            os.fsdecode(flags),
        )
    except ValueError:
        return None


def _bytes(text: bytes) -> bytes:
    return _ESCAPE.sub(lambda match: bytes([int(match[1], 16)]), text)


def _line(registration: Registration) -> bytes:
    """Return what is written to register; the emulator is opened at once, before any container."""
    escaped = [
        b"".join(b"\\x%02x" % byte for byte in part)
        for part in (registration.magic, registration.mask)
    ]
    flags = "".join(sorted({*registration.flags, "F"}))
    name, interpreter = map(os.fsencode, (registration.name, registration.interpreter))
    offset = str(registration.offset).encode()
    return b":".join((b"", name, b"M", offset, *escaped, interpreter, flags.encode()))


def _names(directory: Path) -> list[str]:
    try:
        return sorted(os.listdir(directory))
    except OSError:
        return []


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_BYTES)
    except OSError:
        return b""
