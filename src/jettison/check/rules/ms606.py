"""MS606: one file that makes most of the image.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.check.layer_facts import LayerFact
from jettison.check.layers import own_files
from jettison.check.rule import Rule
from jettison.check.steps import image_bytes
from jettison.check.subject import Subject
from jettison.check.units import MEGABYTE, size
from jettison.findings.finding import Finding, Severity
from jettison.findings.fix import advice
from jettison.fs.listing import Listing

_LEAST = 10 * MEGABYTE


class MS606(Rule):
    r"""One file that makes most of the image.

    ## What it does
    Finds a file of more than half of the image and at least 10 MB that is no program and no
    library.

    ## Why is this bad
    Models, dumps and archives change seldom, or are needed by few. Each change of the image's
    layer ships them again; an archive that was unpacked is there twice.

    ## Example
        FROM busybox
        RUN head -c 12000000 /dev/urandom > /model.bin

    ## Use instead
        FROM busybox
        VOLUME /models
    """

    id = "MS606"
    title = "No single file makes most of an image"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield the largest file if it is more than half of the image."""
        files = own_files(subject, _LARGE)
        path, count, span = max(files, key=lambda each: each[1], default=("", 0, None))
        if count < _LEAST or count * 2 <= subject.fact(image_bytes):
            return
        yield self.finding(
            Severity.NOTE,
            f"`{path}` has {size(count)}, more than half of the image",
            span=span,
            path=path,
            stage=subject.final.label,
            fixes=advice("mount it as a volume, or fetch it where it is needed"),
        )


def _large(listing: Listing) -> list[int]:
    """Return what is large and no program: a file that is more than half of all is the largest."""
    return [
        entry
        for entry, count in enumerate(listing.sizes)
        if count >= _LEAST
        if not listing.modes[entry] & 0o111 and ".so" not in listing.paths[entry]
    ]


_LARGE = LayerFact(f"of {_LEAST} bytes 2", _large, list[int], of_sizes=True)
