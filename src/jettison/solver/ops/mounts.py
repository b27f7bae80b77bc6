"""Mounts of a RUN, made for the sandbox.

In:  ``ExecMount`` values, and what they select (``solver.ops.bind_sources``).
Out: mounts and variables for the sandbox spec.

A bind mount of a context is first copied to a layer, so that ignored files stay out, owners are
as in a COPY, and the process cannot touch the user's files. Stages are mounted where they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import msgspec

from jettison.errors import SolveError
from jettison.events import Progress
from jettison.fs.ownership import Ownership
from jettison.plan.op import ExecMount, MountType
from jettison.plan.vertex import Vertex
from jettison.sandbox.spec import BindMount, FileMount, Mount, OverlayMount, TmpfsMount
from jettison.solver.drivers import ExecOptions
from jettison.solver.ops.bind_sources import BindSource, selected_path
from jettison.solver.ops.caches import Caches
from jettison.solver.result import StackResult
from jettison.solver.runtime import Runtime

_MAX_SECRET_BYTES = 500 << 10


class Mounted(msgspec.Struct, frozen=True):
    """What the sandbox gets: mounts in order, and variables ``NAME=value``.

    ``harmless`` are the mounts without those of secrets and agents.
    """

    mounts: tuple[Mount, ...]
    env: tuple[str, ...] = ()
    harmless: tuple[Mount, ...] = ()


def mount_all(
    mounts: tuple[ExecMount, ...],
    files: Mapping[int, BindSource],
    vertex: Vertex,
    runtime: Runtime,
    report: Progress,
    stack: ExitStack,
    place: Path,
) -> Mounted:
    """Return the sandbox's mounts of a step.

    Args:
        mounts: Of the op.
        files: What mounts with an input select, by index.
        vertex: Whose they are.
        runtime: The drivers.
        report: Called while it fetches.
        stack: Holds locks and sockets until the step has run.
        place: Directory of ours for sockets.
    """
    caches = Caches(mounts, vertex, runtime, stack)
    made: list[Mount] = []
    env: list[str] = []
    private: list[Mount] = []
    for index, mount in enumerate(mounts):
        match mount.type:
            case MountType.BIND:
                made.append(_bind(mount, files[index], runtime, report))
            case MountType.CACHE:
                made.append(_cache(mount, files.get(index), runtime, caches))
            case MountType.TMPFS:
                made.append(TmpfsMount(mount.target, mount.size_bytes))
            case MountType.FILE:
                made.append(_file(mount, mount.content, 0o755))
            case MountType.SECRET:
                found = _secret(mount, runtime.drivers.options, env)
                private += found
                made += found
            case MountType.SSH:
                agents = runtime.drivers.options.ssh
                found = _ssh(
                    mount, agents, runtime.drivers.ownership, stack, place / f"agent-{index}"
                )
                private += found
                made += found
    harmless = tuple(each for each in made if each not in private)
    return Mounted(tuple(made), tuple(env), harmless)


def mount_private(
    mounts: tuple[ExecMount, ...],
    options: ExecOptions,
    ownership: Ownership,
    stack: ExitStack,
    place: Path,
) -> Mounted:
    """Return the mounts and variables of those secrets and agents that are there."""
    env: list[str] = []
    made: list[Mount] = []
    for index, mount in enumerate(mounts):
        if mount.type is MountType.SECRET and mount.id in options.secrets:
            made += _secret(mount, options, env)
        if mount.type is MountType.SSH and mount.id in options.ssh:
            made += _ssh(mount, options.ssh, ownership, stack, place / f"agent-{index}")
    return Mounted(tuple(made), tuple(env))


def _bind(mount: ExecMount, files: BindSource, runtime: Runtime, report: Progress) -> Mount:
    result = files.result
    if isinstance(result, StackResult):
        lowers = tuple(runtime.drivers.layers.materialise(result.stack, report))
        selector = selected_path(runtime.stacks.tree(result.root, report), mount.source)
        return OverlayMount(lowers, selector, mount.target, mount.readonly)
    from jettison.solver.ops.copied_mounts import copy_context  # a step without mounts needs none

    directory, selector = copy_context(mount, files, result.tree, runtime)
    return OverlayMount((directory,), selector, mount.target, mount.readonly)


def _cache(
    mount: ExecMount, files: BindSource | None, runtime: Runtime, caches: Caches
) -> BindMount:
    seed = None if files is None else partial(_seed, files, mount, runtime)
    source = caches.directory(mount, seed)
    return BindMount(source, mount.target, mount.readonly, exclusive=True)


def _seed(files: BindSource, mount: ExecMount, runtime: Runtime, directory: Path) -> None:
    from jettison.solver.ops.copied_mounts import copy_seed  # few caches begin with anything

    copy_seed(directory, files, mount, runtime)


def _file(mount: ExecMount, content: bytes, default_mode: int) -> FileMount:
    mode = mount.mode if mount.mode is not None else default_mode
    return FileMount(mount.target, content, mode, mount.uid, mount.gid)


def _secret(mount: ExecMount, options: ExecOptions, env: list[str]) -> list[Mount]:
    value = options.secrets.get(mount.id)
    if mount.required and mount.id in options.unset_secrets:
        raise SolveError(
            f"secret {mount.id}: the variable `{options.unset_secrets[mount.id]}` is not set",
            hint="set it; a step that can do without has no `required` in its mount",
        )
    if value is None:
        if mount.required:
            raise SolveError(
                f"secret {mount.id}: not found",
                hint=f"give it with `--secret id={mount.id},src=FILE`",
            )
        if mount.env:
            env.append(f"{mount.env}=")
        return []
    if len(value) > _MAX_SECRET_BYTES:
        raise SolveError(f"secret {mount.id} is larger than {_MAX_SECRET_BYTES} bytes")
    if mount.env:
        if b"\0" in value:
            raise SolveError(
                f"secret {mount.id} holds a null byte and cannot be a variable",
                hint="mount it as a file: leave `env=` out",
            )
        env.append(f"{mount.env}={value.decode(errors='surrogateescape')}")
    file = msgspec.structs.replace(_file(mount, value, 0o400), secret=True)
    return [file] if mount.target else []


def _ssh(
    mount: ExecMount,
    agents: Mapping[str, Path],
    ownership: Ownership,
    stack: ExitStack,
    directory: Path,
) -> list[Mount]:
    agent = agents.get(mount.id)
    if agent is None:
        if mount.required:
            raise SolveError(
                f"ssh {mount.id}: not found", hint=f"forward an agent with `--ssh {mount.id}`"
            )
        return []
    from jettison.container.agent.proxy import AgentProxy  # few steps have one

    mode = 0o600 if mount.mode is None else mount.mode
    owner = None if ownership.is_recorded else (mount.uid, mount.gid)
    proxy = AgentProxy(agent, directory, mode=mode, owner=owner)
    return [BindMount(stack.enter_context(proxy).path, mount.target)]
