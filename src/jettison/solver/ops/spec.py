"""The container of a RUN, from its op, the user it runs as and its mounts."""

from __future__ import annotations

import msgspec

from jettison.copier.passwd import UserIds
from jettison.plan.op import ExecOp, Network, Security
from jettison.sandbox.spec import NetworkMode, Root, SandboxSpec
from jettison.solver.drivers import ExecOptions
from jettison.solver.ops.mounts import Mounted

_HOSTNAME = "jettison"
_NETWORKS = {
    Network.DEFAULT: NetworkMode.SHARED,
    Network.HOST: NetworkMode.HOST,
    Network.NONE: NetworkMode.NONE,
}


def step_spec(
    op: ExecOp, options: ExecOptions, root: Root, user: UserIds, mounted: Mounted
) -> SandboxSpec:
    """Return the spec of a step.

    Args:
        op: What runs.
        options: What it gets besides.
        root: Its root file system.
        user: Who runs it.
        mounted: Its mounts, and variables that come with them.
    """
    hostname = op.hostname or _HOSTNAME
    limits = options.limits
    found = (each for device in op.devices for each in options.devices.get(device.name, ()))
    devices = {each.name: each for each in found}.values()
    strong = (*options.forced_env, *mounted.env, *(env for each in devices for env in each.env))
    gids = (gid for each in devices for gid in each.gids)
    spec = SandboxSpec(
        root=root,
        argv=op.argv,
        env=environment(op.env, options.env, strong, home=user.home),
        cwd=op.cwd,
        uid=user.uid,
        gid=user.gid,
        groups=tuple(dict.fromkeys((*user.groups, *gids))),
        mounts=(*options.mounts, *mounted.mounts, *(m for each in devices for m in each.mounts)),
        devices=tuple(node for each in devices for node in each.nodes),
        hostname=hostname,
        hosts=options.hosts(hostname, op.extra_hosts),
        resolv_conf=options.resolv_conf(),
        readonly_names=True,
        network=_NETWORKS[op.network],
        privileged=op.security is Security.INSECURE,
        limits=msgspec.structs.replace(
            limits,
            ulimits=_limits(op.ulimits),
            shm_bytes=op.shm_bytes or limits.shm_bytes,
        ),
    )
    return spec.secured(options.security)


def _limits(texts: tuple[str, ...]) -> tuple[tuple[str, int, int], ...]:
    if not texts:
        return ()
    from jettison.linux.rlimits import parse_limit  # rarely needed

    return tuple(parse_limit(each) for each in texts)


def environment(
    own: tuple[str, ...], weak: tuple[str, ...], strong: tuple[str, ...], *, home: str
) -> tuple[str, ...]:
    """Return a step's whole environment.

    Args:
        own: What the op says.
        weak: What holds where the op says nothing.
        strong: What holds whatever the op says.
        home: HOME, when nothing else sets it.

    >>> environment(("A=1", "B=1"), ("A=2", "C=2"), ("B=3",), home="/root")
    ('HOME=/root', 'A=1', 'C=2', 'B=3')
    """
    values = {"HOME": home}
    for entry in (*weak, *own, *strong):
        name, _, value = entry.partition("=")
        values[name] = value
    return tuple(f"{name}={value}" for name, value in values.items())
