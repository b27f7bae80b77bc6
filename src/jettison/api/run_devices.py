"""Devices of ``run --device`` and ``--gpus``.

In:  paths in ``/dev``, names of the Container Device Interface, docker's choice of GPUs.
Out: what a container gets for each.

Source: docker's ``opts.GpuOpts`` and its messages; CDI names ``nvidia.com/gpu=all``.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from jettison.container.cdi.registry import DIRECTORIES, HostDevice, Registry, check_nodes
from jettison.errors import HostError, UsageError
from jettison.linux.device_group import is_usual
from jettison.sandbox.spec import DeviceNode

_GPU = "nvidia.com/gpu"
_ACCESS = frozenset("rwm")
_MOST = 64


def devices(given: Iterable[str], gpus: str) -> tuple[HostDevice, ...]:
    """Return what a container gets for devices.

    Args:
        given: ``/dev/NAME[:/dev/OTHER[:rwm]]``, or ``vendor/class=name``.
        gpus: ``all``, a number, or ``device=0,1``; empty for none.

    Raises:
        UsageError: a value is malformed.
        HostError: there is no such device here.
    """
    found: list[HostDevice] = []
    registry = Registry(DIRECTORIES)
    for text in given:
        if "=" in text and not text.startswith("/"):
            described = registry.find(text)
            if not described:
                raise HostError(
                    f"CDI device injection failed: unresolvable CDI devices {text}",
                    hint="devices are described by files in /etc/cdi and /var/run/cdi",
                )
            found += described
        else:
            found.append(_node(text))
    if gpus:
        found += _gpus(gpus, registry)
    for each in found:
        check_nodes(each)
    return tuple(found)


def _node(text: str) -> HostDevice:
    source, _, rest = text.partition(":")
    target, colon, access = rest.partition(":")
    if target and not colon and set(target) <= _ACCESS:
        target, access = "", target
    target = target or source
    if not source.startswith("/") or not target.startswith("/") or not set(access) <= _ACCESS:
        raise UsageError(f"bad format for device `{text}`", hint="write /dev/NAME[:/dev/OTHER]")
    try:
        st = os.stat(source)
        mode = st.st_mode
    except OSError as error:
        raise HostError(
            f'error gathering device information while adding custom device "{source}": '
            f"{os.strerror(error.errno or 0).lower()}",
            hint="`ls /dev` shows the devices of this host",
        ) from error
    if not (stat.S_ISCHR(mode) or stat.S_ISBLK(mode)):
        raise HostError(f'error gathering device information: "{source}" is not a device node')
    granted = "".join(each for each in "rwm" if each in (access or "rwm"))
    if granted != "rwm" and is_usual(st.st_rdev):
        raise UsageError(
            f"--device `{text}`: every container may open this device with all access",
            hint="leave it out",
        )
    return HostDevice(source, nodes=(DeviceNode(Path(source), target, granted),))


def _gpus(text: str, registry: Registry) -> list[HostDevice]:
    """Return the devices of GPUs.

    Raises:
        UsageError: the text means none.
        HostError: this host has none that are described.
    """
    wanted = text.strip('"')
    if wanted == "all":
        names = ["all"]
    elif wanted.isascii() and wanted.isdigit() and 0 < int(wanted[:3]) <= _MOST:
        names = [str(number) for number in range(int(wanted))]
    elif wanted.startswith("device=") and wanted != "device=":
        names = wanted.removeprefix("device=").split(",")
    else:
        raise UsageError(f"invalid value for --gpus: `{text}`", hint="write all, 2 or device=0,1")
    found = [each for name in names for each in registry.find(f"{_GPU}={name}")]
    if not found:
        raise HostError(
            'could not select device driver "" with capabilities: [[gpu]]',
            hint="describe them by CDI: `nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml`",
        )
    return found
