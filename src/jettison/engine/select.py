"""Which kind of engine answers.

In:  an address, or what an engine is called.
Out: an ``Engine``.

``/version`` names podman, ``/info`` the store: ``driver-type`` is containerd's where it says so.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping

import msgspec

from jettison.engine.address import EngineAddress, parse_address
from jettison.engine.base import Engine, LayerFiles
from jettison.engine.classic import ClassicEngine
from jettison.engine.client import EngineClient
from jettison.engine.connection import Dialer
from jettison.engine.containerd import ContainerdEngine
from jettison.engine.context import (
    DOCKER_SOCKET,
    context_engine,
    default_engine,
    named_engine,
    podman_sockets,
)
from jettison.engine.podman import PodmanProgram, PodmanService
from jettison.errors import ExportError, UsageError
from jettison.oci.platform import Platform, normalise

DOCKER, PODMAN = "docker", "podman"

_CONTAINERD = ("driver-type", "io.containerd.snapshotter.v1")
_VERSION = re.compile(r"[0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4}")


class _Details(msgspec.Struct, frozen=True):
    version: str = msgspec.field(default="", name="APIVersion")


class _Component(msgspec.Struct, frozen=True):
    name: str = msgspec.field(default="", name="Name")
    details: _Details | None = msgspec.field(default=None, name="Details")


class _Version(msgspec.Struct, frozen=True):
    system: str = msgspec.field(default="", name="Os")
    architecture: str = msgspec.field(default="", name="Arch")
    components: tuple[_Component, ...] | None = msgspec.field(default=None, name="Components")


class _Info(msgspec.Struct, frozen=True):
    status: tuple[tuple[str, str], ...] | None = msgspec.field(default=None, name="DriverStatus")


def is_named(text: str, context: str, environ: Mapping[str, str]) -> bool:
    """Tell whether the user said which engine is meant, or docker's is at its usual place.

    Args:
        text: As for ``find_engine``.
        context: Likewise.
        environ: Likewise.

    Raises:
        UsageError: what is named is malformed or not there.
    """
    if context or text not in {"", DOCKER}:
        return True
    if named_engine(environ) is not None:
        return True
    return text == DOCKER and os.path.exists(DOCKER_SOCKET)


def find_engine(text: str, context: str, environ: Mapping[str, str]) -> EngineAddress | str:
    """Return the engine that is meant: an address, or ``podman`` for its program.

    Args:
        text: ``docker``, ``podman``, or an address; empty is docker.
        context: One of docker's contexts instead.
        environ: Names one.

    Raises:
        UsageError: what is named is malformed or not there.
    """
    if context:
        if text not in {"", DOCKER}:
            raise UsageError(
                f"`{text}` is no engine of docker's contexts", hint="leave one of them out"
            )
        return context_engine(context, environ)
    if text == PODMAN:
        if host := environ.get("CONTAINER_HOST"):
            return parse_address(host)
        for path in podman_sockets(environ, os.geteuid()):
            if os.path.exists(path):
                return parse_address(f"unix://{path}")
        return PODMAN
    if text in {"", DOCKER}:
        return named_engine(environ) or default_engine()
    return parse_address(text)


def connect(
    where: EngineAddress | str,
    files: LayerFiles,
    environ: Mapping[str, str],
    platform: Platform | None,
) -> Engine:
    """Return an engine that answers.

    Args:
        where: From ``find_engine``.
        files: Has the layers of images.
        environ: For programs.
        platform: Of this machine.

    Raises:
        ExportError: it does not answer, or not as an engine does.
    """
    if isinstance(where, str):
        if shutil.which(where, path=environ.get("PATH")) is None:
            raise ExportError("there is no `podman`", hint="install podman, or name another engine")
        return PodmanProgram(files, platform, environ)
    client = EngineClient(Dialer(where, environ))
    try:
        return _probed(client, files)
    except BaseException:
        client.close()
        raise


def _probed(client: EngineClient, files: LayerFiles) -> Engine:
    version = client.document("/version", _Version)
    platform = None
    if version.system and version.architecture:
        platform = normalise(version.system, version.architecture)
    for each in version.components or ():
        if each.name == "Podman Engine":
            api = each.details.version if each.details else ""
            if not _VERSION.fullmatch(api):
                raise ExportError(f"podman at `{client.address.text}` does not tell its version")
            return PodmanService(client, files, platform, api)
    info = client.document("/info", _Info)
    if _CONTAINERD in (info.status or ()):
        return ContainerdEngine(client, files, platform)
    return ClassicEngine(client, files, platform)
