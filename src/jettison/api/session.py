"""A session: one open store and the drivers around it.

This is the only place that constructs drivers; everything else takes them as protocols.

In:  settings and the environment.
Out: a ``Session``, used as a context manager by every function of ``api``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from jettison.api.servers import Servers
from jettison.cache.record import BuildCache
from jettison.errors import JettisonError
from jettison.fs.ownership import Ownership, process_ownership
from jettison.linux import userns
from jettison.provenance.store import BuildStore
from jettison.settings import Settings, store_root
from jettison.snapshot.overlay import OverlayLayerStore
from jettison.store.store import Store

if TYPE_CHECKING:
    from jettison.api.caches_in_use import CachesInUse
    from jettison.image.layers import LayerBlobs
    from jettison.image.remote import BlobPlace
    from jettison.image.resolve import ImageResolver
    from jettison.registry.client import RegistryClient
    from jettison.remote.places import CachePlaces
    from jettison.sandbox.base import Sandbox


_FULL_BYTES = 1 << 20


class NamespaceRequired(JettisonError):  # noqa: N818 - a request to the caller, not a failure
    """What was asked needs a user namespace: the program must be run again inside one.

    ``single_id`` asks for one with a single id.
    """

    def __init__(self, message: str, *, single_id: bool = False) -> None:
        super().__init__(message)
        self.single_id = single_id


class Session:
    """The store and what works on it.

    Args:
        settings: What holds.
        environ: The process's environment.
        store: Open store; closed with the session.
    """

    def __init__(self, settings: Settings, environ: Mapping[str, str], store: Store) -> None:
        self.settings = settings
        self.environ = environ
        self.store = store
        self.from_pipes: dict[Path, bytes] = {}
        """Values of secrets of the current build that can be read only once."""
        self.caches: CachesInUse | None = None
        """Caches elsewhere that the current build uses."""
        self._servers = Servers(settings, environ)
        self._sandbox: Sandbox | None = None

    @classmethod
    def open(cls, settings: Settings, environ: Mapping[str, str]) -> Session:
        """Open the store of the settings, making it if there is none.

        Raises:
            StorageError: the store cannot be opened.
            UsageError: there is no such isolation or snapshotter.
        """
        if settings.isolation or settings.snapshotter:  # also where nothing will run
            from jettison.sandbox.level import require_known

            require_known(settings.isolation, settings.snapshotter)
        root = store_root(settings, environ, root_user=not userns.is_rootless())
        store = Store.open(root)
        disk = os.statvfs(root)
        if disk.f_bavail * disk.f_frsize < _FULL_BYTES:
            store.empty_trash()  # a full disk lets nobody in, not even to make room
        return cls(settings, environ, store)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._sandbox is not None:
            self._sandbox.close()
        self._servers.close()
        if not userns.is_needed() and os.listdir(self.store.root / "trash"):
            self.store.empty_trash()  # what failed and what containers wrote
        self.store.close()

    @property
    def ownership(self) -> Ownership:
        """How owners of files are kept by this process, and so in its layers."""
        return self.layer_store.ownership

    @cached_property
    def layer_store(self) -> OverlayLayerStore:
        """Layers as files."""
        return OverlayLayerStore(self.store, process_ownership())

    @cached_property
    def blobs(self) -> LayerBlobs:
        """Layers as blobs, and both ways between."""
        from jettison.image.layers import LayerBlobs

        return LayerBlobs(self.store, self.layer_store, self.registry, self.place)

    @property
    def has_registry(self) -> bool:
        """Whether registries were needed so far."""
        return self._servers.has_registry

    def registry(self) -> RegistryClient:
        """Return the client of registries, the same one for the whole session."""
        return self._servers.registry()

    def places(self) -> CachePlaces:
        """Return the caches in buckets and services, the same ones for the whole session."""
        return self._servers.places()

    def place(self, source: str) -> BlobPlace:
        """Return a place that has blobs of layers (``image.remote``).

        Raises:
            ImageNotFoundError: this process cannot ask there.
        """
        return self.places().find(source)

    @cached_property
    def cache(self) -> BuildCache:
        """The build cache."""
        return BuildCache(self.store.database)

    @property
    def cache_mounts(self) -> Path:
        """Directory of cache mounts."""
        return self.store.cache_mounts

    @property
    def builds(self) -> BuildStore:
        """Records of builds by image, and where files of COPY's layers came from."""
        return BuildStore(self.store.database)

    def resolver(self, *, offline: bool = False, keeps: bool = True) -> ImageResolver:
        """Return what finds images by name: the store first, then registries.

        It keeps what it finds: each command has one of its own. Without ``keeps`` what is found
        elsewhere becomes no image of the store.
        """
        from jettison.image.resolve import ImageResolver

        return ImageResolver(self.store, None if offline else self.registry, keeps=keeps)

    def sandbox(self) -> Sandbox:
        """Return the sandbox driver of the settings: the best that works here, or one by name.

        The session ends it, with all containers that still run.
        """
        from jettison.sandbox.select import choose

        if self._sandbox is None:
            self._sandbox = choose(
                self.ownership,
                self.settings.isolation,
                cache_dir=self.store.root,
                snapshotter=self.settings.snapshotter,
            )
        return self._sandbox

    def require_namespace(self, isolation: str = "") -> None:
        """Make sure that files of all owners can be written.

        Args:
            isolation: What a container was made with; empty takes the settings'.

        Raises:
            NamespaceRequired: the process is neither root nor in a namespace of ours, or not in
                one with a single id where that is asked for.
        """
        single_id = (isolation or self.settings.isolation) == userns.SINGLE_ID
        if userns.is_needed(single_id=single_id):
            raise NamespaceRequired("this needs a user namespace", single_id=single_id)
