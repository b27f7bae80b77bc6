"""A spec as an OCI runtime bundle: ``config.json`` and what must be mounted before it.

In:  ``SandboxSpec``, where the bundle is, whether this is a user namespace.
Out: ``wire.Bundle``: JSON bytes, preparations for the helper, mount points that may be missing.

``/dev`` is made by the helper: runtimes make its devices on a mount where a process could make
others.

Source: OCI runtime-spec 1.0.2, config.md and config-linux.md.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence

import msgspec

from jettison.errors import HostError, UsageError
from jettison.linux.apparmor import profile_here
from jettison.linux.cgroup import hierarchies
from jettison.linux.mount import MS_BIND, MS_NODEV, MS_RDONLY, MS_REMOUNT
from jettison.linux.process import CAPABILITIES
from jettison.linux.resources import USUAL_PIDS
from jettison.linux.rlimits import limit_number
from jettison.linux.seccomp import oci_filter
from jettison.linux.seccomp_profile import oci_profile
from jettison.sandbox import wire
from jettison.sandbox.driver.elf import BUFFER, BUFFER_BYTES, executable
from jettison.sandbox.helper.filters import capabilities, has_vsock
from jettison.sandbox.helper.limits import numbers_of
from jettison.sandbox.spec import (
    SHM,
    BindMount,
    FileMount,
    NetworkMode,
    OverlayMount,
    SandboxSpec,
    TmpfsMount,
)

Json = dict[str, object]
_CALLS = {"x86_64": (0, 165), "aarch64": (63, 40)}
"""Numbers of read and mount."""

_PLAIN = ("nosuid", "noexec", "nodev")
_DEVICE = ("nosuid", "noexec")
_BIND = ("nodev", "rprivate")
_USUAL_DEVICES = ((1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 1), (5, 2), (136, None))


def make_bundle(
    spec: SandboxSpec,
    directory: str,
    *,
    userns: bool,
    cgroup: str,
    console: tuple[int, int] | None = None,
    command: Sequence[str] = (),
    hide_cgroups: bool = False,
) -> wire.Bundle:
    """Return the bundle of a spec.

    Args:
        spec: What to run.
        directory: Absolute path of the bundle.
        userns: The builder is in a user namespace.
        cgroup: ``linux.cgroupsPath``, or empty.
        console: Rows and columns of the terminal.
        command: Of the runtime.
        hide_cgroups: It sees the unified hierarchy only.

    Raises:
        UsageError: an unknown capability or resource limit.
        HostError: a path or a variable is not UTF-8.
    """
    mounts = _system_mounts(spec, directory, userns=userns)
    prepared: list[wire.Prepared] = []
    if _shows_host_sys(spec, userns=userns):
        prepared.append(
            wire.PreparedBind(name=b"sys", source=b"/sys", is_dev=False, readonly=False)
        )
    points = [wire.MountPoint(path=path, directory=True) for path in (b"proc", b"dev", b"sys")]
    for index, mount in enumerate((*spec.names, *spec.mounts)):
        name = f"mount-{index}"
        entry, is_directory = _mount(mount, f"{directory}/{name}", name, prepared)
        mounts.append(entry)
        top = mount.target.lstrip("/").split("/")[0]
        if top not in {"dev", "proc", "sys"}:
            path = os.fsencode(mount.target)
            points.append(wire.MountPoint(path=path, directory=is_directory))
    for index, node in enumerate(spec.devices):
        name = f"device-{index}"
        source = os.fsencode(node.source)
        prepared.append(wire.PreparedDevice(name=os.fsencode(name), source=source))
        mounts.append(_entry(node.target, "bind", f"{directory}/{name}", "bind", "rw", *_DEVICE))
        if not node.target.startswith("/dev/"):
            points.append(wire.MountPoint(path=os.fsencode(node.target), directory=False))
    config: Json = {
        "ociVersion": "1.0.2",
        "process": _process(spec) | _confinement(spec, rootless=userns) | _console(console),
        # Where not privileged, the helper makes it read-only: runtimes forget other flags then.
        "root": {"path": str(spec.root.upper), "readonly": spec.readonly_root and spec.privileged},
        "hostname": spec.hostname,
        "mounts": mounts,
        "linux": _linux(spec, cgroup),
    }
    if not spec.privileged and (program := _restricting_program(spec)):
        prepared.append(wire.PreparedProgram(name=b"restrict", content=program))
        config["hooks"] = {"createContainer": [{"path": f"{directory}/files/restrict"}]}
    try:
        encoded = msgspec.json.encode(config)
    except UnicodeEncodeError as error:
        raise HostError(
            "an OCI runtime takes no path and no variable that is not UTF-8",
            hint="Choose a `--root` in UTF-8, or `--isolation embedded`.",
        ) from error
    return wire.Bundle(
        directory=os.fsencode(directory),
        config=encoded,
        prepared=prepared,
        points=points,
        command=[os.fsencode(word) for word in command],
        hide_cgroups=hide_cgroups,
    )


def _restricting_program(spec: SandboxSpec) -> bytes:
    """Return what a runtime runs before it enters the root: it has taken ``nodev`` away."""
    flags = MS_REMOUNT | MS_BIND | MS_NODEV | (MS_RDONLY if spec.readonly_root else 0)
    machine = os.uname().machine
    if machine not in _CALLS:
        return b""
    read, mount = _CALLS[machine]
    # It gets the state of the container, and the runtime fails unless somebody listens.
    listening = (read, (0, BUFFER, BUFFER_BYTES))
    mounting = (mount, (0, os.fsencode(spec.root.upper), 0, flags, 0))
    return executable(machine, [listening, mounting], exits_with_result=True)


def _process(spec: SandboxSpec) -> Json:
    mask = _mask(spec)
    names = [name for bit, name in enumerate(CAPABILITIES) if mask >> bit & 1]
    own = names if spec.uid == 0 else []
    limits = []
    for name, soft, hard in spec.limits.ulimits:
        limit_number(name)
        both = [value if value >= 0 else (1 << 64) - 1 for value in (soft, hard)]
        limits.append({"type": f"RLIMIT_{name.upper()}", "soft": both[0], "hard": both[1]})
    return {
        "terminal": spec.terminal,
        "user": {"uid": spec.uid, "gid": spec.gid, "additionalGids": list(spec.groups)},
        "args": list(spec.argv),
        "env": list(spec.env),
        "cwd": spec.cwd,
        "capabilities": {"bounding": names, "effective": own, "permitted": own},
        "rlimits": limits,
        "noNewPrivileges": spec.no_new_privileges,
    }


def _confinement(spec: SandboxSpec, *, rootless: bool) -> Json:
    profile = profile_here(spec.apparmor_wanted, rootless=rootless)
    return {"apparmorProfile": profile} if profile else {}


def _console(size: tuple[int, int] | None) -> Json:
    return {"consoleSize": {"height": size[0], "width": size[1]}} if size else {}


def _mask(spec: SandboxSpec) -> int:
    return _privileged_mask() if spec.privileged else capabilities(spec.granted)


def _privileged_mask() -> int:
    """Return the capabilities that this process could give away."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith("CapBnd:"):
                return int(line.split()[1], 16) & ((1 << len(CAPABILITIES)) - 1)
    return 0


def _linux(spec: SandboxSpec, cgroup: str) -> Json:
    kinds = ["pid", "ipc", "uts", "mount"]
    if spec.network is NetworkMode.NONE:
        kinds.append("network")
    linux: Json = {"namespaces": [{"type": kind} for kind in kinds]}
    resources: Json = {}
    if cgroup:  # else the runtime is in the limited group already
        linux["cgroupsPath"] = cgroup
        resources = _resources(spec)
    if spec.seccomp is not None:
        linux["seccomp"] = oci_profile(spec.seccomp, os.uname().machine)
    if spec.privileged:
        linux["resources"] = resources | {"devices": [{"allow": True, "access": "rwm"}]}
        return linux
    linux["resources"] = resources | {"devices": _devices(spec)}
    linux["maskedPaths"] = list(spec.masked_paths)
    linux["readonlyPaths"] = list(spec.readonly_paths)
    if spec.sysctls:
        linux["sysctl"] = dict(spec.sysctls)
    rules = None if spec.unfiltered else oci_filter(_mask(spec), vsock=has_vsock())
    if rules is not None and spec.seccomp is None:
        linux["seccomp"] = rules
    return linux


def _devices(spec: SandboxSpec) -> list[Json]:
    """Return the rules of a device control group: nodes of any kind may be made, few be opened."""
    rules: list[Json] = [{"allow": False, "access": "rwm"}]
    rules += [{"allow": True, "type": kind, "access": "m"} for kind in ("c", "b")]
    for major, minor in _USUAL_DEVICES:
        number = {"major": major} | ({} if minor is None else {"minor": minor})
        rules.append({"allow": True, "type": "c", "access": "rwm", **number})
    for kind, major, minor, access in numbers_of(spec):
        named = {"type": kind, "major": major, "minor": minor}
        rules.append({"allow": True, "access": access, **named})
    return rules


def _resources(spec: SandboxSpec) -> Json:
    limits = spec.limits
    resources: Json = {}
    if limits.memory_bytes:
        resources["memory"] = {"limit": limits.memory_bytes, "swap": limits.memory_and_swap}
    cpu: Json = {
        "quota": limits.quota_us,
        "period": limits.period_us if limits.quota_us or limits.cpu_period_us else 0,
        "shares": limits.cpu_shares,
        "cpus": limits.cpuset_cpus,
        "mems": limits.cpuset_mems,
    }
    cpu = {name: value for name, value in cpu.items() if value}
    # A runtime that makes groups of its own leaves that of the helper.
    if limits.pids or any("pids" in each.controllers for each in hierarchies()):
        resources["pids"] = {"limit": limits.pids or USUAL_PIDS}
    return resources | ({"cpu": cpu} if cpu else {})


def _system_mounts(spec: SandboxSpec, directory: str, *, userns: bool) -> list[Json]:
    shm = f"size={spec.limits.shm_bytes}" if spec.limits.shm_bytes else "size=50%"
    mode = "rw" if spec.privileged else "ro"
    mounts = [
        _entry("/proc", "proc", "proc", *_PLAIN),
        _entry("/dev", "bind", f"{directory}/dev", "rbind", "nosuid", "rw",
               *(() if spec.privileged else ("nodev",))),
        _entry("/dev/pts", "devpts", "devpts", "nosuid", "noexec", "newinstance",
               "ptmxmode=0666", "mode=0620", "gid=5"),
        _entry("/dev/mqueue", "mqueue", "mqueue", *_PLAIN),
    ]  # fmt: skip
    if not spec.has_own_shm:
        mounts.append(_entry(SHM, "tmpfs", "shm", *_PLAIN, "mode=1777", shm))
    if _shows_host_sys(spec, userns=userns):
        mounts.append(_entry("/sys", "bind", f"{directory}/sys", "rbind", mode, *_BIND))
    else:
        mounts.append(_entry("/sys", "sysfs", "sysfs", *_PLAIN, mode))
    return mounts


def _shows_host_sys(spec: SandboxSpec, *, userns: bool) -> bool:
    """Tell whether sysfs cannot be mounted: it belongs to the network namespace."""
    return userns and spec.shares_network


def _mount(
    mount: BindMount | OverlayMount | TmpfsMount | FileMount,
    path: str,
    name: str,
    prepared: list[wire.Prepared],
) -> tuple[Json, bool]:
    """Return a mount's JSON and whether its target is a directory; add what it needs before."""
    target, inside = mount.target, os.fsencode(name)
    match mount:
        case BindMount():
            source, mode = path, "ro" if mount.readonly else "rw"
            directory = mount.source.is_dir()
            if mount.copy_up and directory:
                lowers = [os.fsencode(mount.source)]
                prepared.append(
                    wire.PreparedOverlay(name=inside, lowers=lowers, writable=True, merged=b"")
                )
            elif mount.copy_up:
                st = mount.source.stat()
                prepared.append(
                    wire.PreparedFile(
                        name=inside,
                        content=mount.source.read_bytes(),
                        mode=st.st_mode & 0o7777,
                        uid=st.st_uid,
                        gid=st.st_gid,
                    )
                )
            else:
                is_dev = os.path.normpath(target) == "/dev"
                prepared.append(
                    wire.PreparedBind(
                        name=inside,
                        source=os.fsencode(mount.source),
                        is_dev=is_dev,
                        readonly=mount.readonly,
                    )
                )
            return _entry(target, "bind", source, "rbind", mode, *_BIND), directory
        case OverlayMount():
            lowers = [os.fsencode(lower) for lower in mount.lowers]
            merged = os.fsencode(mount.merged) if mount.merged else b""
            prepared.append(
                wire.PreparedOverlay(
                    name=inside, lowers=lowers, writable=not mount.readonly, merged=merged
                )
            )
            selector = mount.selector.strip("/")
            mode = "ro" if mount.readonly else "rw"
            source = f"{path}/{selector}".rstrip("/")
            entry = _entry(target, "bind", source, "bind", mode, *_BIND)
            return entry, _is_directory(mount, selector)
        case TmpfsMount():
            options = ["nosuid", "nodev", f"mode={mount.mode:o}"]
            options += [f"size={mount.size_bytes}"] if mount.size_bytes else []
            return _entry(target, "tmpfs", "tmpfs", *options), True
        case FileMount():
            prepared.append(
                wire.PreparedFile(
                    name=inside,
                    content=mount.content,
                    mode=mount.mode,
                    uid=mount.uid,
                    gid=mount.gid,
                )
            )
            mode = "ro" if mount.readonly else "rw"
            return _entry(target, "bind", path, "bind", mode, *_BIND), False


def _is_directory(mount: OverlayMount, selector: str) -> bool:
    """Return whether a selector names a directory: the topmost layer that has it tells."""
    for lower in reversed(mount.lowers):
        try:
            return stat.S_ISDIR(os.lstat(lower / selector).st_mode)
        except OSError:
            continue
    raise UsageError(f"`/{selector}` is in none of the mounted layers")


def _entry(target: str, kind: str, source: str, *options: str) -> Json:
    return {"destination": target, "type": kind, "source": source, "options": list(options)}
