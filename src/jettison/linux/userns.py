"""Enters a user namespace, in which an unprivileged user is root: over borrowed ids, or alone.

In:  the command line and environment of this program.
Out: the same program in the same process, started again as root of a user namespace with a mount
    namespace of its own. Process id, terminal, signals and exit status stay what they were.

A process with threads cannot unshare, so the way leads over a small program
(``linux.userns_enter``) that this one executes: it unshares, has newuidmap(1) and newgidmap(1)
map the ids, and executes this program again. An environment variable says that it happened.

Source: user_namespaces(7), newuidmap(1).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from jettison.errors import HostError
from jettison.linux import subids

ENTERED = "JETTISON_USERNS"
"""Says what was entered: ``ids`` (borrowed ones), ``single-id``, or ``none`` where nothing can."""

REASON = "JETTISON_USERNS_REASON"
"""Says why nothing better was entered, and after a newline what to do about it."""

IDS, SINGLE_ID, NONE = "ids", "single-id", "none"
_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[1]); import jettison.linux.userns_enter as e; e.main()"
)
MAPPER_DIRECTORIES = ("/usr/bin", "/usr/sbin", "/bin")
SETTINGS = (
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "sysctl kernel.apparmor_restrict_unprivileged_userns=0",
    ),
    (
        "/proc/sys/kernel/unprivileged_userns_clone",
        "0",
        "sysctl kernel.unprivileged_userns_clone=1",
    ),
    ("/proc/sys/user/max_user_namespaces", "0", "sysctl user.max_user_namespaces=15000"),
)
"""Kernel settings, the value that forbids user namespaces, the command that allows them."""

_CAP_CHOWN = 0
_CAP_DAC_OVERRIDE = 1
_CAP_SYS_CHROOT = 18
_CAP_SYS_ADMIN = 21
_ALL_IDS = 4294967295


def in_user_namespace() -> bool:
    """Return whether this process is in another user namespace than the host's first."""
    return read_map("/proc/self/uid_map") != [(0, 0, _ALL_IDS)]


def outer_ids() -> tuple[int, int]:
    """Return the user and group that this process is on the host."""
    return (
        translate(os.getuid(), read_map("/proc/self/uid_map")),
        translate(os.getgid(), read_map("/proc/self/gid_map")),
    )


def is_rootless() -> bool:
    """Return whether files of this user belong in a home directory: not root on the host."""
    return outer_ids()[0] != 0


def own_map(kind: str) -> list[tuple[int, int, int]]:
    """Return the ``uid`` or ``gid`` map of this process; see ``read_map``."""
    return read_map(f"/proc/self/{kind}_map")


def read_map(path: str) -> list[tuple[int, int, int]]:
    """Return (inside, outside, count) of an id map; of the first namespace where there is none."""
    try:
        with open(path, encoding="ascii") as file:
            rows = [line.split() for line in file]
    except OSError:
        return [(0, 0, _ALL_IDS)]
    return [(int(inside), int(outside), int(count)) for inside, outside, count in rows]


def translate(number: int, rows: list[tuple[int, int, int]]) -> int:
    """Return the outer id of an inner one; itself when it is not mapped."""
    for inside, outside, count in rows:
        if inside <= number < inside + count:
            return outside + number - inside
    return number


def is_needed(*, single_id: bool = False) -> bool:
    """Return whether containers need a user namespace: this process may not mount.

    Where none can be entered, none is needed either: what then works, works without.

    Args:
        single_id: One with a single id is wanted, whatever this process may do.
    """
    if single_id:
        return not has_single_id()
    return os.geteuid() != 0 and os.environ.get(ENTERED) != NONE and not _has(_CAP_SYS_ADMIN)


def is_own() -> bool:
    """Tell whether this process is in a user namespace that it has made for itself."""
    return os.environ.get(ENTERED) in {IDS, SINGLE_ID}


def has_single_id() -> bool:
    """Return whether this process is in a user namespace in which there is one user."""
    return sum(count for _, _, count in read_map("/proc/self/uid_map")) == 1


def gives_files_away() -> bool:
    """Return whether this process may set owners of files, or will when it has entered."""
    if _has(_CAP_CHOWN):
        return not has_single_id()
    return is_needed() and _shortfall() is None


def overrides_permissions() -> bool:
    """Return whether permission bits do not keep this process from its own files."""
    return _has(_CAP_DAC_OVERRIDE)


def may_chroot() -> bool:
    """Return whether this process may make a directory its root."""
    return _has(_CAP_SYS_CHROOT)


def shortfall() -> tuple[str, str]:
    """Return why this process has not the ids or the namespace it wants, and the remedy.

    Both are empty where nothing is missing.
    """
    reason, known, hint = os.environ.get(REASON, "").partition("\n")
    return reason, hint if known or not reason else remedy(reason)


def _shortfall() -> HostError | None:
    """Return why ids cannot be borrowed, None where they can."""
    uid = os.geteuid()
    try:
        _find_mapper("newuidmap")
        _find_mapper("newgidmap")
        subids.require("uid", uid)
        subids.require("gid", uid)
    except HostError as error:
        return error
    return None


def enter(argv: Sequence[str] | None = None, *, single_id: bool = False) -> None:
    """Start this program again inside a user namespace; return when that is not needed.

    A user without subordinate ids gets a namespace with one id; where namespaces are forbidden,
    the program is started again as it was, and ``shortfall`` says why.

    Args:
        argv: Program and arguments; by default those that this process was started with.
        single_id: Enter one with a single id, also where more could be had.

    Raises:
        HostError: the namespace that was entered is of no use.
    """
    if not is_needed(single_id=single_id):
        return
    if os.environ.get(ENTERED):
        reason, hint = shortfall()
        raise HostError(
            reason or "the user namespace gave no right to mount",
            hint=hint or "Look for AppArmor or SELinux denials in `dmesg`.",
        )
    uid, gid = os.geteuid(), os.getegid()
    problem = HostError("it was asked for") if single_id else _shortfall()
    if problem is None:
        arguments = [
            _find_mapper("newuidmap"),
            _find_mapper("newgidmap"),
            ",".join(subids.mapping(uid, subids.require("uid", uid))),
            ",".join(subids.mapping(gid, subids.require("gid", uid))),
        ]
    else:
        os.environ[REASON] = f"{problem.message}\n{problem.hint or ''}"
        arguments = ["", "", "", ""]
    _execute(arguments, list(argv) if argv else [sys.executable, *sys.orig_argv[1:]])


def _execute(arguments: list[str], argv: list[str]) -> NoReturn:
    package = str(Path(__file__).resolve().parent.parent.parent)
    program = getattr(sys, "_base_executable", "") or sys.executable
    sys.stdout.flush()
    sys.stderr.flush()
    start = [program, "-I", "-S", "-c", _BOOT, package]
    try:
        os.execv(program, [*start, *arguments, *argv])  # noqa: S606
    except OSError as error:
        raise HostError(f"cannot execute `{program}`: {error.strerror}") from error


def _find_mapper(name: str) -> str:
    for directory in (*os.get_exec_path(), *MAPPER_DIRECTORIES):
        path = os.path.join(directory, name)
        if os.access(path, os.X_OK):
            return path
    raise HostError(
        f"`{name}` is not installed, so an unprivileged user has one user id in containers",
        hint="Install the package `uidmap` (Debian, Ubuntu), `shadow-utils` (Fedora, RHEL) or "
        "`shadow` (Arch, Alpine: `shadow-uidmap`).",
    )


def _has(capability: int) -> bool:
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith("CapEff:"):
                return bool(int(line.split()[1], 16) >> capability & 1)
    return False


def remedy(problem: str) -> str:
    """Return what to do about a namespace that the kernel refused, as one imperative sentence."""
    for path, bad, command in SETTINGS:
        try:
            with open(path, encoding="ascii") as file:
                if file.read().strip() == bad:
                    return f"Run `{command}` as root."
        except OSError:
            continue
    if "newuidmap" in problem or "newgidmap" in problem:
        return (
            "Check that newuidmap and newgidmap are set-user-ID root or have their file "
            "capabilities, and that `/etc/subuid` and `/etc/subgid` agree with each other."
        )
    return container_remedy()


def container_remedy() -> str:
    """Return what to change of the container that this process is in, so that RUN steps can run."""
    from jettison.linux.outer_container import chroot_remedy, manager  # for an error

    return chroot_remedy(manager(os.environ))
