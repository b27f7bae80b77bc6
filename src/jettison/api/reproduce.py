"""``--verify-reproducible``: a second build that finds nothing cached must make the same image.

In:  the image of the first build, how to solve its plan again.
Out: nothing, or what the first difference is.

The second build is on the same store, with records and cache mounts of its own, which are thrown
away: every step runs again. What is equal to the first build's is stored once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from jettison.api.built import BuiltImages, PlatformBuild
from jettison.api.compile import shown
from jettison.api.diff import config_changes
from jettison.api.output import PreparedOutput
from jettison.api.session import Session
from jettison.cache.record import BuildCache
from jettison.errors import NotReproducibleError
from jettison.events import Sink
from jettison.fs.remove import remove_tree
from jettison.image.background import BackgroundPacker
from jettison.image.compare import Open, first_difference
from jettison.image.form import LayerForm
from jettison.layer.decompress import Decompressed, open_decompressed
from jettison.oci.codec import decode
from jettison.oci.config import ImageConfig
from jettison.oci.mediatype import LAYER_COMPRESSION
from jettison.sandbox.base import Sandbox
from jettison.solver.solve import Solver
from jettison.store.database import Database
from jettison.store.image import StoredImage
from jettison.store.layer import LayerId

_TITLE = "building again without the cache, to compare"


class UncachedSession(Session):
    """A session on the store of another one that finds no results there, and keeps none.

    Args:
        session: The other one, which outlives it.
        place: A directory for what is thrown away.
    """

    def __init__(self, session: Session, place: Path) -> None:
        super().__init__(session.settings, session.environ, session.store)
        self.from_pipes = session.from_pipes
        self._of = session
        self._place = place
        self._database = Database(place / "state.db")

    @cached_property
    def cache(self) -> BuildCache:
        """A build cache of its own."""
        return BuildCache(self._database)

    @property
    def cache_mounts(self) -> Path:
        """A directory of its own."""
        return self._place / "cache-mounts"

    def sandbox(self) -> Sandbox:
        """Return the other session's."""
        return self._of.sandbox()

    def close(self) -> None:
        """Close what is its own."""
        self._database.close()
        if self.has_registry:
            self.registry().close()


@contextmanager
def uncached(session: Session) -> Iterator[UncachedSession]:
    """Open a session in which every step runs; what it keeps is gone afterwards."""
    place = session.store.tmp()
    other = UncachedSession(session, place)
    try:
        yield other
    finally:
        other.close()
        remove_tree(place)


def verify_reproducible(
    session: Session,
    parts: Sequence[PlatformBuild],
    outputs: Sequence[PreparedOutput],
    flags: LayerForm,
    solver: Callable[[Session, BackgroundPacker], Solver],
    sink: Sink,
) -> None:
    """Build again, and see that the images are the same.

    Args:
        session: The store.
        parts: The first build, by platforms.
        outputs: Who wants the images.
        flags: What the request says of their layers.
        solver: Makes the solver of the plan in a session.
        sink: Gets events about progress.

    Raises:
        NotReproducibleError: one is another; says what the first difference is.
        JettisonError: the second build failed.
    """

    def work(_report: object) -> list[StoredImage]:
        with uncached(session) as other:
            again = solver(other, BackgroundPacker(other.blobs, None, idle=True))
            again.solve()
            found = again.solution()
            solved = [found.of(each.built.compiled.plan) for each in parts]
            return [BuiltImages(other, each, outputs, flags).first() for each in solved]

    for part, again in zip(parts, shown(sink, _TITLE, work), strict=True):
        image = part.images.first()
        if again.id != image.id:
            raise NotReproducibleError(
                f"two builds made different images: {_difference(session, image, again)}",
                hint="let the step write nothing that depends on time, order or chance",
            )


def _difference(session: Session, image: StoredImage, again: StoredImage) -> str:
    """Return what the first difference of two images is."""
    steps = _instructions(image)
    pairs = zip(image.layers, again.layers, strict=False)
    for number, (one, other) in enumerate(pairs, 1):
        if one.diff_id == other.diff_id:
            continue
        found = first_difference(_opener(session, one.layer), _opener(session, other.layer))
        what = f"`{found.path}` {found.what}" if found is not None else "its tar is another one"
        step = f" of `{steps[number - 1]}`" if number <= len(steps) else ""
        return f"layer {number}{step}: {what}"
    if len(image.layers) != len(again.layers):
        return f"{len(image.layers)} layers, then {len(again.layers)}"
    configs = [json.loads(each.config) for each in (image, again)]
    for change in config_changes(*configs):
        return f"{change.field} is {change.before!r}, then {change.after!r}"
    times = [each.get("created", "") for each in configs]
    if times[0] != times[1]:
        return f"the time is {times[0]}, then {times[1]}"
    return "the history"


def _instructions(image: StoredImage) -> list[str]:
    """Return the instruction of each layer, as far as the history tells."""
    config = decode(ImageConfig, image.config)
    return [each.created_by.strip()[:100] for each in config.history if not each.empty_layer]


def _opener(session: Session, layer: LayerId) -> Open:
    @contextmanager
    def opened() -> Iterator[Decompressed]:
        blob = session.blobs.blob(layer)
        with (
            session.store.blobs.path(blob.digest).open("rb") as file,
            open_decompressed(file, LAYER_COMPRESSION[blob.media_type]) as tar,
        ):
            yield tar

    return opened
