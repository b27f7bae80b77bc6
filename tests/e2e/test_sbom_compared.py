"""What ``jettison sbom`` lists is what the package managers in the images list themselves."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from e2e.rig import Jettison
from unit.sbom.test_sbom_documents import valid

pytestmark = [pytest.mark.needs_network, pytest.mark.slow, pytest.mark.xdist_group("bases")]

Json = dict[str, Any]
DPKG = "dpkg-query -W -f '${db:Status-Status} ${Package} ${Version} ${Architecture}\\n'"


def components(jettison: Jettison, image: str, kind: str) -> list[Json]:
    said = jettison("sbom", "--format", "cyclonedx-json", image).stdout
    document = valid("bom-1.6.schema.json", json.loads(said))
    wanted = {"name": "jettison:kind", "value": kind}
    return [each for each in document["components"] if wanted in each.get("properties", [])]


def versions(found: list[Json]) -> set[tuple[str, str]]:
    return {
        (f"{e['group']}/{e['name']}" if "group" in e else e["name"], e["version"]) for e in found
    }


def said(jettison: Jettison, image: str, *argv: str) -> str:
    return jettison("run", "--rm", "--network", "none", image, *argv).stdout


def test_of_debian_as_dpkg_query(jettison: Jettison, bases: Callable[..., None]) -> None:
    bases("python:3.11-slim")
    found = components(jettison, "python:3.11-slim", "deb")
    listed = [
        line.split() for line in said(jettison, "python:3.11-slim", "sh", "-c", DPKG).splitlines()
    ]
    expected = {
        (name, version, arch) for status, name, version, arch in listed if status == "installed"
    }
    assert len(expected) > 50
    purl = re.compile(r"[?&]arch=([^&]+)")
    assert {(e["name"], e["version"], purl.search(e["purl"])[1]) for e in found} == expected  # type: ignore[index]
    assert all("&distro=debian-12" in each["purl"] for each in found)
    declared = [each for each in found if each.get("licenses")]
    assert len(declared) > len(found) / 2


def test_of_python_as_pip(jettison: Jettison, bases: Callable[..., None]) -> None:
    bases("python:3.11-slim")
    found = versions(components(jettison, "python:3.11-slim", "python"))
    listed = json.loads(said(jettison, "python:3.11-slim", "pip", "list", "--format", "json"))
    assert listed
    assert found == {(each["name"], each["version"]) for each in listed}
    valid(
        "spdx-2.3.schema.json",
        json.loads(jettison("sbom", "--format", "spdx-json", "python:3.11-slim").stdout),
    )


def test_of_node_as_npm(jettison: Jettison, bases: Callable[..., None]) -> None:
    bases("node:20-alpine")
    found = versions(components(jettison, "node:20-alpine", "npm"))
    listed = said(jettison, "node:20-alpine", "npm", "ls", "--global", "--all", "--json", "--long")
    expected: set[tuple[str, str]] = set()
    pending = [json.loads(listed)]
    while pending:
        for name, each in pending.pop().get("dependencies", {}).items():
            if "version" in each:
                # A directory may have another name than the package in it.
                expected.add((each.get("name", name), each["version"]))
            pending.append(each)
    assert len(expected) > 100
    assert found == expected
