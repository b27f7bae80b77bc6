"""What a frontend is asked and what it answers.

In:  ``CompileRequest``: the text and everything that the flags say about it.
Out: a ``Plan``, or ``NeedImages`` when base image configs are wanted first.

A frontend is pure: the caller fetches image configs and calls again with more of them.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from jettison.errors import Span
from jettison.oci.config import ImageConfig
from jettison.oci.platform import Platform
from jettison.plan.op import Network


class LocalContext(msgspec.Struct, frozen=True, tag="local"):
    """A named context that is a directory of the host; the solver knows which."""


class ImageContext(msgspec.Struct, frozen=True, tag="image"):
    """A named context that is an image.

    ``reference`` is the normalised text the image is resolved by: a registry reference, or
    ``oci-layout://PATH[:tag][@digest]``.
    """

    reference: str


class GitContext(msgspec.Struct, frozen=True, tag="git"):
    """A named context that is a git repository (URL with ``#ref:subdir``)."""

    url: str


class HttpContext(msgspec.Struct, frozen=True, tag="http"):
    """A named context that is a URL of a tar or of one file."""

    url: str


NamedContext = LocalContext | ImageContext | GitContext | HttpContext


class ImageRequest(msgspec.Struct, frozen=True):
    """An image whose config is wanted, for a platform; ``reference`` as in ``ImageContext``."""

    reference: str
    platform: Platform


class NeedImages(msgspec.Struct, frozen=True):
    """Compilation stopped: these are wanted, in the order of the text.

    ``spans`` are the places that name them first, one for each request.
    """

    requests: tuple[ImageRequest, ...]
    spans: tuple[Span, ...] = ()


class CompileRequest(msgspec.Struct, frozen=True):
    """A build definition and the flags that matter to it.

    Args:
        text: Bytes of the Dockerfile.
        filename: For messages.
        target: Stage name or index; empty for the last stage.
        build_args: ``--build-arg``; a value of None was given as a bare name (taken from the
            caller's environment before, so here it means unset).
        platform: What the image is for.
        build_platform: What this machine is.
        contexts: Named contexts by name, as written.
        labels: ``--label``.
        network: ``--network`` of the build: the mode of RUNs that do not say one.
        no_cache: Nothing is looked up.
        no_cache_stages: Stages in which nothing is looked up (``--no-cache-filter``).
        extra_hosts: ``--add-host`` as ``name:ip``.
        ulimits: ``--ulimit`` as ``type=soft:hard``.
        shm_bytes: ``--shm-size``; 0 is the default of 64 MiB.
        allow: Entitlements that were granted: ``network.host``, ``security.insecure``.
        several_platforms: Whether the build is for others, too: names of steps begin with theirs.
        implicit_platform: Whether nobody asked for ``platform`` (it is this machine's): the image
            is then for what its base is for, such as after ``FROM --platform=``.
        source_times: Seconds since the epoch by what ``SOURCE_DATE_EPOCH`` may name: ``context``
            or a named context, for those that have a time (a commit's, ``Last-Modified``).
        default_epoch: ``SOURCE_DATE_EPOCH`` where nothing says one, or none is known; None is none.
    """

    text: bytes
    platform: Platform
    build_platform: Platform
    filename: str = "Dockerfile"
    target: str = ""
    build_args: Mapping[str, str] = {}
    contexts: Mapping[str, NamedContext] = {}
    labels: Mapping[str, str] = {}
    network: Network = Network.DEFAULT
    no_cache: bool = False
    no_cache_stages: tuple[str, ...] = ()
    extra_hosts: tuple[str, ...] = ()
    ulimits: tuple[str, ...] = ()
    shm_bytes: int = 0
    allow: frozenset[str] = frozenset()
    several_platforms: bool = False
    implicit_platform: bool = False
    source_times: Mapping[str, int] = {}
    default_epoch: int | None = None


ImageConfigs = Mapping[ImageRequest, ImageConfig]
"""Configs by request; the frontend takes ``rootfs.diff_ids``, ``config`` and ``history``."""
