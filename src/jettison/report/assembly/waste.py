"""Waste, equal files and caches of a report, from the files of an image.

In:  the layers of the image, put on each other, and the instructions that made them.
Out: values of ``report.contents``.
"""

from __future__ import annotations

from collections.abc import Mapping

from jettison.analysis.caches import caches_left
from jettison.analysis.duplicates import duplicate_files
from jettison.analysis.waste import Digester, waste_groups, wasted_files
from jettison.fs.visible import Visible
from jettison.provenance.record import BuildRecord, StackLayer
from jettison.report.assembly.stages import step_ids
from jettison.report.contents import CacheLeft, Duplicate, Waste

_MOST = 50
_LEAST_DUPLICATE = 4096
"""Smaller files that are equal, such as empty modules of Python, are no news."""


def waste(record: BuildRecord, shown: Visible, digest: Digester | None = None) -> tuple[Waste, ...]:
    """Return what is shipped and not shown, by who shipped it, who hid it and why.

    Args:
        record: Of the build.
        shown: The image's layers.
        digest: Tells equal files from others where listings do not know.
    """
    stack = record.stack(record.target)
    ids = step_ids(record)
    return tuple(
        Waste(
            path=each.path,
            bytes=each.bytes,
            files=each.files,
            introduced=_step(stack[each.introduced], ids),
            introduced_line=_line(stack[each.introduced]),
            hidden_by=_step(stack[each.hidden_by], ids),
            hidden_by_line=_line(stack[each.hidden_by]),
            cause=each.cause.value,
        )
        for each in waste_groups(wasted_files(shown, digest))[:_MOST]
    )


def duplicates(shown: Visible, digest: Digester | None = None) -> tuple[Duplicate, ...]:
    """Return files of 4 KiB and more that the image has more than once."""
    return tuple(
        Duplicate(f"sha256:{each.digest.hex()}", each.bytes, each.count, each.paths)
        for each in duplicate_files(shown, digest)
        if each.bytes >= _LEAST_DUPLICATE
    )[:_MOST]


def caches(shown: Visible) -> tuple[CacheLeft, ...]:
    """Return caches of package managers that are in the image."""
    sizes = (
        (group.directory, list(map(shown.layers[group.layer].sizes.__getitem__, group.entries)))
        for group in shown.files
    )
    return tuple(
        CacheLeft(each.manager, each.path, each.bytes, each.files) for each in caches_left(sizes)
    )


def _step(layer: StackLayer, ids: Mapping[tuple[int, int], str]) -> str:
    own = layer.instruction
    return "base image" if layer.is_base else ids.get((layer.stage, own.step), "")


def _line(layer: StackLayer) -> int:
    return 0 if layer.is_base else layer.instruction.line
