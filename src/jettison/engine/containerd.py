"""Docker with containerd's image store: it pulls from us, for the moment of the load.

In:  an image, or an index of several.
Out: ``POST /images/create`` from a loopback registry; or, to an engine that cannot reach one, an
     OCI layout with the blobs as they are.

The store keeps blobs as they came, so it refuses archives that lack some. When it pulls, it asks
for the blobs that it lacks, several at a time. The name that it pulled by is taken away again.
"""

from __future__ import annotations

from jettison.engine.base import EngineImage, LayerFiles
from jettison.engine.classic import inspect, send_archive, tag
from jettison.engine.client import EngineClient, RefusedError
from jettison.engine.loopback import LoopbackRegistry
from jettison.errors import ExportError
from jettison.events import Progress
from jettison.oci.platform import Platform


class ContainerdEngine:
    """Docker with containerd's image store.

    Args:
        client: Speaks with it.
        files: Has the layers of images.
        platform: What it runs.
    """

    takes_index = True

    def __init__(self, client: EngineClient, files: LayerFiles, platform: Platform | None) -> None:
        self.title = f"docker at {client.address.text}"
        self.platform = platform
        self._client = client
        self._files = files

    def close(self) -> None:
        """End the connection."""
        self._client.close()

    def load(self, image: EngineImage, report: Progress) -> None:
        """Have it pulled, or send it; see ``Engine``."""
        # An image without a name would be forgotten with the name that it was pulled by.
        if not (image.names and self._client.address.is_near and self._pull(image, report)):
            send_archive(self._client, self._files, image, report)
        if inspect(self._client, image.root.digest) is None:
            raise ExportError(
                f"{self.title} took the image and does not have it",
                hint="look into the log of the engine",
            )

    def _pull(self, image: EngineImage, report: Progress) -> bool:
        """Have the engine pull; return False if it cannot.

        Raises:
            ExportError: it hangs up.
            SourceError, ContentError, StorageError: a layer cannot be had.
        """
        with LoopbackRegistry(image, self._files, report) as registry:
            try:
                for platform in image.platforms:
                    self._client.work(
                        "/images/create",
                        {"fromImage": registry.reference, "platform": str(platform)},
                    )
                tag(self._client, registry.reference, image)
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
            self._client.call("DELETE", f"/images/{name}", {"noprune": "1"})
        except RefusedError:
            return  # it came to no name
