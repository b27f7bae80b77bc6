"""A table for people, as ``docker sbom`` prints one.

In:  a ``Bom``.
Out: titles and rows.
"""

from __future__ import annotations

from jettison.sbom.model import Bom, Component, Reach

Row = tuple[str, ...]


def sbom_table(bom: Bom) -> tuple[Row, list[Row]]:
    """Return the titles and a row for each component.

    Of stages a column says what reached the image; of an image, where a package came from, if that
    is known; of several root file systems, in which one a package is.
    """
    several = len(bom.subjects) > 1
    found = [
        (subject, each)
        for subject in bom.subjects
        for each in sorted(subject.components, key=lambda each: each.record.name.lower())
    ]
    has_reach = any(each.reach is not None for _, each in found)
    has_origin = any(each.origin for _, each in found)
    titles: Row = ("NAME", "VERSION", "TYPE")
    rows: list[Row] = [(each.record.name, each.record.version, _type(each)) for _, each in found]
    if has_origin:
        titles += ("FROM",)
        rows = [(*row, _origin(each)) for row, (_, each) in zip(rows, found, strict=True)]
    if has_reach:
        titles += ("IN IMAGE",)
        rows = [(*row, _reached(each)) for row, (_, each) in zip(rows, found, strict=True)]
    if several:
        titles = ("STAGE", *titles)
        rows = [(subject.stage, *row) for row, (subject, _) in zip(rows, found, strict=True)]
    return titles, rows


def _type(component: Component) -> str:
    kind = component.record.kind
    return f"{kind} (declared)" if component.record.is_declared else kind


def _origin(component: Component) -> str:
    line = f":{component.line}" if component.line else ""
    return component.origin + line if component.origin else "-"


def _reached(component: Component) -> str:
    match component.reach:
        case Reach.ALL:
            return "yes"
        case Reach.PART:
            owned = component.record.owned
            return f"{owned.reached} of {owned.files} files"
        case Reach.NONE:
            return "no"
        case None:
            return ""
