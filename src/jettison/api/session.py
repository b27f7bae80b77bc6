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
from typing import TYPE_CHECKING

from jettison.cache.record import RecordStore, SelectionMemo
from jettison.errors import JettisonError
from jettison.settings import Settings, store_root
from jettison.snapshot.overlay import OverlaySnapshotter
from jettison.store.store import Store

if TYPE_CHECKING:
    from jettison.image.layers import LayerBlobs
    from jettison.sandbox.base import Sandbox

NAMESPACE_MARK = "_JETTISON_IN_NAMESPACE"


class NamespaceRequired(JettisonError):  # noqa: N818 - a request to the caller, not a failure
    """What was asked needs a user namespace: the program must be run again inside one."""


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

    @classmethod
    def open(cls, settings: Settings, environ: Mapping[str, str]) -> Session:
        """Open the store of the settings, making it if there is none."""
        root = store_root(settings, environ, root_user=is_root(environ))
        return cls(settings, environ, Store.open(root))

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.store.close()

    @cached_property
    def snapshotter(self) -> OverlaySnapshotter:
        """Layers as files."""
        return OverlaySnapshotter(self.store)

    @cached_property
    def blobs(self) -> LayerBlobs:
        """Layers as blobs, and both ways between."""
        from jettison.image.layers import LayerBlobs  # noqa: PLC0415

        return LayerBlobs(self.store, self.snapshotter)

    @cached_property
    def records(self) -> RecordStore:
        """The build cache."""
        return RecordStore(self.store.database)

    @cached_property
    def memo(self) -> SelectionMemo:
        """Digests of parts of stacks."""
        return SelectionMemo(self.store.database)

    def sandbox(self, force: str = "") -> Sandbox:
        """Return the best sandbox driver that works here, or the one that is asked for."""
        from jettison.sandbox.select import choose  # noqa: PLC0415

        return choose(force or self.settings.isolation, cache_dir=self.store.root)

    def require_namespace(self) -> None:
        """Make sure that files of all owners can be written.

        Raises:
            NamespaceRequired: the process is neither root nor in a namespace of ours.
        """
        if os.geteuid() != 0:
            raise NamespaceRequired("this needs a user namespace")

    def path(self, name: str) -> Path:
        """Return a directory of the store for something of its own, made if it is missing."""
        directory = self.store.root / name
        directory.mkdir(exist_ok=True)
        return directory


def is_root(environ: Mapping[str, str]) -> bool:
    """Tell whether the user is root of the machine, not of a namespace of ours."""
    return os.geteuid() == 0 and NAMESPACE_MARK not in environ
