"""Which files of stages are on the chains of files of the image.

In:  a ``Provenance``.
Out: paths of a stage, of its base images too: what was copied from a base image reached, as did
     all of a base that the image is made on.
"""

from __future__ import annotations

from jettison.provenance.chain import Provenance
from jettison.provenance.follow import Follower


class ReachedFiles:
    """Follows each file of the image once.

    Args:
        provenance: Of the image.
    """

    def __init__(self, provenance: Provenance) -> None:
        self._provenance = provenance
        follower = Follower(provenance, None)
        for files in provenance.image.visible.files:
            follower.follow(files)
        self._reached = follower.reached

    def paths(self, stage: int) -> frozenset[str]:
        """Return the paths at which a stage has, at its end, files that reached the image.

        Args:
            stage: Its index.
        """
        files = self._provenance.files(stage)
        shown = files.visible
        makers = [each.stage for each in files.layers]
        reached = [
            self._reached.get((maker, position), set()) for position, maker in enumerate(makers)
        ]
        links = [listing.links for listing in shown.layers]
        return frozenset(
            path
            for path, seen in shown.entries.items()
            if links[seen.layer].get(seen.entry, seen.entry) in reached[seen.layer]
        )
