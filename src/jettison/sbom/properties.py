"""What formats have no field for: names of Jettison with values.

In:  a ``Component``, a ``Subject``.
Out: pairs, documented in ``docs/reference/sbom.md``.
"""

from __future__ import annotations

from jettison.sbom.model import Component, Subject


def component_properties(component: Component) -> list[tuple[str, str]]:
    """Return what is known of a component beside name, version, licence and package URL."""
    record = component.record
    found = [("kind", record.kind), ("path", record.path)]
    if record.is_declared:
        found.append(("declared", "true"))
    if component.places > 1:
        found.append(("places", str(component.places)))
    if record.owned.files:
        found += [("files", str(record.owned.files)), ("bytes", str(record.owned.bytes))]
    if component.reach is not None:
        found.append(("reached", component.reach.value))
        if record.owned.files:
            found.append(("filesReached", str(record.owned.reached)))
    if component.origin:
        found.append(("from", component.origin))
    if component.line:
        found.append(("line", str(component.line)))
    return [(f"jettison:{name}", value) for name, value in found]


def subject_properties(subject: Subject) -> list[tuple[str, str]]:
    """Return what is known of a root file system beside its name."""
    found = [("jettison:kind", subject.kind)]
    if subject.distribution.name:
        found.append(("jettison:distribution", subject.distribution.name))
    found += [("jettison:notRead", f"{path}: {why}") for path, why in subject.notes]
    return found
