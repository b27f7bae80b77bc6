"""What flags of ``run`` say about a container: its mounts, limits and capabilities.

In:  a ``RunRequest``.
Out: parts of a ``SandboxSpec``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from jettison.container.request import RunRequest
from jettison.errors import UsageError
from jettison.linux.process import CAPABILITIES
from jettison.linux.rlimits import parse_limit
from jettison.sandbox.spec import (
    DEFAULT_CAPABILITIES,
    BindMount,
    ContainerLimits,
    Mount,
    TmpfsMount,
)
from jettison.settings import parse_size

_SHM_BYTES = 64 << 20
_TARGETS = ("dst", "destination", "target")
_SOURCES = ("src", "source")
_READONLY = ("readonly", "ro")
_SIZE = ("tmpfs-size",)
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


def apparmor_profile(options: Iterable[str]) -> str | None:
    """Return the profile that ``--security-opt`` names, None for the default.

    >>> apparmor_profile(["apparmor=unconfined"])
    'unconfined'

    Raises:
        UsageError: an option is another.
    """
    profile = None
    for option in options:
        name, found, value = option.replace(":", "=", 1).partition("=")
        if name != "apparmor" or not found:
            raise UsageError(
                f"security option `{option}` is not known", hint="Write `apparmor=PROFILE`."
            )
        profile = value
    return profile


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
    if not target.startswith("/") or mode not in {"", "ro", "rw", "z", "Z"}:
        raise UsageError(f"volume `{text}` is malformed", hint="write SRC:/DST or SRC:/DST:ro")
    path = Path(source).expanduser().absolute()
    if not path.exists():
        path.mkdir(parents=True)  # as docker does
    return BindMount(path, target, readonly=mode == "ro")
