"""Ops: what a vertex does, as frozen data.

In:  values that a frontend has parsed and expanded.
Out: structs whose canonical encoding is the first part of a definition digest.

Paths in images are absolute POSIX text. Nothing here names a file of the host, a time or a
secret's value. Fields that must not change a result's identity do not belong here: names and
spans are on the vertex, proxies and the CA bundle are options of the solver.
"""

from __future__ import annotations

import enum

import msgspec

from jettison.oci.digest import Digest
from jettison.oci.platform import Platform


class ImageOp(msgspec.Struct, frozen=True, tag="image", tag_field="op"):
    """The root file system of an image, pinned: its result is known from ``diff_ids`` alone."""

    reference: str
    platform: Platform
    diff_ids: tuple[Digest, ...]


class LocalOp(msgspec.Struct, frozen=True, tag="local", tag_field="op"):
    """A directory of the host, filtered by its ignore file.

    ``context`` is ``context`` for the build context, else the name of a named context.
    """

    context: str


class HttpOp(msgspec.Struct, frozen=True, tag="http", tag_field="op"):
    """One file from a URL; ``checksum`` is a digest or empty; ``name`` is the file's name."""

    url: str
    checksum: str = ""
    name: str = ""


class GitOp(msgspec.Struct, frozen=True, tag="git", tag_field="op"):
    """A tree of a git repository at a ref; ``checksum`` is a commit ID's prefix or empty.

    With ``commit_times`` its files have the time of the commit, else that of their checkout.
    """

    remote: str
    ref: str = ""
    subdir: str = ""
    checksum: str = ""
    keep_git_dir: bool = False
    submodules: bool = True
    commit_times: bool = False


class MountType(enum.Enum):
    """Types of ``RUN --mount``; ``FILE`` is a heredoc's script made by the frontend."""

    BIND = "bind"
    CACHE = "cache"
    TMPFS = "tmpfs"
    SECRET = "secret"  # noqa: S105 - the name of a mount type
    SSH = "ssh"
    FILE = "file"


class Sharing(enum.Enum):
    """Who may use a cache mount at the same time."""

    SHARED = "shared"
    PRIVATE = "private"
    LOCKED = "locked"


class ExecMount(msgspec.Struct, frozen=True, omit_defaults=True):
    """One mount of a RUN.

    Args:
        type: The kind of mount.
        target: Absolute path in the container; empty for a secret that is only a variable.
        input: Index into the vertex's inputs that ``source`` is a path of; None without one.
        source: Path inside the input (bind, cache).
        readonly: Whether writes fail; else they are discarded (bind) or kept (cache).
        id: Name of the cache, secret or SSH socket.
        env: Variable that gets a secret's value, or empty.
        required: Whether a missing secret or socket fails the step.
        mode: Permission bits; None is the type's default.
        size_bytes: Limit of a tmpfs; 0 is none.
        content: Bytes of a FILE.
    """

    type: MountType
    target: str
    input: int | None = None
    source: str = "/"
    readonly: bool = False
    id: str = ""
    sharing: Sharing = Sharing.SHARED
    env: str = ""
    required: bool = False
    mode: int | None = None
    uid: int = 0
    gid: int = 0
    size_bytes: int = 0
    content: bytes = b""


class ExecDevice(msgspec.Struct, frozen=True, omit_defaults=True):
    """A device that a RUN asks for.

    Args:
        name: ``vendor/class=name`` of the Container Device Interface, its class, or a path in
            ``/dev``.
        required: Whether the step fails where the host has none.
    """

    name: str
    required: bool = False


class Network(enum.Enum):
    """What a RUN sees of the network."""

    DEFAULT = "default"
    NONE = "none"
    HOST = "host"


class Security(enum.Enum):
    """How closed the sandbox of a RUN is."""

    SANDBOX = "sandbox"
    INSECURE = "insecure"


class ExecOp(msgspec.Struct, frozen=True, tag="exec", tag_field="op", omit_defaults=True):
    """Run a process on the base and keep what it changes.

    ``env`` is complete and ordered: ``NAME=value``. ``user`` is the text of USER.
    ``mounts`` refer to the vertex's ``inputs`` by index.
    """

    argv: tuple[str, ...]
    env: tuple[str, ...]
    cwd: str
    user: str = ""
    network: Network = Network.DEFAULT
    security: Security = Security.SANDBOX
    mounts: tuple[ExecMount, ...] = ()
    devices: tuple[ExecDevice, ...] = ()
    hostname: str = ""
    extra_hosts: tuple[str, ...] = ()
    ulimits: tuple[str, ...] = ()
    shm_bytes: int = 0


class CopySource(msgspec.Struct, frozen=True, omit_defaults=True):
    """Files of one input, or one inline file.

    Args:
        input: Index into the vertex's inputs; None for an inline file (heredoc).
        path: Pattern as written after expansion (Go ``filepath.Match`` globs), relative to the
            root of the input; with ``parents`` it may hold ``**`` and the ``/./`` pivot.
        name: File name of an inline file.
        content: Bytes of an inline file.
        unpack: Whether archives of this source are unpacked, where that differs from
            ``CopyOp.unpack`` (an ADD of local and remote files); None is what that says.
    """

    path: str = ""
    input: int | None = None
    name: str = ""
    content: bytes = b""
    unpack: bool | None = None


class CopyOp(msgspec.Struct, frozen=True, tag="copy", tag_field="op", omit_defaults=True):
    """COPY or ADD.

    Args:
        sources: In the order written.
        dest: Absolute path (WORKDIR joined, expanded); a trailing ``/`` is kept: it means a
            directory.
        owner: ``--chown`` as expanded text (``user[:group]``), names are of the base's
            ``/etc/passwd`` and ``/etc/group``; None keeps the source's (0:0 for contexts).
        mode: ``--chmod`` as text, octal or symbolic; None keeps the source's.
        exclude: ``--exclude`` patterns, ignore-file rules, relative to the source directory.
        parents: ``--parents``.
        link: ``--link``: the layer does not look at the base.
        unpack: True unpacks archives (also remote ones), False never; None is COPY, and the
            frontend resolves ADD's default (local archives yes, remote no) before.
        from_image: Whether the input is a root file system (COPY --from): ownership is kept.
    """

    sources: tuple[CopySource, ...]
    dest: str
    owner: str | None = None
    mode: str | None = None
    exclude: tuple[str, ...] = ()
    parents: bool = False
    link: bool = False
    unpack: bool | None = None
    from_image: bool = False


class MkdirOp(msgspec.Struct, frozen=True, tag="mkdir", tag_field="op", omit_defaults=True):
    """WORKDIR's directory: made with its parents when missing, mode 0755, owned by ``owner``.

    An existing directory is left as it is. ``owner`` is the text of USER, empty for root.
    """

    path: str
    owner: str = ""


Op = ImageOp | LocalOp | HttpOp | GitOp | ExecOp | CopyOp | MkdirOp
