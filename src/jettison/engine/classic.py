"""Docker with a graph driver: an archive, in which layers that it has are empty files.

In:  an image.
Out: ``POST /images/load``, as little of it as the engine lacks.

The engine unpacks a layer only if it has none of its chain, that is of its diff ID and those of
all below. So what it has need not be sent: its place in the archive is an empty file, which is
never opened. Which it has is found in the lists of layers of its images. If it refuses, since it
removed one meanwhile or looks closer, the whole archive is sent.

Source: moby, image/tarexport/load.go; imgutil#81, where buildpacks do the same.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from jettison.engine.base import EngineImage
from jettison.engine.client import RefusedError
from jettison.engine.service import EngineService
from jettison.events import Progress
from jettison.oci.digest import Digest

_IMAGES = 500
"""At most so many images of the engine are looked at, the newest first."""


class _Summary(msgspec.Struct, frozen=True):
    id: str = msgspec.field(default="", name="Id")
    created: int = msgspec.field(default=0, name="Created")


class ClassicEngine(EngineService):
    """Docker with a graph driver; arguments are those of ``EngineService``."""

    takes_index = False

    def load(self, image: EngineImage, report: Progress) -> None:
        """Load what the engine lacks; see ``Engine``."""
        if self.inspect(image.config) is not None:
            self.tag(image.config, image)
            return
        known = self._known(image)
        if known:
            try:
                self.send_archive(image, report, known)
            except RefusedError:
                known = set()
        if not known:
            self.send_archive(image, report)
        layers = tuple(diff_id for diff_id, _ in image.layers)
        self.require_had(self.inspect(image.config), layers)

    def _known(self, image: EngineImage) -> set[Digest]:
        """Return the blobs of layers that the engine has, in their chain."""
        wanted = tuple(diff_id for diff_id, _ in image.layers)
        most = 0
        for layers in self._chains():
            same = 0
            for ours, theirs in zip(wanted, layers, strict=False):
                if ours != theirs:
                    break
                same += 1
            most = max(most, same)
            if most == len(wanted):
                break
        lacking = {blob for _, blob in image.layers[most:]}
        return {blob for _, blob in image.layers[:most]} - lacking

    def _chains(self) -> Iterator[tuple[str, ...]]:
        images = self.client.document("/images/json", list[_Summary])
        images.sort(key=lambda each: -each.created)
        for each in images[:_IMAGES]:
            found = self.inspect(each.id)
            if found is not None:
                yield found.layers
