"""Documents of every kind of package, against the official schemas, and what they say."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft7Validator, FormatChecker
from referencing import Registry, Resource

from jettison.analysis.files import Files
from jettison.analysis.rootfs import Rootfs
from jettison.sbom.cyclonedx import cyclonedx_document
from jettison.sbom.describe import described
from jettison.sbom.document import document_uuid
from jettison.sbom.model import Bom, Reach, Subject
from jettison.sbom.spdx import spdx_document
from jettison.sbom.table import sbom_table
from unit.analysis.test_package_records import NPM_3, jar, pom
from unit.analysis.tree_rig import files_of

SCHEMAS = Path(__file__).parent / "schemas"
Json = dict[str, Any]

STATUS = """Package: bash
Status: install ok installed
Version: 5.2.15-2+b2
Architecture: amd64
Maintainer: Matthias Klose <doko@example.org>
Source: bash (5.2.15-2)
Depends: libc6 (>= 2.36), gone

Package: libc6
Status: install ok installed
Version: 2.36-9
Architecture: amd64
Source: glibc
"""
COPYRIGHT = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
License: GPL-3+

Files: lib/*
License: odd-one or Expat
"""
TREE: dict[str, bytes | str] = {
    "etc/os-release": 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
    "var/lib/dpkg/status": STATUS,
    "var/lib/dpkg/info/bash.list": "/bin/bash\n/usr/share/doc/bash/copyright\n",
    "bin/bash": "12345",
    "usr/share/doc/bash/copyright": COPYRIGHT,
    "app/node_modules/@s/a/package.json": (
        '{"name": "@s/a", "version": "1.0.0", "license": "MIT", "dependencies": {"b": "1"}}'
    ),
    "app/node_modules/b/package.json": '{"name": "b", "version": "2.0.0", "license": "ISC OR MIT"}',
    "x/node_modules/b/package.json": '{"name": "b", "version": "2.0.0", "license": "ISC OR MIT"}',
    "opt/lib.jar": jar(pom("org.x", "core", "1.2")),
    "src/package-lock.json": NPM_3,
    "usr/lib/python3/odd-1.dist-info/METADATA": "Name: odd\nVersion: 1\nLicense: My very own\n",
    "var/lib/rpm/Packages": b"damaged",
}
REACHED = frozenset({"/bin/bash", "/app/node_modules/b/package.json", "/opt/lib.jar"})


def tree(root: Path) -> Files:
    return files_of(root, TREE)


@pytest.fixture
def image(tmp_path: Path) -> Bom:
    subject = Subject(
        ref="image",
        name="app:1",
        kind="image",
        version="sha256:" + "0" * 64,
        purl="pkg:oci/app@sha256:" + "1" * 64,
        digest="1" * 64,
        layers=("2" * 64, ""),
    )
    found = described(subject, Rootfs(tree(tmp_path)), origin=lambda _: ("builder", 7))
    return Bom("app:1", "2026-01-02T03:04:05Z", "1.0", (found,))


@pytest.fixture
def stage(tmp_path: Path) -> Bom:
    subject = Subject("stage0", "app:1 (stage builder)", "stage", "builder")
    found = described(subject, Rootfs(tree(tmp_path)), reached=REACHED)
    return Bom(subject.name, "", "1.0", (found,))


@pytest.fixture
def both(image: Bom, stage: Bom) -> Bom:
    return msgspec.structs.replace(image, subjects=(*image.subjects, *stage.subjects))


def text(pieces: Any) -> str:
    return b"".join(pieces).decode()


@cache
def validator(name: str) -> Draft7Validator:
    known = {path.name: json.loads(path.read_text()) for path in SCHEMAS.glob("*.json")}
    registry: Registry[Any] = Registry().with_resources(
        (schema["$id"], Resource.from_contents(schema)) for schema in known.values()
    )
    return Draft7Validator(known[name], registry=registry, format_checker=FormatChecker())


def valid(name: str, document: Json) -> Json:
    errors = [
        f"{'/'.join(map(str, each.absolute_path))}: {each.message[:300]}"
        for each in validator(name).iter_errors(document)
    ]
    assert errors == []
    return document


@pytest.mark.parametrize("name", ["image", "stage", "both"])
def test_spdx_fits_its_schema_and_names_only_what_is_in_it(name, request) -> None:
    bom = request.getfixturevalue(name)
    found = valid("spdx-2.3.schema.json", json.loads(text(spdx_document(bom))))
    ids = [each["SPDXID"] for each in found["packages"]]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", each) for each in ids)
    known = {*ids, "SPDXRef-DOCUMENT"}
    for each in found["relationships"]:
        assert {each["spdxElementId"], each["relatedSpdxElement"]} <= known
    named = {each["licenseId"] for each in found["hasExtractedLicensingInfos"]}
    used = re.findall(
        r"LicenseRef-[\w.-]+", " ".join(e["licenseDeclared"] for e in found["packages"])
    )
    assert set(used) == named
    assert re.fullmatch(r"https://spdx\.org/spdxdocs/[A-Za-z0-9.-]+", found["documentNamespace"])


@pytest.mark.parametrize("name", ["image", "stage", "both"])
def test_cyclonedx_fits_its_schema_and_names_only_what_is_in_it(name, request) -> None:
    bom = request.getfixturevalue(name)
    found = valid("bom-1.6.schema.json", json.loads(text(cyclonedx_document(bom))))

    def refs(components: list[Json]) -> list[str]:
        return [
            ref
            for each in components
            for ref in (each["bom-ref"], *refs(each.get("components", [])))
        ]

    known = refs(found["components"])
    assert len(set(known)) == len(known)
    for each in found["dependencies"]:
        assert {each["ref"], *each["dependsOn"]} <= set(known)


def test_a_schema_finds_what_is_wrong(image: Bom) -> None:
    spdx = json.loads(text(spdx_document(image)))
    del spdx["packages"][0]["SPDXID"]
    assert not validator("spdx-2.3.schema.json").is_valid(spdx)
    cyclonedx = json.loads(text(cyclonedx_document(image)))
    cyclonedx["components"][1]["licenses"] = [{"license": {"id": "My-own"}}]
    assert not validator("bom-1.6.schema.json").is_valid(cyclonedx)


def spdx_package(found: Json, name: str, version: str) -> Json:
    (one,) = [e for e in found["packages"] if (e["name"], e.get("versionInfo")) == (name, version)]
    return one


def test_what_spdx_says_of_a_package(image: Bom) -> None:
    found = json.loads(text(spdx_document(image)))
    bash = spdx_package(found, "bash", "5.2.15-2+b2")
    assert bash["licenseDeclared"] == "GPL-3.0-or-later AND (LicenseRef-odd-one OR MIT)"
    assert bash["supplier"] == "Person: Matthias Klose (doko@example.org)"
    assert bash["sourceInfo"].startswith("built from the source package bash 5.2.15-2;")
    assert bash["externalRefs"] == [
        {
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": (
                "pkg:deb/debian/bash@5.2.15-2%2Bb2?arch=amd64&distro=debian-12&upstream=bash%405.2.15-2"
            ),
        }
    ]
    libc = spdx_package(found, "libc6", "2.36-9")
    related = [
        (each["relatedSpdxElement"], each["relationshipType"])
        for each in found["relationships"]
        if each["spdxElementId"] == bash["SPDXID"]
    ]
    assert related == [(libc["SPDXID"], "DEPENDS_ON")]
    top = found["packages"][0]
    assert top["checksums"] == [{"algorithm": "SHA256", "checksumValue": "1" * 64}]
    layer = found["packages"][1]
    assert layer["checksums"][0]["checksumValue"] == "2" * 64
    assert found["documentDescribes"] == [top["SPDXID"]]
    assert "jettison:from=builder\njettison:line=7" in bash["comment"]
    assert "not read: /var/lib/rpm/Packages: damaged" in found["creationInfo"]["comment"]
    assert found["creationInfo"]["created"] == "2026-01-02T03:04:05Z"
    declared = spdx_package(found, "js-tokens", "4.0.0")
    assert {
        "spdxElementId": top["SPDXID"],
        "relationshipType": "DEPENDS_ON",
        "relatedSpdxElement": declared["SPDXID"],
    } in found["relationships"]


def test_what_cyclonedx_says_of_a_package_of_a_stage(stage: Bom) -> None:
    found = json.loads(text(cyclonedx_document(stage)))
    by_name = {each["name"]: each for each in found["components"]}
    assert by_name["debian"]["type"] == "operating-system"
    scoped = by_name["a"]
    assert (scoped["group"], scoped["purl"]) == ("@s", "pkg:npm/%40s/a@1.0.0")
    assert scoped["scope"] == "excluded"
    assert scoped["licenses"] == [{"license": {"id": "MIT"}}]
    assert by_name["b"]["licenses"] == [{"expression": "ISC OR MIT"}]
    assert by_name["odd"]["licenses"] == [{"license": {"name": "My very own"}}]
    properties = {each["name"]: each["value"] for each in by_name["b"]["properties"]}
    assert properties["jettison:reached"] == "part"
    assert properties["jettison:places"] == "2"
    assert (by_name["core"]["group"], "scope" in by_name["core"]) == ("org.x", False)
    assert found["compositions"] == [{"aggregate": "incomplete", "assemblies": ["stage0"]}]
    needs = {each["ref"]: each["dependsOn"] for each in found["dependencies"]}
    assert needs[scoped["bom-ref"]] == [by_name["b"]["bom-ref"]]


def test_what_reached_the_image(stage: Bom) -> None:
    reached = {e.record.name: e.reach for e in stage.subjects[0].components}
    assert reached["bash"] is Reach.PART
    assert reached["libc6"] is Reach.NONE
    assert reached["org.x:core"] is Reach.ALL
    titles, rows = sbom_table(stage)
    assert titles == ("NAME", "VERSION", "TYPE", "IN IMAGE")
    assert ("bash", "5.2.15-2+b2", "deb", "1 of 2 files") in rows
    assert ("js-tokens", "4.0.0", "npm (declared)", "no") in rows


def test_tables_of_an_image_and_of_several(image: Bom, both: Bom) -> None:
    titles, rows = sbom_table(image)
    assert titles == ("NAME", "VERSION", "TYPE", "FROM")
    assert rows[0] == ("@babel/code-frame", "7.8.3", "npm (declared)", "builder:7")
    titles, rows = sbom_table(both)
    assert titles[0] == "STAGE"
    assert ("builder", "bash", "5.2.15-2+b2", "deb", "-", "1 of 2 files") in rows


def test_equal_content_is_an_equal_document_and_another_one_has_another_name(image: Bom) -> None:
    for write in (spdx_document, cyclonedx_document):
        assert text(write(image)) == text(write(image))
    (subject,) = image.subjects
    fewer = msgspec.structs.replace(subject, components=subject.components[1:])
    other = msgspec.structs.replace(image, subjects=(fewer,))
    assert document_uuid(image, "x") != document_uuid(other, "x")
    assert document_uuid(image, "x") != document_uuid(image, "y")
    assert re.fullmatch(
        r"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
        document_uuid(image, "x"),
    )


def test_an_empty_root_is_a_document_too(tmp_path: Path) -> None:
    subject = described(Subject("directory", "empty", "directory"), Rootfs(files_of(tmp_path, {})))
    bom = Bom("empty", "", "1.0", (subject,))
    assert (
        valid("bom-1.6.schema.json", json.loads(text(cyclonedx_document(bom))))["components"] == []
    )
    found = valid("spdx-2.3.schema.json", json.loads(text(spdx_document(bom))))
    assert found["creationInfo"]["created"] == "1970-01-01T00:00:00Z"
