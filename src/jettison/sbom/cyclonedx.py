"""CycloneDX 1.6 as JSON.

In:  a ``Bom``.
Out: the document as pieces of bytes.

What CycloneDX has no field for is in ``properties``: ``jettison:reached``. A package of a stage of
which nothing reached the image has the scope ``excluded``.

Source: CycloneDX 1.6.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jettison.sbom.document import document_uuid, json_lines
from jettison.sbom.licence import Licence
from jettison.sbom.model import Bom, Component, Reach, Subject
from jettison.sbom.properties import component_properties, subject_properties

_TYPES = {"image": "container", "stage": "container", "directory": "file"}


def cyclonedx_document(bom: Bom) -> Iterator[bytes]:
    """Yield the document.

    What it is about is ``metadata.component``; of several root file systems each is a component
    that has its packages in it.
    """
    metadata: dict[str, Any] = {}
    if bom.created:
        metadata["timestamp"] = bom.created
    tool = {"type": "application", "name": "jettison", "version": bom.version}
    metadata["tools"] = {"components": [tool]}
    single = len(bom.subjects) == 1
    if single:
        metadata["component"] = _subject(bom.subjects[0])
    else:
        metadata["component"] = {"type": "container", "name": bom.name, "bom-ref": "build"}
    incomplete = [each.ref for each in bom.subjects if each.notes]
    return json_lines(
        [
            ("$schema", "http://cyclonedx.org/schema/bom-1.6.schema.json"),
            ("bomFormat", "CycloneDX"),
            ("specVersion", "1.6"),
            ("serialNumber", f"urn:uuid:{document_uuid(bom, 'cyclonedx-1.6')}"),
            ("version", 1),
            ("metadata", metadata),
            ("components", _inside(bom.subjects[0]) if single else _subjects(bom)),
            ("dependencies", _dependencies(bom)),
            *(
                [("compositions", [{"aggregate": "incomplete", "assemblies": incomplete}])]
                if incomplete
                else []
            ),
        ]
    )


def _subjects(bom: Bom) -> Iterator[dict[str, Any]]:
    for subject in bom.subjects:
        yield _subject(subject) | {"components": _inside(subject)}


def _subject(subject: Subject) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": _TYPES[subject.kind],
        "bom-ref": subject.ref,
        "name": subject.name,
    }
    if subject.version:
        found["version"] = subject.version
    if subject.digest:
        found["hashes"] = [{"alg": "SHA-256", "content": subject.digest}]
    if subject.purl:
        found["purl"] = subject.purl
    layers = [("jettison:layer", f"sha256:{each}") for each in subject.layers if each]
    found["properties"] = _properties(subject_properties(subject) + layers)
    return found


def _inside(subject: Subject) -> Iterator[dict[str, Any]]:
    known = subject.distribution
    if known.id:
        system = {"type": "operating-system", "bom-ref": f"{subject.ref}-os", "name": known.id}
        if known.version_id:
            system["version"] = known.version_id
        if known.name:
            system["description"] = known.name
        yield system
    for component in subject.components:
        yield _component(component)


def _component(component: Component) -> dict[str, Any]:
    record = component.record
    found: dict[str, Any] = {"type": "library", "bom-ref": component.ref}
    group, name = _group(record.kind, record.name)
    if group:
        found["group"] = group
    found["name"] = name
    if record.version:
        found["version"] = record.version
    if record.supplier:
        found["supplier"] = {"name": record.supplier}
    if component.reach is Reach.NONE:
        found["scope"] = "excluded"
    licences = _licences(component.licence)
    if licences:
        found["licenses"] = licences
    if component.purl:
        found["purl"] = component.purl
    found["evidence"] = {"occurrences": [{"location": record.path}]}
    found["properties"] = _properties(component_properties(component))
    return found


def _group(kind: str, name: str) -> tuple[str, str]:
    """Return the group of a name that has one: of Maven, or a scope of npm."""
    separator = ":" if kind == "java" else "/" if kind == "npm" and name.startswith("@") else ""
    group, _, rest = name.partition(separator) if separator else ("", "", name)
    return (group, rest) if rest else ("", name)


def _licences(licence: Licence) -> list[dict[str, Any]]:
    if not licence.expression:
        return []
    if licence.single:
        return [{"license": {"id": licence.single}}]
    if len(licence.texts) == 1 and licence.texts[0][0] == licence.expression:
        return [{"license": {"name": licence.texts[0][1]}}]
    return [{"expression": licence.expression}]


def _properties(pairs: list[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]


def _dependencies(bom: Bom) -> Iterator[dict[str, Any]]:
    """Yield what is known to depend on something; the rest is not known to need nothing."""
    for subject in bom.subjects:
        for component in subject.components:
            if component.needs:
                needed = [subject.components[other].ref for other in component.needs]
                yield {"ref": component.ref, "dependsOn": needed}
