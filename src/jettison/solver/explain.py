"""The facts of a step that failed, gathered for ``failure``; what is known becomes its hint.

In:  the error, the step, its base.
Out: the error, with its cause.

Security: what the step prints and the files of its stage are hostile: only the end of the output
and the first bytes of regular files inside the stage are read.
"""

from __future__ import annotations

import contextlib
import os
import posixpath
import stat
from functools import partial

from jettison.copier.missing import IgnoringTree
from jettison.errors import ExecError, JettisonError
from jettison.events import no_progress
from jettison.failure.base import Failure
from jettison.failure.distribution import (
    Distribution,
    guess_distribution,
    parse_os_release,
)
from jettison.failure.explain import explain as cause_of
from jettison.fs.resolve import resolve
from jettison.fs.tree import Tree
from jettison.linux.binfmt import can_run, has_emulator
from jettison.oci.reference import parse_reference
from jettison.plan.op import ExecOp, ImageOp, Network
from jettison.plan.vertex import Vertex
from jettison.solver.root_layers import RootLayers
from jettison.solver.runtime import Runtime

_HEAD_BYTES = 4096
_OFFER = "`jettison debug shell` starts a shell where it failed"


def explain(
    error: ExecError,
    vertex: Vertex,
    runtime: Runtime,
    *,
    base: RootLayers,
    image: ImageOp | None,
    context: Tree | None,
) -> None:
    """Give an error of a step its cause, if one is recognised, and a hint.

    Args:
        error: How the step ended; one that has a hint keeps it.
        vertex: The step.
        runtime: The drivers.
        base: The root file system that it ran on.
        image: What its stage begins with.
        context: The build context, if the build has one.
    """
    if error.hint is not None or not isinstance(vertex.op, ExecOp):
        return
    # Whatever cannot be found out must not take the place of the error.
    with contextlib.suppress(OSError, JettisonError, ValueError):
        error.cause = cause_of(_failure(error, vertex, vertex.op, runtime, base, image, context))
    hint = error.cause.fix if error.cause is not None else _general_hint(error)
    error.hint = f"{hint}; {_OFFER}" if error.kept else hint


def _failure(
    error: ExecError,
    vertex: Vertex,
    op: ExecOp,
    runtime: Runtime,
    base: RootLayers,
    image: ImageOp | None,
    context: Tree | None,
) -> Failure:
    options = runtime.drivers.options
    head = partial(_head, runtime.stacks.tree(base, no_progress), op.cwd)
    instruction = vertex.name.partition("] ")[2] or vertex.name
    name = _familiar(image.reference) if image is not None else ""
    architecture = image.platform.architecture if image is not None else ""
    return Failure(
        instruction=instruction,
        output=error.log_tail,
        exit_code=error.exit_code,
        distribution=_distribution(head("/etc/os-release"), name, instruction),
        base=name,
        platform=str(image.platform) if image is not None else "",
        is_foreign=not can_run(architecture),
        has_emulator=has_emulator(architecture),
        user=op.user,
        directory=op.cwd,
        network=op.network is not Network.NONE,
        memory_bytes=options.limits.memory_bytes,
        out_of_memory=error.out_of_memory,
        lacked_pids=error.lacked_pids,
        disk_free_bytes=_free_bytes(options.cache_mounts),
        hidden_by=partial(_hidden_by, context),
        head=head,
    )


def _familiar(reference: str) -> str:
    return reference if "://" in reference else parse_reference(reference).familiar


def _distribution(os_release: bytes | None, name: str, instruction: str) -> Distribution:
    if os_release is not None:
        return parse_os_release(os_release.decode(errors="replace"))
    return guess_distribution(name, instruction)


def _head(tree: Tree, directory: str, path: str) -> bytes | None:
    """Return the first bytes of a regular file of a stage; None if there is none."""
    try:
        place = resolve(tree, posixpath.join(directory, path))
        st = tree.lstat(place)
        if st is None or not stat.S_ISREG(st.mode):
            return None
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        with open(os.open(tree.host_path(place), flags), "rb") as file:
            return file.read(_HEAD_BYTES)
    except (OSError, ValueError):
        return None


def _hidden_by(context: object, path: str) -> str | None:
    if not isinstance(context, IgnoringTree):
        return None
    try:
        return context.ignored_by(f"/{path}")
    except (OSError, ValueError):
        return None


def _free_bytes(place: os.PathLike[str]) -> int | None:
    try:
        st = os.statvfs(os.path.dirname(place))  # the store itself, which is there
    except OSError:
        return None
    return st.f_bavail * st.f_frsize


def _general_hint(error: ExecError) -> str:
    if error.exit_code == 127:
        return "a program was not found; install it in an earlier step or correct its name"
    if error.exit_code == 126:
        return "a program cannot be executed; check its mode and architecture"
    output = "its last output is above" if error.log_tail.strip() else "it printed nothing"
    return f"{output}; `RUN set -x; …` shows each command as it runs"
