"""What runs in a container of ``run``: program, user, variables, mounts, network.

In:  a session, what a container was asked for, the config of its image.
Out: a ``SandboxSpec``; the same with another process, for ``exec``.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from jettison.api.container import (
    capabilities,
    container_mounts,
    limits,
    security,
    sysctls,
)
from jettison.api.execution import ca_files, container_files
from jettison.api.network import Link
from jettison.api.run_devices import devices
from jettison.api.session import Session
from jettison.container.names import with_choices
from jettison.container.request import RunRequest
from jettison.container.state.directory import ContainerDirectory
from jettison.container.state.protocol import Execute
from jettison.container.state.record import ContainerRecord
from jettison.copier.mkdir import make_directories
from jettison.copier.passwd import UserIds, resolve_group, resolve_user
from jettison.errors import ContextError, SandboxUnavailableError, SolveError, UsageError
from jettison.fs.tree import Tree
from jettison.linux.userns import has_single_id
from jettison.oci.config import ContainerConfig
from jettison.sandbox.spec import NetworkMode, Root, RootKind, SandboxSpec
from jettison.snapshot.stack import StackTree


def container_spec(
    session: Session,
    record: ContainerRecord,
    directory: ContainerDirectory,
    lowers: tuple[Path, ...],
    link: Link,
) -> SandboxSpec:
    """Return the description of a container.

    Args:
        session: The store.
        record: The container.
        directory: Where it is.
        lowers: Directories of its layers.
        link: Its network.

    Raises:
        SolveError: it has no such user.
        UsageError: what was asked for cannot be.
    """
    request, config = record.request, record.config
    tree = StackTree((*lowers, directory.upper), session.ownership)
    user = _user(request.user or config.user, tree, request.groups)
    cwd = request.workdir or config.working_dir or "/"
    if not cwd.startswith("/"):
        raise UsageError(f"the working directory `{cwd}` is not an absolute path")
    make_directories(cwd, tree, directory.upper, session.ownership)
    hostname = hostname_of(record)
    files = container_files(hostname, request.extra_hosts, link)
    extra = ca_files(session)
    given = devices(request.devices, request.gpus) if request.devices or request.gpus else ()
    granted = capabilities(request.cap_add, request.cap_drop)
    spec = SandboxSpec(
        root=Root(RootKind.OVERLAY, directory.upper, directory.work, lowers),
        argv=record.argv,
        env=environment(record, user, (*extra.env, *(e for each in given for e in each.env))),
        cwd=cwd,
        uid=user.uid,
        gid=user.gid,
        groups=(*user.groups, *(gid for each in given for gid in each.gids)),
        mounts=(
            *extra.mounts,
            *(mount for each in given for mount in each.mounts),
            *container_mounts(request),
        ),
        devices=tuple(node for each in given for node in each.nodes),
        sysctls=sysctls(
            request.sysctls, own_network=link.mode in {NetworkMode.OWN, NetworkMode.NONE}
        ),
        hostname=hostname,
        hosts=files.hosts,
        resolv_conf=with_choices(
            files.resolv_conf, request.dns, request.dns_search, request.dns_options
        ),
        network=link.mode,
        network_path=link.path,
        capabilities=granted,
        privileged=request.privileged,
        readonly_root=request.readonly,
        terminal=request.terminal,
        init=request.init,
        limits=limits(request),
        announced=True,
    )
    return spec.secured(security(request.security_opts, granted))


def joined_spec(
    session: Session,
    spec: SandboxSpec,
    record: ContainerRecord,
    wanted: Execute,
) -> SandboxSpec:
    """Return the description of a container with another process, which joins it.

    Args:
        session: The store.
        spec: The container.
        record: What is kept of it.
        wanted: The process.

    Raises:
        SolveError: it has no such user.
        UsageError: the working directory is not an absolute path.
    """
    request, config = record.request, record.config
    tree = StackTree((*spec.root.lowers, spec.root.upper), session.ownership)
    user = _user(wanted.user or request.user or config.user, tree, request.groups)
    if wanted.workdir and not wanted.workdir.startswith("/"):
        raise UsageError(f"the working directory `{wanted.workdir}` is not an absolute path")
    env = environment(
        record, user, ca_files(session).env, terminal=wanted.terminal, more=wanted.env
    )
    return msgspec.structs.replace(
        spec,
        argv=wanted.argv,
        env=env,
        cwd=wanted.workdir or spec.cwd,
        uid=user.uid,
        gid=user.gid,
        groups=user.groups,
        terminal=wanted.terminal,
        terminal_size=(wanted.rows, wanted.columns),
        init=False,
    )


def require_user(text: str, uid: int, sandbox: str) -> None:
    """See that a user who is asked for can be had.

    Args:
        text: As asked for; empty is the image's, which stands for root where there is one user.
        uid: Whom it means.
        sandbox: Name of the driver.

    Raises:
        SandboxUnavailableError: there is one user here.
    """
    if text and uid and has_single_id():
        raise SandboxUnavailableError(
            f"the sandbox `{sandbox}` cannot become user `{text}`: there is one user here",
            hint="leave out `-u`, or install `uidmap` and have subordinate ids",
        )


def hostname_of(record: ContainerRecord) -> str:
    """Return the host name of a container; as docker's, the beginning of its ID."""
    return record.request.hostname or record.short_id


def command(request: RunRequest, config: ContainerConfig) -> tuple[str, ...]:
    """Return what runs: ENTRYPOINT, then the given arguments or CMD.

    Raises:
        UsageError: the image names nothing and nothing is given.
    """
    entrypoint = config.entrypoint or ()
    arguments = request.argv or config.cmd or ()
    if request.entrypoint is not None:
        entrypoint = (request.entrypoint,) if request.entrypoint else ()
        arguments = request.argv  # CMD belongs to the image's own ENTRYPOINT
    argv = (*entrypoint, *arguments)
    if not argv:
        raise UsageError("no command specified", hint="the image has no CMD; name a program to run")
    return argv


def environment(
    record: ContainerRecord,
    user: UserIds,
    extra: tuple[str, ...],
    *,
    terminal: bool | None = None,
    more: tuple[str, ...] = (),
) -> tuple[str, ...]:
    """Return the environment: the image's, overridden by what is given.

    Args:
        record: The container.
        user: Whose home it names.
        extra: Variables that the image's win over.
        terminal: Whether the process has one, by default the container's first.
        more: Variables that win over all.
    """
    request = record.request
    values: dict[str, str] = {}
    for entry in (*extra, *record.config.env):
        name, _, value = entry.partition("=")
        values[name] = value
    values.setdefault("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    values["HOSTNAME"] = hostname_of(record)
    values.setdefault("HOME", user.home)
    if request.terminal if terminal is None else terminal:
        values.setdefault("TERM", "xterm")
    for entry in (*request.env, *more):
        name, _, value = entry.partition("=")
        values[name] = value
    return tuple(f"{name}={value}" for name, value in values.items())


def _user(text: str, tree: Tree, groups: Iterable[str]) -> UserIds:
    try:
        user = resolve_user(text, tree)
        more = [resolve_group(each, tree) for each in groups]
        all_groups = dict.fromkeys((*user.groups, *more))
        return msgspec.structs.replace(user, groups=tuple(all_groups))
    except ContextError as error:
        hint = "`-u` takes a user of the image's `/etc/passwd` or a number: `-u 1000:1000`"
        raise SolveError(error.message, hint=hint) from error
