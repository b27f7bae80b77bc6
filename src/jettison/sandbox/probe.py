"""Whether a driver works here: it runs a program of 130 bytes on an overlay of the store's disk.

In:  a driver, a directory on the file system that will hold layers.
Out: ``Verdict``.

Source: System V ABI, ELF-64; syscalls(2) for ``exit``.
"""

from __future__ import annotations

import os
import struct
import tempfile
from pathlib import Path

from jettison.errors import JettisonError
from jettison.fs.remove import remove_tree
from jettison.sandbox.base import Sandbox, Streams, Verdict
from jettison.sandbox.spec import Root, RootKind, SandboxSpec

# machine: (ELF e_machine, instructions of exit(0))
_EXIT = {
    "x86_64": (62, bytes.fromhex("b83c000000 31ff 0f05")),
    "aarch64": (183, bytes.fromhex("a80b80d2 000080d2 010000d4")),
}
_BASE = 0x400000
_HEADERS = 120
_ABSENT = 127


def true_program(machine: str) -> bytes:
    """Return a static executable that exits with 0; empty for unknown processors."""
    if machine not in _EXIT:
        return b""
    number, code = _EXIT[machine]
    size = _HEADERS + len(code)
    header = struct.pack(
        "<16sHHIQQQIHHHHHH",
        b"\x7fELF\x02\x01\x01", 2, number, 1, _BASE + _HEADERS, 64, 0, 0, 64, 56, 1, 0, 0, 0,
    )  # fmt: skip
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x10000)
    return header + segment + code


def probe(sandbox: Sandbox, directory: Path | None = None) -> Verdict:
    """Run a program that does nothing.

    Args:
        sandbox: The driver.
        directory: Where the root file system is made; None is the system's temporary directory.
    """
    place = Path(tempfile.mkdtemp(prefix="probe-", dir=directory))
    try:
        return _probe_in(sandbox, place)
    except OSError as error:
        return Verdict(sandbox.name, works=False, reason=str(error))
    finally:
        remove_tree(place)


def _probe_in(sandbox: Sandbox, place: Path) -> Verdict:
    for name in ("base", "upper", "work"):
        (place / name).mkdir()
    program = true_program(os.uname().machine)
    if program:
        path = place / "base" / "true"
        path.write_bytes(program)
        path.chmod(0o755)
    root = Root(RootKind.OVERLAY, place / "upper", place / "work", (place / "base",))
    null = os.open(os.devnull, os.O_RDWR)
    try:
        spec = SandboxSpec(root=root, argv=("/true",), env=())
        code = sandbox.start(spec, Streams(null, null, null)).wait()
    except JettisonError as error:
        return Verdict(sandbox.name, works=False, reason=error.message, remedy=error.hint or "")
    finally:
        os.close(null)
    # Where there is no program to run, its absence is told after all that is to be tried.
    if code == (0 if program else _ABSENT):
        return Verdict(sandbox.name, works=True)
    return Verdict(sandbox.name, works=False, reason=f"`true` ended with exit code {code}")
