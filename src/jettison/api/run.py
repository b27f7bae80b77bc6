"""``run``: a new container of an image, and its process in the foreground.

In:  a session, a ``RunRequest``.
Out: the process's exit code, or a container that is ready to be started.

The container stays when its process has ended, unless ``--rm`` is given: ``container.state`` says
where, ``api.containers`` what can be done with it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from jettison.api.container import (
    capabilities,
    container_mounts,
    limits,
    security,
    sysctls,
    with_profile_text,
)
from jettison.api.images import chosen_image
from jettison.api.process import command
from jettison.api.session import Session
from jettison.api.supervise import supervise
from jettison.api.transfer import pull
from jettison.container.foreground import Attachment
from jettison.container.publish import free_port, parse_ports
from jettison.container.request import RunRequest
from jettison.container.state.catalog import Catalog, Container
from jettison.container.state.names import new_id
from jettison.container.state.record import ContainerRecord
from jettison.errors import ImageNotFoundError, PlatformNotFoundError, UsageError
from jettison.events import Sink
from jettison.image.names import platform_of
from jettison.linux.signals import signal_number
from jettison.oci.codec import decode
from jettison.oci.config import ContainerConfig, ImageConfig
from jettison.oci.platform import matches, parse_platform
from jettison.store.image import StoredImage


def run_container(
    session: Session,
    request: RunRequest,
    warn: Callable[[str], None] = lambda _: None,
    *,
    streams: tuple[int, int, int] = (0, 1, 2),
    on_create: Callable[[Container], None] = lambda _: None,
) -> int:
    """Run a process in a new container of an image and wait for it.

    Args:
        session: The store.
        request: What to run.
        warn: Gets what is otherwise than asked, and why.
        streams: Descriptors of its standard input, if that is wanted, output and error.
        on_create: Called with the container before it runs.

    Returns:
        Its exit code; 128 + the number of the signal that killed it; 126 or 127 when it could
        not be executed or found.

    Raises:
        NamespaceRequired: the process may not do that as it is.
        JettisonError: see ``errors``.
    """
    session.require_namespace()
    if request.terminal and request.interactive and not os.isatty(streams[0]):
        raise UsageError(
            "standard input is not a terminal",
            hint="leave out `-t`, or call it from a terminal",
        )
    container = create_container(session, request)
    try:
        on_create(container)
        return supervise(session, container, Attachment(request.interactive, *streams), warn).code
    finally:
        if request.remove:
            Catalog(session.store).remove(container)


def create_container(session: Session, request: RunRequest) -> Container:
    """Make a container that does not run yet.

    Raises:
        NamespaceRequired: the process may not do that as it is.
        JettisonError: see ``errors``.
    """
    session.require_namespace()
    image = chosen_image(session, request.image, request.platform)
    return container_of(session, image, request)


def container_of(session: Session, image: StoredImage, request: RunRequest) -> Container:
    """Make a container of an image that need not have a name; raises as ``create_container``."""
    if other := _other_platform(image, request.platform):
        raise ImageNotFoundError(
            f"`{request.image}` is for {other}, not for {request.platform}",
            hint="leave `--platform` out, or pull or build it for that platform",
        )
    config = decode(ImageConfig, image.config).config
    request = _placed(request)
    _check(request)
    if request.publish_all:
        request = _all_published(request, config)
    settings = session.settings
    layers = tuple(each.layer for each in image.layers)
    given = dict(each.partition("=")[::2] for each in request.labels)
    record = ContainerRecord(
        id=new_id(),
        name=request.name,
        image=request.image,
        image_id=image.id,
        layers=layers,
        config=config,
        argv=command(request, config),
        created_ns=time.time_ns(),
        request=request,
        isolation=settings.isolation,
        snapshotter=settings.snapshotter,
        ca_bundle=settings.ca_bundle,
        labels={**(config.labels or {}), **given},
        stop_signal=signal_number(request.stop_signal or config.stop_signal or "SIGTERM"),
        stop_seconds=request.stop_seconds,
    )
    with session.store.leased(layers):
        session.blobs.materialise(layers)
        active = session.layer_store.prepare(layers)
        try:
            return Catalog(session.store).add(record, active)
        except BaseException:
            session.layer_store.discard(active)
            raise


def _check(request: RunRequest) -> None:
    """Find what cannot be meant before anything is made.

    Raises:
        UsageError: says what.
    """
    container_mounts(request)
    limits(request)
    security(request.security_opts, capabilities(request.cap_add, request.cap_drop))
    parse_ports(request.publish)
    sysctls(request.sysctls, own_network=request.network != "host")


def _all_published(request: RunRequest, config: ContainerConfig) -> RunRequest:
    """Return a request that publishes each port of the image at one of the host that is free."""
    published = {f"{port.container}/{port.protocol}" for port in parse_ports(request.publish)}
    chosen = [
        f"{free_port(name.partition('/')[2] or 'tcp')}:{name}"
        for name in config.exposed_ports or ()
        if (name if "/" in name else f"{name}/tcp") not in published
    ]
    return msgspec.structs.replace(request, publish=(*request.publish, *chosen))


def _placed(request: RunRequest) -> RunRequest:
    """Return a request whose paths mean the same in another working directory."""

    def placed(text: str) -> str:
        source, colon, rest = text.partition(":")
        is_path = source.startswith(("./", "../", "~")) or source in {".", ".."}
        if not colon or not is_path:
            return text
        return f"{Path(source).expanduser().absolute()}:{rest}"

    mounts = []
    for fields in request.mounts:
        changed = dict(fields)
        for name in ("src", "source"):
            if fields.get("type") == "bind" and fields.get(name):
                changed[name] = os.fspath(Path(fields[name]).expanduser().absolute())
        mounts.append(changed)
    volumes = tuple(placed(text) for text in request.volumes)
    options = with_profile_text(request.security_opts)
    return msgspec.structs.replace(
        request, volumes=volumes, mounts=tuple(mounts), security_opts=options
    )


def must_pull(session: Session, request: RunRequest) -> bool:
    """Tell whether the image must be pulled first: it is not here, or is asked for anew.

    Raises:
        ImageNotFoundError: it is not here and must not be pulled.
    """
    if request.pull == "always":
        return True
    try:
        chosen_image(session, request.image, request.platform)
    except (ImageNotFoundError, PlatformNotFoundError):
        if request.pull == "never":
            raise
        return True
    return False


def _other_platform(image: StoredImage, wanted: str) -> str:
    """Return for which platform an image is, if it is not the one that is wanted.

    Raises:
        UsageError: what is wanted is no platform.
    """
    if not wanted:
        return ""
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
