"""Whether a sandbox works here: a tiny program runs in it and deletes files of the layer below.

In:  a sandbox with its snapshotter, a directory on the file system that will hold layers.
Out: ``Verdict``: it works when the program ran, and the upper directory hides what was deleted.

Source: syscalls(2).
"""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from jettison.errors import JettisonError
from jettison.fs.overlay_form import is_opaque, is_whiteout, make_whiteout
from jettison.fs.remove import remove_tree
from jettison.sandbox.base import MOUNT_ROOT, Sandbox, Streams, Verdict
from jettison.sandbox.driver.elf import Call, executable
from jettison.sandbox.rootfs.base import FUSE, RootedSandbox
from jettison.sandbox.spec import Root, RootKind, SandboxSpec

_CALLS = {"x86_64": (263, 258), "aarch64": (35, 34)}
"""Numbers of unlinkat and mkdirat."""

_ABSENT = 127
_AT_FDCWD = -100
_AT_REMOVEDIR = 0x200
_FILE, _DIRECTORY, _INSIDE = b"/gone", b"/made-anew", b"/made-anew/file"
_HIDDEN = b"/hidden"

CANNOT_HIDE = f"{MOUNT_ROOT}: what is deleted cannot be hidden on this file system"
"""Why something does not work, although the program ran."""


def deleting_program(machine: str) -> bytes:
    """Return a static executable for the probe; empty for unknown processors.

    It deletes a file, deletes a directory with the file in it and makes it again, makes a directory
    where a layer hides a file of the one below, and exits with 0.
    """
    if machine not in _CALLS:
        return b""
    unlinkat, mkdirat = _CALLS[machine]
    calls: list[Call] = [
        (unlinkat, (_AT_FDCWD, _FILE, 0)),
        (unlinkat, (_AT_FDCWD, _INSIDE, 0)),
        (unlinkat, (_AT_FDCWD, _DIRECTORY, _AT_REMOVEDIR)),
        (mkdirat, (_AT_FDCWD, _DIRECTORY, 0o755)),
        (mkdirat, (_AT_FDCWD, _HIDDEN, 0o755)),
    ]
    return executable(machine, calls)


def probe(sandbox: Sandbox, directory: Path | None = None) -> Verdict:
    """Run the program.

    Args:
        sandbox: The driver, on the snapshotter that is to be tried.
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
    for part in ("base", "top", "upper", "work"):
        (place / part).mkdir()
    base, upper = place / "base", place / "upper"
    program = deleting_program(os.uname().machine)
    if program:
        (base / "probe").write_bytes(program)
        (base / "probe").chmod(0o755)
    (base / os.fsdecode(_DIRECTORY[1:])).mkdir()
    for name in (_FILE, _INSIDE, _HIDDEN):
        (base / os.fsdecode(name[1:])).touch()
    whiteout = f"{place}/top{os.fsdecode(_HIDDEN)}"
    make_whiteout(whiteout)
    if stat.S_ISSOCK(os.lstat(whiteout).st_mode) and _is_on(sandbox, FUSE):
        # fuse-overlayfs shows sockets or not, as it happens to come across them.
        return Verdict(sandbox.name, works=False, reason=CANNOT_HIDE)
    root = Root(RootKind.OVERLAY, upper, place / "work", (base, place / "top"))
    null = os.open(os.devnull, os.O_RDWR)
    try:
        spec = SandboxSpec(root=root, argv=("/probe",), env=())
        code = sandbox.start(spec, Streams(null, null, null)).wait()
    except JettisonError as error:
        return Verdict(sandbox.name, works=False, reason=error.message, remedy=error.hint or "")
    finally:
        os.close(null)
    # Where there is no program to run, its absence is reported after all that is to be tried.
    if code != (0 if program else _ABSENT):
        return Verdict(sandbox.name, works=False, reason=f"a program ended with exit code {code}")
    if program and not _hides(os.fsencode(upper)):
        return Verdict(sandbox.name, works=False, reason=CANNOT_HIDE)
    return Verdict(sandbox.name, works=True)


def _is_on(sandbox: Sandbox, snapshotter: str) -> bool:
    return isinstance(sandbox, RootedSandbox) and sandbox.snapshotter == snapshotter


def _hides(upper: bytes) -> bool:
    """Tell whether an upper directory hides what the program has deleted, and shows the rest."""
    if not (_is_hidden(upper + _FILE) and os.path.isdir(upper + _HIDDEN)):
        return False
    opaque = os.path.isdir(upper + _DIRECTORY) and is_opaque(os.fsdecode(upper + _DIRECTORY))
    return opaque or _is_hidden(upper + _INSIDE)


def _is_hidden(path: bytes) -> bool:
    try:
        return is_whiteout(os.lstat(path))
    except (FileNotFoundError, NotADirectoryError):
        return False
