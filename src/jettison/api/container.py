"""What flags of ``run`` say about a container: its mounts, limits and capabilities.

In:  a ``RunRequest``.
Out: parts of a ``SandboxSpec``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from jettison.container.request import RunRequest
from jettison.errors import UsageError
from jettison.linux.process import CAPABILITIES
from jettison.linux.rlimits import parse_limit
from jettison.sandbox.spec import (
    DEFAULT_CAPABILITIES,
    BindMount,
    ContainerLimits,
    Mount,
    Security,
    TmpfsMount,
)
from jettison.settings import parse_size

if TYPE_CHECKING:
    from jettison.linux.seccomp_profile import SeccompProfile

_SHM_BYTES = 64 << 20
_PROFILE_BYTES = 1 << 20
_TARGETS = ("dst", "destination", "target")
_SOURCES = ("src", "source")
_READONLY = ("readonly", "ro")
_SIZE = ("tmpfs-size",)
_MODES = frozenset(
    {
        *("ro", "rw", "z", "Z", "nocopy", "cached", "delegated", "consistent"),
        *("private", "rprivate", "slave", "rslave"),
    }
)
"""Of volumes; labels are SELinux's, and all mounts are private with what is mounted later."""
_TRUE = frozenset({"", "true", "1"})


def container_mounts(request: RunRequest) -> tuple[Mount, ...]:
    """Return the mounts of ``-v``, ``--tmpfs`` and ``--mount``.

    Raises:
        UsageError: one is malformed, or names what is not there.
    """
    made: list[Mount] = [_volume(text) for text in request.volumes]
    made += [_tmpfs(text) for text in request.tmpfs]
    made += [_mount(fields) for fields in request.mounts]
    return tuple(made)


def limits(request: RunRequest) -> ContainerLimits:
    """Return the limits.

    Raises:
        UsageError: a ``--ulimit`` is malformed.
    """
    return ContainerLimits(
        memory_bytes=request.memory_bytes,
        cpus=request.cpus,
        pids=request.pids,
        ulimits=tuple(parse_limit(text) for text in request.ulimits),
        shm_bytes=request.shm_bytes or _SHM_BYTES,
    )


def security(options: Iterable[str], capabilities: Iterable[str] = ()) -> Security:
    """Return what security options say.

    Args:
        options: As written.
        capabilities: Of the container: rules for system calls may depend on them.

    >>> security(["apparmor=unconfined", "no-new-privileges"]).no_new_privileges
    True

    Raises:
        UsageError: an option is unknown, or cannot be had here.
    """
    found = Security()
    for option in options:
        name, equals, value = _parts(option)
        if name == "apparmor" and equals:
            found = msgspec.structs.replace(found, apparmor=value)
        elif name == "no-new-privileges" and value in {"", "true", "false"}:
            found = msgspec.structs.replace(found, no_new_privileges=value != "false")
        elif name == "seccomp" and value in {"unconfined", "builtin"}:
            unfiltered = value == "unconfined"
            found = msgspec.structs.replace(found, unfiltered=unfiltered, seccomp=None)
        elif name == "seccomp" and value:
            profile = _seccomp_profile(_profile_text(value), capabilities)
            found = msgspec.structs.replace(found, unfiltered=False, seccomp=profile)
        elif name == "systempaths" and value == "unconfined":
            found = msgspec.structs.replace(found, unmasked=True)
        elif name == "label" and value != "disable" and equals:
            raise UsageError(
                f"--security-opt `{option}`: containers get no labels of SELinux",
                hint="leave it out; `label=disable` is what happens",
            )
        elif name != "label" or not equals:
            raise UsageError(
                f"security option `{option}` is not known",
                hint="write apparmor=PROFILE, no-new-privileges, seccomp=unconfined, "
                "seccomp=FILE or systempaths=unconfined",
            )
    return found


def _parts(option: str) -> tuple[str, str, str]:
    """Split an option at its first ``=``, or else ``:``, as docker does."""
    found = option.partition("=")
    return found if found[1] else option.partition(":")


def with_profile_text(options: tuple[str, ...]) -> tuple[str, ...]:
    """Return security options with the text of a profile in place of its file's name.

    Raises:
        UsageError: it cannot be read.
    """

    def kept(option: str) -> str:
        name, _, value = _parts(option)
        is_file = name == "seccomp" and value not in {"", "unconfined", "builtin"}
        return f"{name}={_profile_text(value)}" if is_file else option

    return tuple(map(kept, options))


def _profile_text(path: str) -> str:
    """Return the text of a profile of system calls: of a file, unless it is one itself.

    Raises:
        UsageError: it cannot be read.
    """
    if path.startswith("{"):
        return path
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(_PROFILE_BYTES + 1)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is no text"
        raise UsageError(
            f"opening seccomp profile ({path}) failed: {reason}",
            hint="name a file in docker's format, or `seccomp=unconfined`",
        ) from error
    if len(text) > _PROFILE_BYTES:
        raise UsageError(f"seccomp profile ({path}) is larger than {_PROFILE_BYTES} bytes")
    return text


def _seccomp_profile(text: str, capabilities: Iterable[str]) -> SeccompProfile:
    """Return what a profile means for a container with capabilities.

    Raises:
        UsageError: it is none, or cannot be honoured.
    """
    from jettison.linux.host import kernel_version
    from jettison.linux.seccomp_profile import parse_profile

    return parse_profile(text, capabilities, os.uname().machine, kernel_version())


_IPC = (
    *("kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem"),
    *("kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced"),
)
"""Parameters of a container's own shared memory and queues."""


def sysctls(given: Iterable[str], *, own_network: bool) -> tuple[tuple[str, str], ...]:
    """Return parameters of the kernel and their values.

    Args:
        given: ``NAME=value``.
        own_network: The container has a network of its own.

    Raises:
        UsageError: one is malformed, or holds for all of the host.
    """
    found = []
    for text in given:
        name, equals, value = text.partition("=")
        name = name.replace("/", ".")
        if not equals or not name or ".." in name or not name.isprintable():
            raise UsageError(f"sysctl `{text}` is malformed", hint="write NAME=VALUE")
        if name.startswith("net.") and not own_network:
            raise UsageError(
                f'sysctl "{name}" not allowed in host network namespace',
                hint="leave out `--network host`, or install pasta or slirp4netns",
            )
        if not (name in _IPC or name.startswith(("net.", "fs.mqueue."))):
            raise UsageError(f'sysctl "{name}" is not in a separate kernel namespace')
        found.append((name, value))
    return tuple(found)


def capabilities(added: Iterable[str], dropped: Iterable[str]) -> tuple[str, ...]:
    """Return docker's default capabilities with some more and some less.

    >>> capabilities(["SYS_PTRACE"], ["ALL"])
    ('CAP_SYS_PTRACE',)

    Raises:
        UsageError: a name is unknown.
    """
    add, drop = ({_capability(name) for name in names} for names in (added, dropped))
    if "ALL" in add:
        return tuple(name for name in CAPABILITIES if name not in drop)
    kept = () if "ALL" in drop else tuple(n for n in DEFAULT_CAPABILITIES if n not in drop)
    return (*kept, *(name for name in CAPABILITIES if name in add and name not in kept))


def _capability(name: str) -> str:
    name = name.upper()
    full = name if name.startswith("CAP_") or name == "ALL" else f"CAP_{name}"
    if full != "ALL" and full not in CAPABILITIES:
        raise UsageError(f"unknown capability `{name}`", hint="see capabilities(7)")
    return full


def _tmpfs(text: str) -> TmpfsMount:
    target, _, options = text.partition(":")
    size = next((o[5:] for o in options.split(",") if o.startswith("size=")), "")
    if not target.startswith("/"):
        raise UsageError(f"tmpfs `{text}` is malformed", hint="write /dir or /dir:size=64m")
    return TmpfsMount(target, parse_size(f"tmpfs `{text}`:", size))


def _mount(fields: Mapping[str, str]) -> Mount:
    text = ",".join(f"{name}={value}" if value else name for name, value in fields.items())
    left = dict(fields)
    kind = left.pop("type", "volume")
    target = _take(left, _TARGETS)
    if kind not in {"bind", "tmpfs"}:
        raise UsageError(f"--mount type `{kind}` is not supported", hint="use type=bind or tmpfs")
    if not target.startswith("/"):
        raise UsageError(f"--mount `{text}` has no absolute `dst`", hint="write dst=/DIR")
    source = _take(left, _SOURCES)
    readonly = any(name in left for name in _READONLY) and _take(left, _READONLY) in _TRUE
    size = parse_size(f"--mount `{text}`:", _take(left, _SIZE))
    left.pop("bind-propagation", None)
    if left:
        raise UsageError(f"--mount `{text}`: `{min(left)}` is not known")
    if kind == "tmpfs":
        return TmpfsMount(target, size)
    path = Path(source).expanduser().absolute()
    if not source or not path.exists():
        raise UsageError(f"--mount `{text}`: the source does not exist", hint="make it, or use -v")
    return BindMount(path, target, readonly=readonly)


def _take(fields: dict[str, str], names: Iterable[str]) -> str:
    found = [fields.pop(name) for name in names if name in fields]
    return found[-1] if found else ""


def _volume(text: str) -> BindMount:
    source, colon, rest = text.partition(":")
    target, _, mode = rest.partition(":")
    if not colon:
        raise UsageError(
            f"anonymous volume `{text}` would be lost with the container",
            hint="write SRC:DST, or leave it out",
        )
    if not source.startswith(("/", "./", "../", "~")) and source not in {".", ".."}:
        raise UsageError(
            f"named volume `{source}` is not supported", hint="name a directory: ./DIR:/DST"
        )
    options = set(mode.split(",")) - {""}
    if not target.startswith("/") or not options <= _MODES or {"ro", "rw"} <= options:
        raise UsageError(f"volume `{text}` is malformed", hint="write SRC:/DST or SRC:/DST:ro")
    path = Path(source).expanduser().absolute()
    if not path.exists():
        path.mkdir(parents=True)  # as docker does
    return BindMount(path, target, readonly="ro" in options)
