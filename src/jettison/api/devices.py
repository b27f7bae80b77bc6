"""Devices of ``RUN --device``: what the host has, and what the build may have of it.

In:  a plan, ``--allow``, the host's descriptions.
Out: what each name gives a step; nothing is read where no step asks for a device.

Source: BuildKit, entitlement ``device``: ``--allow device`` grants all, ``device=NAME`` those that
the name means, ``device=NAME,alias=OTHER`` gives steps NAME where they ask for OTHER.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from jettison.errors import SolveError, Span, UsageError
from jettison.located import located
from jettison.plan.graph import Plan
from jettison.plan.op import ExecDevice, ExecOp

if TYPE_CHECKING:
    from jettison.container.cdi.registry import HostDevice, Registry

_ENTITLEMENT = "device"


class Grants(msgspec.Struct, frozen=True):
    """What ``--allow device…`` said; ``aliases`` are asked names to given ones."""

    everything: bool = False
    names: tuple[str, ...] = ()
    aliases: Mapping[str, str] = {}


def parse_grants(allow: Iterable[str]) -> Grants:
    """Return what is granted of devices.

    Raises:
        UsageError: a grant is malformed.

    >>> parse_grants(["device=v/c=a", "network.host"]).names
    ('v/c=a',)
    """
    everything, names, aliases = False, [], {}
    for text in allow:
        key, equals, rest = text.partition("=")
        if key != _ENTITLEMENT:
            continue
        name, comma, option = rest.partition(",")
        if not equals or not rest:
            everything = True
        elif not comma:
            names.append(name)
        elif option.startswith("alias=") and option != "alias=":
            aliases[option.removeprefix("alias=")] = name
        else:
            raise UsageError(
                f"--allow `{text}` is malformed", hint="write device=NAME or device=NAME,alias=NAME"
            )
    return Grants(everything, tuple(names), aliases)


def devices_of(
    plan: Plan,
    allow: Iterable[str],
    warn: Callable[[str], None],
    directories: Iterable[str] = (),
) -> Mapping[str, tuple[HostDevice, ...]]:
    """Return what each asked name gives.

    Args:
        plan: Whose steps ask.
        allow: ``--allow``.
        warn: Called with what a device lacks.
        directories: Where descriptions are; none are the usual places.

    Raises:
        SolveError: a required device is not there, or one is not granted; the error has its place.
        HostError: a device's description names what is not there.
        UsageError: a grant is malformed.
    """
    asked = [
        (device, vertex.span)
        for vertex in plan.vertices
        if isinstance(vertex.op, ExecOp)
        for device in vertex.op.devices
    ]
    grants = parse_grants(allow)
    if not asked:
        return {}
    from jettison.container.cdi import registry as cdi  # seldom asked for

    registry = cdi.Registry([Path(each) for each in directories] or cdi.DIRECTORIES)
    found: dict[str, tuple[HostDevice, ...]] = {}
    for device, span in asked:
        with located(span if isinstance(span, Span) else None):
            found[device.name] = _find(device, registry, grants)
        for each in found[device.name]:
            cdi.check_nodes(each)
            if each.hooks:
                programs = ", ".join(f"`{hook}`" for hook in dict.fromkeys(each.hooks))
                warn(f"device {each.name}: programs of its description are not run: {programs}")
    return found


def _find(device: ExecDevice, registry: Registry, grants: Grants) -> tuple[HostDevice, ...]:
    alias = grants.aliases.get(device.name)
    devices = registry.find(alias or device.name)
    if not devices and device.required:
        unread = f"; unread are {', '.join(registry.unread)}" if registry.unread else ""
        raise SolveError(
            f'required device "{device.name}" is not registered',
            hint="devices are described by files in /etc/cdi and /var/run/cdi, or are paths in"
            f" /dev{unread}",
        )
    if alias or grants.everything:
        return devices
    granted = {each.name for name in grants.names for each in registry.find(name)}
    refused = [each.name for each in devices if not each.is_free and each.name not in granted]
    if refused:
        several = "s" if len(refused) > 1 else ""
        verb = "are" if several else "is"
        raise SolveError(
            f"device{several} {', '.join(refused)} {verb} requested by the build but not allowed",
            hint=f"allow it with --allow device={refused[0]}",
        )
    return devices
