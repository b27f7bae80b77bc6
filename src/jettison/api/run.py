"""``run``: a process in a new container of an image.

In:  a session, a ``RunRequest``.
Out: the process's exit code.

The container is gone when this returns, with everything it wrote outside of volumes. Its network
is its own where pasta or slirp4netns is installed (``api.network``), else the host's.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from jettison.api.container import apparmor_profile, capabilities, container_mounts, limits
from jettison.api.execution import ca_files, container_files
from jettison.api.network import Link, connect
from jettison.api.request import RunRequest
from jettison.api.session import Session
from jettison.api.transfer import pull
from jettison.container.foreground import Attachment, run_attached
from jettison.copier.mkdir import make_directories
from jettison.copier.passwd import UserIds, resolve_user
from jettison.errors import ContextError, ImageNotFoundError, SolveError, UsageError
from jettison.events import Sink
from jettison.image.names import find_image
from jettison.oci.codec import decode
from jettison.oci.config import ContainerConfig, ImageConfig
from jettison.oci.platform import matches, parse_platform
from jettison.sandbox.spec import (
    NETWORK_CAPABILITIES,
    NetworkMode,
    Root,
    RootKind,
    SandboxSpec,
)
from jettison.snapshot.base import ActiveSnapshot
from jettison.snapshot.stack import StackTree
from jettison.store.image import StoredImage


def run_container(
    session: Session,
    request: RunRequest,
    warn: Callable[[str], None] = lambda _: None,
    *,
    streams: tuple[int, int, int] = (0, 1, 2),
) -> int:
    """Run a process in a new container of an image and wait for it.

    Args:
        session: The store.
        request: What to run.
        warn: Gets what is otherwise than asked, and why.
        streams: Descriptors of its standard input, if that is wanted, output and error.

    Returns:
        Its exit code; 128 + the number of the signal that killed it; 126 or 127 when it could
        not be executed or found.

    Raises:
        NamespaceRequired: the process may not do that as it is.
        JettisonError: see ``errors``.
    """
    session.require_namespace()
    image = find_image(session.store, request.image)
    if other := _other_platform(image, request.platform):
        raise ImageNotFoundError(
            f"`{request.image}` is for {other}, not for {request.platform}",
            hint="leave `--platform` out, or pull or build it for that platform",
        )
    config = decode(ImageConfig, image.config).config
    with ExitStack() as stack:
        if request.name:
            lock = session.store.lock(f"container-{request.name}")
            if not lock.acquire(wait=False):
                raise UsageError(f"a container named `{request.name}` is running already")
            stack.callback(lock.release, remove=True)
        layers = tuple(each.layer for each in image.layers)
        stack.enter_context(session.store.leased(layers))
        lowers = session.blobs.materialise(layers)
        active = session.layer_store.prepare(layers)
        stack.callback(session.layer_store.discard, active)
        sandbox = session.sandbox()
        link = connect(request, sandbox.name, active.path, stack, warn)
        if link.mode is NetworkMode.SHARED and not request.privileged:
            asked = NETWORK_CAPABILITIES.intersection(capabilities(request.cap_add, ["ALL"]))
            for name in sorted(asked):
                warn(f"{name} is not given in a network that is shared: use `--network host`")
        spec = _spec(
            session,
            request,
            config,
            StackTree(lowers, session.ownership),
            tuple(lowers),
            active,
            link,
        )
        return run_attached(sandbox, spec, Attachment(request.interactive, *streams), warn)


def must_pull(session: Session, request: RunRequest) -> bool:
    """Tell whether the image must be pulled first: it is not here, or is asked for anew.

    Raises:
        ImageNotFoundError: it is not here and must not be pulled.
    """
    if request.pull == "always":
        return True
    try:
        image = find_image(session.store, request.image)
    except ImageNotFoundError:
        if request.pull == "never":
            raise
        return True
    return request.pull != "never" and bool(_other_platform(image, request.platform))


def _other_platform(image: StoredImage, wanted: str) -> str:
    """Return for which platform an image is, if it is not the one that is wanted.

    Raises:
        UsageError: what is wanted is no platform.
    """
    if not wanted:
        return ""
    from jettison.image.resolve import platform_of

    offered = platform_of(decode(ImageConfig, image.config))
    return "" if matches(parse_platform(wanted), offered) else str(offered)


def pull_image(session: Session, request: RunRequest, sink: Sink) -> None:
    """Pull the image of a request.

    Raises:
        NamespaceRequired: the process may not do that as it is.
        SourceError: it cannot be had.
    """
    session.require_namespace()  # else it would be asked for again there
    pull(session, request.image, request.platform, sink)


def _spec(
    session: Session,
    request: RunRequest,
    config: ContainerConfig,
    tree: StackTree,
    lowers: tuple[Path, ...],
    active: ActiveSnapshot,
    link: Link,
) -> SandboxSpec:
    try:
        user = resolve_user(request.user or config.user, tree)
    except ContextError as error:
        hint = "`-u` takes a user of the image's `/etc/passwd` or a number: `-u 1000:1000`"
        raise SolveError(error.message, hint=hint) from error
    cwd = request.workdir or config.working_dir or "/"
    if not cwd.startswith("/"):
        raise UsageError(f"the working directory `{cwd}` is not an absolute path")
    make_directories(cwd, tree, active.upper, session.ownership)
    hostname = request.hostname or request.name or "jettison"
    files = container_files(hostname, request.extra_hosts, link)
    extra = ca_files(session)
    return SandboxSpec(
        root=Root(RootKind.OVERLAY, active.upper, active.work, lowers),
        argv=command(request, config),
        env=environment(request, config, user, extra.env),
        cwd=cwd,
        uid=user.uid,
        gid=user.gid,
        groups=user.groups,
        mounts=(*extra.mounts, *container_mounts(request)),
        hostname=hostname,
        hosts=files.hosts,
        resolv_conf=files.resolv_conf,
        network=link.mode,
        network_path=link.path,
        capabilities=capabilities(request.cap_add, request.cap_drop),
        privileged=request.privileged,
        apparmor=apparmor_profile(request.security_opts),
        readonly_root=request.readonly,
        terminal=request.terminal,
        init=request.init,
        limits=limits(request),
    )


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
    request: RunRequest, config: ContainerConfig, user: UserIds, extra: tuple[str, ...]
) -> tuple[str, ...]:
    """Return the environment: the image's, overridden by what is given."""
    values: dict[str, str] = {}
    for entry in (*extra, *config.env):
        name, _, value = entry.partition("=")
        values[name] = value
    values.setdefault("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    values["HOSTNAME"] = request.hostname or request.name or "jettison"
    values.setdefault("HOME", user.home)
    if request.terminal:
        values.setdefault("TERM", "xterm")
    for entry in request.env:
        name, _, value = entry.partition("=")
        values[name] = value
    return tuple(f"{name}={value}" for name, value in values.items())
