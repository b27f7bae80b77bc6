"""Which images a command is about: docker's ``--filter``, as values.

In:  bounds and patterns, already parsed.
Out: whether an image is meant.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase

import msgspec

from jettison.oci.codec import decode
from jettison.oci.config import ImageConfig
from jettison.oci.times import epoch
from jettison.store.image import StoredImage


class LabelFilter(msgspec.Struct, frozen=True):
    """``label=NAME``, ``label=NAME=VALUE`` or ``label!=…``; ``value`` None takes any."""

    name: str
    value: str | None = None
    absent: bool = False

    def fits(self, labels: Mapping[str, str]) -> bool:
        """Tell whether labels are as wanted.

        >>> LabelFilter("a", "1").fits({"a": "1"}), LabelFilter("a", absent=True).fits({})
        (True, True)
        """
        there = self.name in labels and self.value in {None, labels[self.name]}
        return there is not self.absent


class ImageFilter(msgspec.Struct, frozen=True):
    """What an image must be to be meant.

    Args:
        references: One of these patterns fits ``REPOSITORY`` or ``REPOSITORY:TAG``; none take any.
        dangling: Without a name, or with one; None takes both.
        labels: All fit.
        until: Made before, seconds since the epoch.
        before, since: Made before, or after, these images.
    """

    references: tuple[str, ...] = ()
    dangling: bool | None = None
    labels: tuple[LabelFilter, ...] = ()
    until: float | None = None
    before: str = ""
    since: str = ""

    def fits_name(self, repository: str, tag: str) -> bool:
        """Tell whether a name, ``<none>`` for none, is meant."""
        if not self.references:
            return True
        names = (repository, f"{repository}:{tag}")
        return repository != "<none>" and any(
            fnmatchcase(name, pattern) for name in names for pattern in self.references
        )

    def fits(
        self, image: StoredImage, *, before: float | None = None, since: float | None = None
    ) -> bool:
        """Tell whether an image is meant, whatever its names.

        Args:
            image: It.
            before: When the image of this filter was made, seconds since the epoch.
            since: Likewise.
        """
        config = decode(ImageConfig, image.config)
        made = epoch(config.created)
        bounds: Collection[float] = [each for each in (self.until, before) if each is not None]
        if any(made >= each for each in bounds) or (since is not None and made <= since):
            return False
        labels = config.config.labels or {}
        return all(each.fits(labels) for each in self.labels)
