"""The surface of a report, and its packages, from facts of root file systems.

In:  ``RootFacts`` of the image, and of the stage that most of it was built in.
Out: values of ``report.model``.
"""

from __future__ import annotations

import msgspec

from jettison.analysis.packages.catalog import Catalog
from jettison.analysis.surface import KINDS, SurfaceFacts
from jettison.report.contents import Package, Surface, SurfaceChange

_PATHS = 50


class RootFacts(msgspec.Struct, frozen=True):
    """What is known of the files of a root file system.

    Args:
        is_whole: Whether all entries were looked at.
    """

    surface: SurfaceFacts
    catalog: Catalog
    is_whole: bool = True


def surface_change(
    after: RootFacts, name: str, before: RootFacts | None, before_name: str
) -> SurfaceChange:
    """Return both surfaces, and what of the first the second has not.

    Args:
        after: Of the image.
        name: Of its stage.
        before: Of the stage that is compared with, None without one.
        before_name: Its name.
    """
    removed = {}
    if before is not None:
        for kind in KINDS:
            kept = set(after.surface.paths.get(kind, ()))
            gone = [each for each in before.surface.paths.get(kind, ()) if each not in kept]
            if gone:
                removed[kind] = tuple(gone[:_PATHS])
    return SurfaceChange(
        after=_surface(after, name),
        before=None if before is None else _surface(before, before_name),
        removed=removed,
    )


def packages(after: RootFacts, before: RootFacts | None) -> tuple[Package, ...]:
    """Return the packages of both, sorted; bytes are those of the image where it has them."""
    found: dict[tuple[str, str, str], Package] = {}
    for each in before.catalog.packages if before is not None else ():
        key = (each.kind, each.name, each.version)
        found[key] = Package(*key, each.bytes, each.files, before=True, after=False)
    for each in after.catalog.packages:
        key = (each.kind, each.name, each.version)
        found[key] = Package(*key, each.bytes, each.files, before=key in found, after=True)
    return tuple(found[key] for key in sorted(found))


def _surface(facts: RootFacts, stage: str) -> Surface:
    surface = facts.surface
    return Surface(
        stage=stage,
        packages=dict(sorted(facts.catalog.counts.items())),
        executables=surface.executables,
        paths={kind: paths[:_PATHS] for kind, paths in surface.paths.items()},
        unread=facts.catalog.unread,
        **{kind: surface.counts.get(kind, 0) for kind in KINDS},
    )
