"""MS606: one file that makes most of the image.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.check.layers import own_files
from jettison.check.rule import Rule
from jettison.check.size_facts import LARGE
from jettison.check.steps import image_bytes
from jettison.check.subject import Subject
from jettison.check.units import size
from jettison.findings.finding import Finding, Severity
from jettison.findings.fix import advice


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
        # One that is more than half of all is the largest: programs need not be compared with it.
        files = own_files(subject, LARGE)
        path, count, span = max(files, key=lambda each: each[1], default=("", 0, None))
        if not count or count * 2 <= subject.fact(image_bytes):
            return
        yield self.finding(
            Severity.NOTE,
            f"`{path}` has {size(count)}, more than half of the image",
            span=span,
            path=path,
            stage=subject.final.label,
            fixes=advice("mount it as a volume, or fetch it where it is needed"),
        )
