"""SPDX 2.3 as JSON.

In:  a ``Bom``.
Out: the document as pieces of bytes.

What SPDX has no field for is in ``comment`` of a package, a line each: ``jettison:reached=part``.

Source: SPDX 2.3, clauses 6 (document), 7 (packages), 10 (other licences), 11 (relationships).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from jettison.sbom.document import document_uuid, json_lines
from jettison.sbom.licence_ids import LIST_VERSION
from jettison.sbom.model import Bom, Component, Subject
from jettison.sbom.properties import component_properties, subject_properties

PREDICATE_TYPE = "https://spdx.dev/Document"
"""What in-toto statements call such a document."""

_NOTHING = "NOASSERTION"
_EPOCH = "1970-01-01T00:00:00Z"
_PURPOSES = {"image": "CONTAINER", "stage": "CONTAINER", "directory": "OTHER"}


def spdx_document(bom: Bom) -> Iterator[bytes]:
    """Yield the document."""
    identity = document_uuid(bom, "spdx-2.3")
    name = re.sub(r"[^A-Za-z0-9.-]+", "-", bom.name).strip("-")
    creation: dict[str, Any] = {
        "created": bom.created or _EPOCH,
        "creators": [f"Tool: jettison-{bom.version}"],
        "licenseListVersion": LIST_VERSION,
    }
    notes = [f"not read: {path}: {why}" for subject in bom.subjects for path, why in subject.notes]
    if notes:
        creation["comment"] = "\n".join(notes)
    texts = _licence_texts(bom)
    return json_lines(
        [
            ("spdxVersion", "SPDX-2.3"),
            ("dataLicense", "CC0-1.0"),
            ("SPDXID", "SPDXRef-DOCUMENT"),
            ("name", bom.name),
            ("documentNamespace", f"https://spdx.org/spdxdocs/{name}-{identity}"),
            ("creationInfo", creation),
            ("documentDescribes", [_id(each.ref) for each in bom.subjects]),
            *([("hasExtractedLicensingInfos", iter(texts))] if texts else []),
            ("packages", _packages(bom)),
            ("relationships", _relationships(bom)),
        ]
    )


def _id(ref: str) -> str:
    return f"SPDXRef-{ref}"


def _licence_texts(bom: Bom) -> list[dict[str, str]]:
    found = {
        name: text
        for subject in bom.subjects
        for component in subject.components
        for name, text in component.licence.texts
    }
    return [{"licenseId": name, "extractedText": found[name]} for name in sorted(found)]


def _packages(bom: Bom) -> Iterator[dict[str, Any]]:
    for subject in bom.subjects:
        yield _subject(subject)
        for number, digest in enumerate(subject.layers):
            yield _layer(subject, number, digest)
        if subject.distribution.id:
            yield _distribution(subject)
        for component in subject.components:
            yield _package(component)


def _subject(subject: Subject) -> dict[str, Any]:
    found = _named(subject.ref, subject.name, subject.version, _PURPOSES[subject.kind])
    if subject.digest:
        found["checksums"] = [{"algorithm": "SHA256", "checksumValue": subject.digest}]
    return _with(found, subject.purl, subject_properties(subject))


def _layer(subject: Subject, number: int, digest: str) -> dict[str, Any]:
    name = f"{subject.name}: layer {number + 1}"
    found = _named(f"{subject.ref}-layer-{number + 1}", name, "", "ARCHIVE")
    if digest:
        found["checksums"] = [{"algorithm": "SHA256", "checksumValue": digest}]
    return found


def _distribution(subject: Subject) -> dict[str, Any]:
    known = subject.distribution
    return _named(f"{subject.ref}-os", known.id, known.version_id, "OPERATING_SYSTEM")


def _package(component: Component) -> dict[str, Any]:
    record = component.record
    found = _named(component.ref, record.name, record.version, "")
    found["licenseDeclared"] = component.licence.expression or _NOTHING
    if record.supplier:
        found["supplier"] = _supplier(record.supplier)
    if record.source or record.source_version:
        source = " ".join(filter(None, (record.source or record.name, record.source_version)))
        found["sourceInfo"] = f"built from the source package {source}; known from {record.path}"
    else:
        found["sourceInfo"] = f"known from {record.path}"
    return _with(found, component.purl, component_properties(component))


def _named(ref: str, name: str, version: str, purpose: str) -> dict[str, Any]:
    found: dict[str, Any] = {"SPDXID": _id(ref), "name": name}
    if version:
        found["versionInfo"] = version
    found["downloadLocation"] = _NOTHING
    found["filesAnalyzed"] = False
    found["licenseConcluded"] = found["licenseDeclared"] = found["copyrightText"] = _NOTHING
    if purpose:
        found["primaryPackagePurpose"] = purpose
    return found


def _with(found: dict[str, Any], purl: str, properties: list[tuple[str, str]]) -> dict[str, Any]:
    if purl:
        found["externalRefs"] = [
            {
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": purl,
            }
        ]
    if properties:
        found["comment"] = "\n".join(f"{name}={value}" for name, value in properties)
    return found


def _supplier(name: str) -> str:
    """Return a supplier as SPDX writes it: ``Person: Jane (jane@example.com)``."""
    who, _, rest = name.partition("<")
    address = rest.rstrip(">").strip()
    if not address:
        return f"Organization: {name.strip()}"
    return f"Person: {who.strip()} ({address})" if who.strip() else f"Person: {address}"


def _relationships(bom: Bom) -> Iterator[dict[str, str]]:
    for subject in bom.subjects:
        yield _related("DOCUMENT", "DESCRIBES", subject.ref)
        for number in range(len(subject.layers)):
            yield _related(subject.ref, "CONTAINS", f"{subject.ref}-layer-{number + 1}")
        if subject.distribution.id:
            yield _related(subject.ref, "CONTAINS", f"{subject.ref}-os")
        for component in subject.components:
            declared = component.record.is_declared
            how = "DEPENDS_ON" if declared else "CONTAINS"
            yield _related(subject.ref, how, component.ref)
        for component in subject.components:
            for other in component.needs:
                yield _related(component.ref, "DEPENDS_ON", subject.components[other].ref)


def _related(one: str, how: str, other: str) -> dict[str, str]:
    return {
        "spdxElementId": _id(one),
        "relationshipType": how,
        "relatedSpdxElement": _id(other),
    }
