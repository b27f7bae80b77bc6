"""Docker with containerd's image store: it pulls from us, for the moment of the load.

In:  an image, or an index of several.
Out: ``POST /images/create`` from a loopback registry; or, to an engine that cannot reach one, an
     OCI layout with the blobs as they are.

The store keeps blobs as they came, so it refuses archives that lack some. When it pulls, it asks
for the blobs that it lacks, several at a time. The name that it pulled by is taken away again.
"""

from __future__ import annotations

from jettison.engine.base import EngineImage
from jettison.engine.client import RefusedError
from jettison.engine.loopback import LoopbackRegistry
from jettison.engine.service import PullingService
from jettison.events import Progress


class ContainerdEngine(PullingService):
    """Docker with containerd's image store; arguments are those of ``EngineService``."""

    takes_index = True

    def load(self, image: EngineImage, report: Progress) -> None:
        """Have it pulled, or send it; see ``Engine``."""
        self.pull_or_send(image, report, image.root.digest)

    def pull(self, image: EngineImage, report: Progress) -> bool:
        """Have it pulled for each platform; see ``PullingService``."""
        with LoopbackRegistry(image, self.files, report) as registry:
            try:
                for platform in image.platforms:
                    self.client.work(
                        "/images/create",
                        {"fromImage": registry.reference, "platform": str(platform)},
                    )
                self.tag(registry.reference, image)
            except RefusedError:
                if registry.failure is not None:
                    raise registry.failure from None
                return False
            finally:
                self._forget(registry)
        return True

    def _forget(self, registry: LoopbackRegistry) -> None:
        """Take away the name that was pulled by, where there is one."""
        if not registry.asked:
            return
        name = registry.reference
        try:
            self.client.call("DELETE", f"/images/{name}", {"noprune": "1"})
        except RefusedError:
            return  # it came to no name
