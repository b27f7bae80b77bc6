"""Facts about this host that decide how containers can run, for ``jettison doctor``.

In:  ``/proc``, ``/etc``, programs on PATH; nothing is changed.
Out: ``Fact``s: what was found, whether that is good, what would repair it.
"""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import msgspec

from jettison.linux import apparmor, device_group, seccomp, subids, userns
from jettison.linux.programs import find_program

_OVERLAY_ROOTLESS = (5, 11)
_RECOMMENDED = (5, 12)
_LOWERDIR_PLUS = (6, 5)
_TOOLS = (
    ("newuidmap", "lets unprivileged users build", "Install `uidmap` (Debian) or `shadow-utils`."),
    ("newgidmap", "lets unprivileged users build", "Install `uidmap` (Debian) or `shadow-utils`."),
    ("crun", "optional: an OCI runtime for `--isolation oci`", ""),
    ("runc", "optional: an OCI runtime for `--isolation oci`", ""),
    ("pasta", "optional: `run` with a network of its own, and published ports", ""),
    ("slirp4netns", "optional: the same, where there is no pasta", ""),
    ("git", "optional: build contexts and ADD from git", ""),
)


class Fact(msgspec.Struct, frozen=True):
    """One line of the doctor's report.

    Args:
        name: What was looked at.
        value: What was found.
        good: False when something will not work; None when it is only worth knowing.
        remedy: One imperative sentence, or empty.
    """

    name: str
    value: str
    good: bool | None = None
    remedy: str = ""


def facts() -> list[Fact]:
    """Return everything, most important first."""
    return [
        _kernel(),
        _user(),
        _overlay(),
        *_user_namespaces(),
        *_subordinate_ids(),
        _cgroups(),
        _devices(),
        _filter(),
        _apparmor(),
        *_tools(),
    ]


def kernel_version(release: str = "") -> tuple[int, int]:
    """Return major and minor number of a kernel release; of this one by default.

    >>> kernel_version("6.12.3-arch1")
    (6, 12)
    """
    parts = (release or os.uname().release).split("-")[0].split(".")
    numbers = [int(part) if part.isdecimal() else 0 for part in [*parts, "0"][:2]]
    return numbers[0], numbers[1]


def _kernel() -> Fact:
    version = kernel_version()
    name = f"Linux {os.uname().release} ({os.uname().machine})"
    if version < _RECOMMENDED:
        remedy = "Upgrade to Linux 5.12 or newer; 6.5 lifts the limit on long layer names."
        return Fact("kernel", name, version >= _OVERLAY_ROOTLESS or os.geteuid() == 0, remedy)
    return Fact("kernel", name, good=True)


def _user() -> Fact:
    uid, gid = userns.outer_ids()
    kind = "root" if uid == 0 else "unprivileged"
    inside = ", in a user namespace" if userns.in_user_namespace() else ""
    return Fact("user", f"{kind} ({uid}:{gid}){inside}")


def _overlay() -> Fact:
    if "\toverlay\n" in _read("/proc/filesystems"):
        return Fact("overlay file system", "available", good=True)
    if any(Path("/lib/modules").glob(f"{os.uname().release}/**/overlay.ko*")):
        return Fact("overlay file system", "a module, not loaded yet", good=True)
    return Fact("overlay file system", "missing", good=False, remedy="Run `modprobe overlay`.")


def _user_namespaces() -> list[Fact]:
    found = []
    for path, bad, command in userns.SETTINGS:
        value = _read(path).strip()
        if value:
            remedy = f"Run `{command}` as root." if value == bad else ""
            found.append(Fact(path.removeprefix("/proc/sys/"), value, value != bad, remedy))
    if not os.path.exists("/proc/self/ns/user"):
        found.append(Fact("user namespaces", "not in this kernel", good=False))
    return found


def _subordinate_ids() -> list[Fact]:
    uid, _ = userns.outer_ids()
    if uid == 0:
        return []
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = str(uid)
    found = []
    for kind in ("uid", "gid"):
        path = f"/etc/sub{kind}"
        ranges = subids.read_ranges(path, uid)
        total = sum(count for _, count in ranges)
        good = total >= subids.WANTED
        remedy = "" if good else f"Run `{subids.remedy(name)}` as root."
        found.append(Fact(path, f"{total} ids for `{name}`", good, remedy))
    return found


def _cgroups() -> Fact:
    if os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
        return Fact("control groups", "v2")
    if os.path.isdir("/sys/fs/cgroup/unified"):
        return Fact("control groups", "hybrid (v1 and v2)")
    return Fact("control groups", "v1" if os.path.isdir("/sys/fs/cgroup/memory") else "none")


def _devices() -> Fact:
    """Tell what keeps steps from devices: mounts always, a control group where one can be had."""
    mounts = "steps see mounts without devices (nodev)"
    if userns.in_user_namespace():
        return Fact("devices", f"{mounts}, and may make none", good=True)
    group = device_group.make_device_group(f"jettison-doctor-{os.getpid()}-1")
    if isinstance(group, str):
        return Fact("devices", f"{mounts}; no control group restricts them: {group}")
    group.remove()
    kind = "v2 (BPF)" if group.unified else "v1"
    return Fact(
        "devices", f"{mounts}, and a control group ({kind}) opens the usual ones", good=True
    )


def _filter() -> Fact:
    if not seccomp.supported():
        return Fact("system call filter", f"no table for {os.uname().machine}", good=False)
    available = "Seccomp:" in _read("/proc/self/status")
    return Fact("system call filter", "available" if available else "missing", available)


def _apparmor() -> Fact:
    if not apparmor.is_enabled():
        return Fact("AppArmor", "not used by this host")
    loaded = apparmor.loaded_profiles()
    profile = apparmor.default_profile(loaded)
    if userns.is_rootless() or loaded is None:
        return Fact("AppArmor", "on; containers without root get a profile on request only")
    if not profile:
        return Fact("AppArmor", "on; no profile for containers is loaded")
    return Fact("AppArmor", f"on; containers get the profile `{profile}`", good=True)


def _tools() -> list[Fact]:
    found = []
    for name, purpose, remedy in _TOOLS:
        path = find_program(name)
        if path:
            found.append(Fact(name, str(path), good=True))
        else:
            needed = bool(remedy) and userns.outer_ids()[0] != 0
            found.append(Fact(name, f"not found ({purpose})", False if needed else None, remedy))
    return found


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
