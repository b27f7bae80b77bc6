"""Looking into a step that failed: a process on its root file system, as it was run.

In:  a session, which step, what to run.
Out: the exit code of that process.

User, environment, working directory, network and mounts are the step's. Values of secrets are on
no disk, so they are there only when they are given again. What the process changes stays until
the next build.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

import msgspec

from jettison.api.execution import exec_options
from jettison.api.request import BuildRequest
from jettison.api.session import Session
from jettison.container.foreground import Attachment, run_attached
from jettison.errors import UsageError
from jettison.fs.remove import remove_tree
from jettison.sandbox.spec import BindMount, Mount, Root, RootKind
from jettison.solver.failed import KeptStep, kept_steps
from jettison.solver.ops.mounts import Mounted, mount_private
from jettison.solver.ops.spec import step_spec

_SHELL = "/bin/sh"


def failed_steps(session: Session) -> list[KeptStep]:
    """Return the failed steps that are kept, newest first."""
    session.require_namespace()
    return kept_steps(session.store.failed)


def debug_step(
    session: Session,
    request: BuildRequest,
    *,
    step: str = "",
    argv: Sequence[str] = (),
    terminal: bool = False,
) -> int:
    """Run a process where a step failed.

    Args:
        session: The store.
        request: Secrets, agents and limits; the rest does not count.
        step: Part of the name of a step or the beginning of its digest; empty is the last.
        argv: What to run; empty is the step's shell.
        terminal: Whether it gets a terminal of its own.

    Returns:
        Its exit code.

    Raises:
        NamespaceRequired: the process may not do that as it is.
        UsageError: no failed step is kept, or none of that name.
    """
    kept = _find(failed_steps(session), step)
    lowers = session.blobs.materialise(kept.step.base)
    with ExitStack() as resources:
        lock = kept.lock()
        if not lock.acquire(wait=False):
            raise UsageError(f"somebody looks at `{kept.step.name}` already")
        resources.callback(lock.release)
        remove_tree(kept.work)  # of the mount that was
        kept.work.mkdir()
        options = exec_options(session, request, (), resources)
        private = mount_private(
            kept.step.op.mounts, options, session.ownership, resources, kept.directory
        )
        there = tuple(mount for mount in kept.step.mounts if _is_there(mount))
        root = Root(RootKind.OVERLAY, kept.upper, kept.work, tuple(lowers))
        mounted = Mounted((*there, *private.mounts), private.env)
        spec = step_spec(kept.step.op, options, root, kept.step.user, mounted)
        command = tuple(argv) or _shell(kept)
        spec = msgspec.structs.replace(spec, argv=command, terminal=terminal)
        return run_attached(session.sandbox(), spec, Attachment(interactive=True))


def _find(kept: list[KeptStep], text: str) -> KeptStep:
    if not kept:
        raise UsageError(
            "no failed step is kept", hint="build first: the next build forgets what failed before"
        )
    for each in kept:
        if text in each.step.name or each.step.vertex.partition(":")[2].startswith(text):
            return each
    names = ", ".join(f"`{each.step.name}`" for each in kept)
    raise UsageError(f"no failed step is called `{text}`", hint=f"there is {names}")


def _is_there(mount: Mount) -> bool:
    """Tell whether a mount can be made again: a directory of a cache may be gone."""
    return not isinstance(mount, BindMount) or mount.source.exists()


def _shell(kept: KeptStep) -> tuple[str, ...]:
    argv = kept.step.op.argv
    return (argv[0],) if len(argv) > 1 and argv[1] in {"-c", "-ec", "-exc"} else (_SHELL,)
