"""The wire format between a builder and its helper process: what they say to each other.

In:  values that need no other module: numbers, bytes, texts, messages.
Out: messages; ``wire_codec`` says what bytes they are.

Both sides import it, the helper when it starts. A change of a message needs another ``VERSION``
there. Paths and texts of the host are bytes, as system calls take them.
"""

from __future__ import annotations

from jettison.sandbox.wire_codec import Message

# From the builder to the helper, on its socket and on that of a container.


class Start(Message):
    """Start a container of the message in the descriptor beside; ``namespaces`` for clone(2).

    With ``supervised`` its file systems are served by processes beside it. On the socket of a
    container it starts a process that joins that.
    """

    namespaces: int
    supervised: bool


class Signal(Message):
    """Send a signal to the first process of a container."""

    number: int


# From a container to the builder.


class MountPoint(Message):
    """A path in a root, and whether it is or is to be a directory."""

    path: bytes
    directory: bool


class CopiedDirectory(Message):
    """A directory that was copied up for a mount point, as it was (``linux.files.fingerprint``)."""

    path: bytes
    fingerprint: bytes


class Ready(Message):
    """The container is put together: what was made for it; ``pid`` holds a network, or is 0."""

    points: list[MountPoint]
    parents: list[CopiedDirectory]
    pid: int


class Watching(Message):
    """What is opened in directories can be read from the descriptor beside, if there is one.

    Numbers of the watches are as ``Attachments.watched`` has the directories; -1 for one that
    cannot be watched.
    """

    watches: list[int]


class Executing(Message):
    """The program was found and is executed now; of a process that is ``announced``."""


class Failed(Message):
    """A step of the set-up failed: its name, the errno or 0, what is wrong."""

    step: str
    code: int
    text: str


class Exited(Message):
    """The container has ended, with this exit code."""

    code: int


# Parts of what is to run.


class Root(Message):
    """The root file system: lowers base first; ``merged`` where they are one directory already."""

    upper: bytes
    work: bytes
    lowers: list[bytes]
    merged: bytes


class FuseMount(Message):
    """A stack that fuse-overlayfs serves; without ``upper`` it is read-only."""

    merged: bytes
    upper: bytes
    work: bytes
    lowers: list[bytes]


class Fuse(Message):
    """The path of fuse-overlayfs, and what it mounts."""

    program: bytes
    mounts: list[FuseMount]


class BindMount(Message):
    """See ``spec.BindMount``."""

    target: bytes
    source: bytes
    readonly: bool
    copy_up: bool


class OverlayMount(Message):
    """See ``spec.OverlayMount``."""

    target: bytes
    lowers: list[bytes]
    selector: bytes
    readonly: bool
    merged: bytes


class TmpfsMount(Message):
    """See ``spec.TmpfsMount``."""

    target: bytes
    size_bytes: int
    mode: int


class FileMount(Message):
    """See ``spec.FileMount``."""

    target: bytes
    content: bytes
    mode: int
    uid: int
    gid: int
    readonly: bool


Mount = BindMount | OverlayMount | TmpfsMount | FileMount


class Device(Message):
    """A device of the host (``source``) at a path of the container."""

    target: bytes
    source: bytes


class Terminal(Message):
    """The size of a terminal at first."""

    rows: int
    columns: int


class ResourceLimit(Message):
    """Of setrlimit(2); -1 is unlimited."""

    resource: int
    soft: int
    hard: int


class Sysctl(Message):
    """A parameter of the kernel, as a path below ``/proc/sys``, and what is written to it."""

    path: bytes
    value: bytes


class Attachments(Message):
    """What process 1 joins: ``cgroup.procs`` files; a network namespace by its path, or empty.

    ``watched`` are directories of the root file system: see ``Watching``.
    """

    cgroups: list[bytes]
    network: bytes
    terminal: Terminal | None
    watched: list[bytes]


class Process(Message):
    """The program of a container; with ``init`` a process above reaps orphans.

    ``announced``: the builder waits until it was found.
    """

    argv: list[bytes]
    env: list[bytes]
    cwd: bytes
    uid: int
    gid: int
    groups: list[int]
    limits: list[ResourceLimit]
    init: bool
    announced: bool
    no_new_privileges: bool


class Filters(Message):
    """BPF programs for system calls, or empty; ``notify`` has a listener of ours.

    ``scoped``: a Landlock scope keeps the process from abstract sockets of a shared network.
    """

    refuse: bytes
    notify: bytes
    scoped: bool


class PreparedOverlay(Message):
    """A stack that an OCI runtime binds; like all that is prepared, by its name in the bundle."""

    name: bytes
    lowers: list[bytes]
    writable: bool
    merged: bytes


class PreparedBind(Message):
    """A file or directory of the host; ``is_dev`` shows devices in it."""

    name: bytes
    source: bytes
    is_dev: bool
    readonly: bool


class PreparedDevice(Message):
    """A device of the host."""

    name: bytes
    source: bytes


class PreparedProgram(Message):
    """A program that the runtime executes."""

    name: bytes
    content: bytes


class PreparedFile(Message):
    """A file in memory."""

    name: bytes
    content: bytes
    mode: int
    uid: int
    gid: int


Prepared = PreparedOverlay | PreparedBind | PreparedDevice | PreparedProgram | PreparedFile


class MemoryFile(Message):
    """A file of a chroot whose content is in memory only."""

    path: bytes
    content: bytes


class Bundle(Message):
    """The bundle of an OCI runtime, what is prepared in it, mount points, the command."""

    directory: bytes
    config: bytes
    prepared: list[PreparedOverlay | PreparedBind | PreparedDevice | PreparedProgram | PreparedFile]
    points: list[MountPoint]
    command: list[bytes]
    hide_cgroups: bool


# What is to run, by the module of ``sandbox.init`` that runs it.


class Container(Message):
    """A container of our own; ``shm_bytes`` is None where a mount takes the place of ``/dev/shm``.

    ``userns``: the builder is in a user namespace. ``loopback``: there is no other network.
    ``shows_root``: nothing runs; the root directory goes over standard input, a socket.
    """

    root: Root
    fuse: Fuse | None
    attachments: Attachments
    process: Process
    filters: Filters
    mounts: list[BindMount | OverlayMount | TmpfsMount | FileMount]
    devices: list[Device]
    sysctls: list[Sysctl]
    hostname: bytes
    loopback: bool
    userns: bool
    capabilities: int
    privileged: bool
    apparmor: bytes
    masked: list[bytes]
    readonly: list[bytes]
    readonly_root: bool
    shm_bytes: int | None
    shows_root: bool


class Inside(Message):
    """A container that an OCI runtime makes inside of the one that is joined.

    Args:
        root: Its root directory, as the runtime sees it.
        pending: A file that is there for as long as a runtime waits with the program.
    """

    root: bytes
    pending: bytes


class Join(Message):
    """Another process in a container; ``network``: it has one of its own."""

    inside: Inside | None
    attachments: Attachments
    process: Process
    filters: Filters
    capabilities: int
    apparmor: bytes
    network: bool


class Show(Message):
    """The root directory of a container, over standard input, a socket."""

    inside: Inside | None


class Runtime(Message):
    """A container of an OCI runtime; the rest is in its config."""

    root: Root
    fuse: Fuse | None
    attachments: Attachments
    filters: Filters
    userns: bool
    privileged: bool
    readonly_root: bool
    bundle: Bundle


class Chroot(Message):
    """A process in a chroot; ``single_id``: there is one user, and owners are noted."""

    tree: bytes
    memory_files: list[MemoryFile]
    attachments: Attachments
    process: Process
    filters: Filters
    single_id: bool


class Network(Message):
    """A network namespace that a command connects; it ``tells`` or ends when that is done."""

    command: list[bytes]
    shown_at: bytes
    tells: bool
