"""What a build does with caches elsewhere, as the session holds it (``api.caches``)."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from jettison.image.manifest import Compression
from jettison.solver.drivers import Memo, Records
from jettison.solver.result import Solution
from jettison.store.layer import LayerId


class CachesInUse(Protocol):
    """The caches of one build."""

    @property
    def records(self) -> Records:
        """Records of the store, and of caches behind it."""
        ...

    @property
    def memo(self) -> Memo:
        """Answers of the store, and of caches behind it."""
        ...

    @property
    def packs(self) -> Compression | None:
        """How layers are compressed for the caches that are written; None without one."""
        ...

    def layer_made(self, layer: LayerId, *, shipped: bool) -> None:
        """Send a layer to the caches that are to have it; ``shipped`` if it is of the image."""
        ...

    def restore_mount(self, mount: str, into: Path) -> bool:
        """Fill an empty directory with what a cache has of a mount; tell whether one has it."""
        ...

    def inline(self, solution: Solution) -> str:
        """Return what the image itself is to hold of a cache; empty for nothing."""
        ...

    def write(self, solution: Solution) -> None:
        """Write what a build has found out.

        Raises:
            JettisonError: a cache cannot be written, and that is not to be ignored.
        """
        ...
