"""The description of a container, the same for every driver.

In:  values that the solver (RUN) or ``api.run`` (jettison run) resolved: no names are left.
Out: frozen data; drivers turn it into system calls or a runtime's JSON.

Security: paths of ``mounts`` are of the host and come from Jettison, never from an image;
``target`` is a path in the container and is resolved below its root by the driver.
"""

from __future__ import annotations

import enum
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from jettison.linux.resources import Resources

if TYPE_CHECKING:
    from jettison.linux.seccomp_profile import SeccompProfile

DEFAULT_CAPABILITIES = (
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FSETID",
    "CAP_FOWNER",
    "CAP_MKNOD",
    "CAP_NET_RAW",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETFCAP",
    "CAP_SETPCAP",
    "CAP_NET_BIND_SERVICE",
    "CAP_SYS_CHROOT",
    "CAP_KILL",
    "CAP_AUDIT_WRITE",
)
"""Docker's default set."""

NETWORK_CAPABILITIES = frozenset({"CAP_NET_RAW", "CAP_NET_ADMIN"})
"""Have a process read, forge or redirect what others send in the same network namespace."""

MASKED_PATHS = (
    "/proc/acpi",
    "/proc/asound",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
    "/sys/devices/virtual/powercap",
)
READONLY_PATHS = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")


class RootKind(enum.Enum):
    """How the root file system is made."""

    OVERLAY = "overlay"
    DIRECTORY = "directory"


class Root(msgspec.Struct, frozen=True):
    """The root file system.

    Args:
        kind: OVERLAY mounts ``lowers`` (base first) below ``upper``; DIRECTORY uses ``upper``.
        upper: Directory that gets the changes.
        work: Overlay's work directory, on the file system of ``upper``.
        lowers: Layer directories, base first; may be empty, and may be hundreds.
        merged: Where they all are one directory already, once ``SandboxSpec.fuse`` is mounted.
    """

    kind: RootKind
    upper: Path
    work: Path | None = None
    lowers: tuple[Path, ...] = ()
    merged: Path | None = None


class BindMount(msgspec.Struct, frozen=True, tag=True):
    """A file or directory of the host at a path of the container.

    With ``copy_up`` the source is the lower of a temporary overlay: writes are discarded.
    With ``exclusive`` nobody but Jettison uses the directory: a driver that cannot mount may move
    its contents. Missing mount points are made, and removed afterwards.
    """

    source: Path
    target: str
    readonly: bool = False
    copy_up: bool = False
    exclusive: bool = False


class OverlayMount(msgspec.Struct, frozen=True, tag=True):
    """A stack of layers (base first), or a path in it, at a path of the container.

    Writes are discarded; with ``readonly`` they fail. ``selector`` is the path inside the stack,
    already resolved (no symbolic link is followed). ``merged`` is as for ``Root``.
    """

    lowers: tuple[Path, ...]
    selector: str
    target: str
    readonly: bool = True
    merged: Path | None = None


class TmpfsMount(msgspec.Struct, frozen=True, tag=True):
    """An empty file system in memory; ``size_bytes`` 0 is no limit."""

    target: str
    size_bytes: int = 0
    mode: int = 0o1777


class FileMount(msgspec.Struct, frozen=True, tag=True):
    """Bytes as a file that is on no disk (a secret, a heredoc's script): written to a tmpfs.

    Where nothing can be mounted, a file is on disk during the step, unless it is ``secret``.
    """

    target: str
    content: bytes
    mode: int = 0o400
    uid: int = 0
    gid: int = 0
    readonly: bool = False
    secret: bool = False


class DeviceNode(msgspec.Struct, frozen=True):
    """A device of the host (``source``) at a path of the container.

    ``access``: ``r``, ``w`` and ``m``; less than all needs a control group of devices.
    """

    source: Path
    target: str
    access: str = "rwm"


Mount = BindMount | OverlayMount | TmpfsMount | FileMount


SHM = "/dev/shm"  # noqa: S108 - a path in containers


class NetworkMode(enum.Enum):
    """What a container has of the network.

    SHARED uses the host's addresses and ports, without raw sockets and without abstract sockets of
    the host's processes (docs/adr/0011-network-of-steps.md). HOST is the host's network with all
    that is in it. OWN joins a namespace, NONE has a loopback interface only.
    """

    SHARED = "shared"
    HOST = "host"
    OWN = "own"
    NONE = "none"


class ContainerLimits(Resources, frozen=True):
    """Resource limits; 0 and empty are none. ``ulimits`` are (name, soft, hard), -1 unlimited."""

    ulimits: tuple[tuple[str, int, int], ...] = ()
    shm_bytes: int = 64 << 20


class FuseMount(msgspec.Struct, frozen=True):
    """A stack that fuse-overlayfs shows as one directory while the container runs.

    Args:
        merged: Where it is mounted, seen by the container's processes only.
        lowers: Layer directories, base first.
        upper: Gets the changes; None makes it read-only.
        work: Directory on the file system of ``upper``, with it.
    """

    merged: Path
    lowers: tuple[Path, ...]
    upper: Path | None = None
    work: Path | None = None


class Fuse(msgspec.Struct, frozen=True):
    """What fuse-overlayfs mounts before the container is put together; ``program`` is its path."""

    program: Path
    mounts: tuple[FuseMount, ...]


class Security(msgspec.Struct, frozen=True):
    """What a container may do other than usual; see ``SandboxSpec``.

    ``unmasked``: no paths of the kernel are hidden or write-protected.
    """

    apparmor: str | None = None
    no_new_privileges: bool = False
    unfiltered: bool = False
    unmasked: bool = False
    seccomp: SeccompProfile | None = None


class SandboxSpec(msgspec.Struct, frozen=True):
    """One process in one container.

    Args:
        root: Its root file system.
        argv: Program and arguments; a program without ``/`` is looked up on ``PATH`` of ``env``
            inside the container.
        env: Complete and ordered ``NAME=value``.
        cwd: Absolute path; exists.
        uid, gid, groups: Numbers, resolved in the image before.
        mounts: In the order in which they are made.
        hostname: Of the UTS namespace.
        hosts: Bytes of ``/etc/hosts``; None leaves the image's.
        resolv_conf: Bytes of ``/etc/resolv.conf``; None leaves the image's.
        readonly_names: Those two files cannot be written; else writes are lost.
        network: What it sees of the network.
        network_path: With OWN: the namespace, of ``container.network``.
        capabilities: Bounding, permitted, effective set (inheritable and ambient stay empty;
            a process that is not root of the container has them in the bounding set only), but
            see ``granted``.
        privileged: All capabilities, nothing masked, all devices (``--security=insecure``).
        apparmor: Name of a profile, ``unconfined``, or None for the default of this host.
        readonly_root: The root file system cannot be written.
        terminal: The process gets a terminal of its own, see ``Streams``.
        terminal_size: Its rows and columns at first.
        init: A small init reaps orphans and forwards signals (docker run --init).
        devices: Devices besides the usual ones.
        sysctls: Parameters of the kernel that are the container's own: names and values.
        no_new_privileges: No program gets more rights by being executed, as with sudo.
        unfiltered: System calls are not filtered.
        seccomp: Rules for system calls in place of docker's.
        fuse: Mounts that a program of its own serves, for the time of the container.
        announced: ``Running.begin`` is called.
        shows_root: Nothing runs: the root directory goes over standard input, a socket, and the
            container is there until it is killed.
        watched: Directories of the root file system: ``Running.opened`` says what was opened there.
    """

    root: Root
    argv: tuple[str, ...]
    env: tuple[str, ...]
    cwd: str = "/"
    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = ()
    mounts: tuple[Mount, ...] = ()
    hostname: str = "jettison"
    hosts: bytes | None = None
    resolv_conf: bytes | None = None
    readonly_names: bool = False
    network: NetworkMode = NetworkMode.SHARED
    network_path: str = ""
    capabilities: tuple[str, ...] = DEFAULT_CAPABILITIES
    masked_paths: tuple[str, ...] = MASKED_PATHS
    readonly_paths: tuple[str, ...] = READONLY_PATHS
    privileged: bool = False
    apparmor: str | None = None
    readonly_root: bool = False
    terminal: bool = False
    terminal_size: tuple[int, int] = (24, 80)
    init: bool = False
    limits: ContainerLimits = ContainerLimits()
    devices: tuple[DeviceNode, ...] = ()
    sysctls: tuple[tuple[str, str], ...] = ()
    no_new_privileges: bool = False
    unfiltered: bool = False
    seccomp: SeccompProfile | None = None
    fuse: Fuse | None = None
    announced: bool = False
    shows_root: bool = False
    watched: tuple[str, ...] = ()

    def secured(self, security: Security) -> SandboxSpec:
        """Return the same with options of security."""
        spec = msgspec.structs.replace(
            self,
            apparmor=security.apparmor,
            no_new_privileges=security.no_new_privileges,
            unfiltered=security.unfiltered,
            seccomp=security.seccomp,
        )
        if security.unmasked:
            spec = msgspec.structs.replace(spec, masked_paths=(), readonly_paths=())
        return spec

    @property
    def apparmor_wanted(self) -> str | None:
        """The profile that is asked for: a privileged container has none by default."""
        return "unconfined" if self.privileged and self.apparmor is None else self.apparmor

    @property
    def is_guarded(self) -> bool:
        """Whether the network is the host's, and its raw and abstract sockets out of reach."""
        return self.network is NetworkMode.SHARED and not self.privileged

    @property
    def granted(self) -> tuple[str, ...]:
        """The capabilities, without those that hold for all of the host's network."""
        if not self.is_guarded:
            return self.capabilities
        return tuple(name for name in self.capabilities if name not in NETWORK_CAPABILITIES)

    @property
    def names(self) -> tuple[FileMount, ...]:
        """The mounts of ``hosts`` and ``resolv_conf``."""
        files = (("/etc/hosts", self.hosts), ("/etc/resolv.conf", self.resolv_conf))
        return tuple(
            FileMount(path, content, 0o644, readonly=self.readonly_names)
            for path, content in files
            if content is not None
        )

    @property
    def shares_network(self) -> bool:
        """Whether interfaces, addresses and ports are the host's."""
        return self.network in {NetworkMode.SHARED, NetworkMode.HOST}

    @property
    def has_own_shm(self) -> bool:
        """Whether a mount takes the place of the usual ``/dev/shm``."""
        return any(mount.target.rstrip("/") == SHM for mount in self.mounts)
