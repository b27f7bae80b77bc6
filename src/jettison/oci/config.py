"""The image config: how a container of the image starts, its layers and history.

In:  JSON of a config blob.
Out: frozen structs. Fields that docker added (``Healthcheck``, ``OnBuild``, ``Shell``,
``ArgsEscaped``) are kept in both formats, as BuildKit keeps them.

Source: OCI image-spec 1.1, config.md; docker image-spec 1.3.
"""

from __future__ import annotations

import msgspec

from jettison.oci.digest import Digest


class Healthcheck(msgspec.Struct, frozen=True, omit_defaults=True, rename="pascal"):
    """A HEALTHCHECK; durations are nanoseconds."""

    test: tuple[str, ...] = ()
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0


class ContainerConfig(msgspec.Struct, frozen=True, omit_defaults=True, rename="pascal"):
    """The ``config`` object: defaults of a container of the image.

    ``None`` and an empty tuple differ for ``entrypoint`` and ``cmd``: unset, and set to nothing.
    """

    user: str = ""
    exposed_ports: dict[str, dict[str, str]] | None = None
    env: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    healthcheck: Healthcheck | None = None
    args_escaped: bool = False
    volumes: dict[str, dict[str, str]] | None = None
    working_dir: str = ""
    on_build: tuple[str, ...] | None = None
    labels: dict[str, str] | None = None
    stop_signal: str = ""
    shell: tuple[str, ...] | None = None


class History(msgspec.Struct, frozen=True, omit_defaults=True):
    """One instruction's entry of the history; ``created`` is RFC 3339 text."""

    created: str = ""
    created_by: str = ""
    author: str = ""
    comment: str = ""
    empty_layer: bool = False


class RootFS(msgspec.Struct, frozen=True):
    """The layers by the digests of their uncompressed tars, base first."""

    type: str
    diff_ids: tuple[Digest, ...] = ()


class ImageConfig(
    msgspec.Struct,
    frozen=True,
    omit_defaults=True,
    rename={"os_version": "os.version", "os_features": "os.features", "cache": "jettison.cache.v1"},
):
    """A whole config blob; ``cache`` is of ``remote.inline``."""

    architecture: str
    os: str
    rootfs: RootFS = RootFS(type="layers", diff_ids=())
    config: ContainerConfig = ContainerConfig()
    history: tuple[History, ...] = ()
    created: str = ""
    author: str = ""
    variant: str = ""
    os_version: str = ""
    os_features: tuple[str, ...] = ()
    cache: str = ""
