"""Devices of the host: descriptions by the Container Device Interface, and nodes of ``/dev``.

In:  the directories of descriptions (JSON or YAML), the names that steps ask for.
Out: ``HostDevice``: what a container gets for each.

Security: descriptions are root's, as the programs are that write them. What a step may have is
decided by the caller.

Source: Container Device Interface specification 1.0; BuildKit, docs/cdi.md (directories, what
names mean, annotations).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from jettison.errors import HostError
from jettison.sandbox.spec import BindMount, DeviceNode

DIRECTORIES = (Path("/etc/cdi"), Path("/etc/buildkit/cdi"), Path("/var/run/cdi"))
"""Where descriptions are; a later one counts where two describe a device."""

_ANNOTATION = "org.mobyproject.buildkit.device."
_MAX_BYTES = 4 << 20
_MAX_FILES = 256
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})


class HostDevice(msgspec.Struct, frozen=True):
    """What a container gets for a device.

    Args:
        name: ``vendor/class=name``, or a path in ``/dev``.
        classes: Other names that mean it, of its annotations.
        is_free: Whether it may be had without being granted.
        env: ``NAME=value``.
        nodes: Device nodes.
        mounts: Files and directories of the host.
        gids: Groups that the process is in besides.
        hooks: Programs of the host that the description wants to run.
    """

    name: str
    classes: tuple[str, ...] = ()
    is_free: bool = False
    env: tuple[str, ...] = ()
    nodes: tuple[DeviceNode, ...] = ()
    mounts: tuple[BindMount, ...] = ()
    gids: tuple[int, ...] = ()
    hooks: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """``vendor/class``."""
        return self.name.partition("=")[0]


class _Node(msgspec.Struct, rename="camel"):
    path: str
    host_path: str = ""


class _Mount(msgspec.Struct, rename="camel"):
    host_path: str
    container_path: str
    options: list[str] = []
    type: str = ""


class _Hook(msgspec.Struct, rename="camel"):
    path: str


class _Edits(msgspec.Struct, rename={"additional_gids": "additionalGids", "nodes": "deviceNodes"}):
    env: list[str] | None = None
    nodes: list[_Node] | None = None
    mounts: list[_Mount] | None = None
    hooks: list[_Hook] | None = None
    additional_gids: list[int] | None = None


class _Device(msgspec.Struct, rename="camel"):
    name: str
    container_edits: _Edits = msgspec.field(default_factory=_Edits)
    annotations: dict[str, str | bool] | None = None


class _Description(msgspec.Struct, rename="camel"):
    kind: str
    devices: list[_Device] = []
    container_edits: _Edits = msgspec.field(default_factory=_Edits)
    annotations: dict[str, str | bool] | None = None


class Registry:
    """The devices of a host, by name.

    Args:
        directories: Where descriptions are.

    ``unread`` are files that could not be read, with the reason.
    """

    def __init__(self, directories: Iterable[Path] = DIRECTORIES) -> None:
        self.devices: dict[str, HostDevice] = {}
        self.unread: list[str] = []
        for directory in directories:
            for path in _descriptions(directory):
                try:
                    found = _devices(_read(path))
                except (OSError, ValueError, msgspec.DecodeError) as error:
                    self.unread.append(f"`{path}`: {error}")
                    continue
                self.devices.update((each.name, each) for each in found)

    def find(self, name: str) -> tuple[HostDevice, ...]:
        """Return the devices that a name means; none is none.

        ``vendor/class`` is the first of them, ``vendor/class=*`` all, and a name that is none of
        these may be that of a class in annotations. A path in ``/dev`` is that node.
        """
        if name.startswith("/"):
            return _plain_node(name)
        kind, equals, wanted = name.partition("=")
        known = [self.devices[each] for each in sorted(self.devices)]
        found = [each for each in known if each.kind == kind] if "/" in kind else []
        if not equals or not wanted:
            found = found[:1]
        elif wanted != "*":
            found = [each for each in found if each.name == name]
        return tuple(found or (each for each in known if name in each.classes))


def _descriptions(directory: Path) -> list[Path]:
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        return []
    endings = (".json", ".yaml", ".yml")
    return [directory / name for name in names if name.endswith(endings)][:_MAX_FILES]


def _read(path: Path) -> _Description:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("not a file")
        data = file.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise ValueError(f"larger than {_MAX_BYTES >> 20} MiB")
    if path.suffix == ".json":
        return msgspec.json.decode(data, type=_Description)
    from jettison.container.cdi.yaml import load

    return msgspec.convert(load(data.decode()), _Description)


def _devices(description: _Description) -> list[HostDevice]:
    return [
        _device(
            f"{description.kind}={each.name}",
            (description.container_edits, each.container_edits),
            {**(description.annotations or {}), **(each.annotations or {})},
        )
        for each in description.devices
    ]


def _device(
    name: str, edits: Sequence[_Edits], annotations: Mapping[str, str | bool]
) -> HostDevice:
    free = annotations.get(f"{_ANNOTATION}autoallow", False)
    classed = annotations.get(f"{_ANNOTATION}class", "")
    return HostDevice(
        name=name,
        classes=(str(classed),) if classed else (),
        is_free=free is True or free in _TRUE,
        env=tuple(entry for each in edits for entry in each.env or ()),
        nodes=tuple(
            DeviceNode(Path(node.host_path or node.path), node.path)
            for each in edits
            for node in each.nodes or ()
        ),
        mounts=tuple(_mount(mount) for each in edits for mount in each.mounts or ()),
        gids=tuple(gid for each in edits for gid in each.additional_gids or () if gid),
        hooks=tuple(hook.path for each in edits for hook in each.hooks or ()),
    )


def _mount(mount: _Mount) -> BindMount:
    if mount.type not in {"", "none", "bind"}:
        raise ValueError(f"mounts of type `{mount.type}` are not understood")
    return BindMount(Path(mount.host_path), mount.container_path, readonly="ro" in mount.options)


def _plain_node(name: str) -> tuple[HostDevice, ...]:
    path = os.path.normpath(name)
    if not path.startswith("/dev/") or path != name:
        return ()
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return ()
    if not (stat.S_ISCHR(mode) or stat.S_ISBLK(mode)):
        return ()
    return (HostDevice(name=path, nodes=(DeviceNode(Path(os.path.realpath(path)), path),)),)


def check_nodes(device: HostDevice) -> None:
    """Refuse a device whose nodes or files are not there.

    Raises:
        HostError: says which.
    """
    for place in (*(node.source for node in device.nodes), *(m.source for m in device.mounts)):
        if not place.exists():
            raise HostError(
                f"device `{device.name}` needs `{place}`, which is not there",
                hint="correct or remove its description in /etc/cdi or /var/run/cdi",
            )
