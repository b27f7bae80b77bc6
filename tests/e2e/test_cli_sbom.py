"""``jettison sbom``: of images, stages, directories and registries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.command import Cli
from registry_server import RegistryServer

SITE = "usr/lib/python3/site-packages"
FILES = {
    "os-release": 'ID=debian\nVERSION_ID="12"\n',
    "status": (
        "Package: bash\nStatus: install ok installed\nVersion: 5.2\nArchitecture: amd64\nDepends: libc6\n"
        "\nPackage: libc6\nStatus: install ok installed\nVersion: 2.36\nArchitecture: amd64\n"
    ),
    "bash.list": "/usr/bin/bash\n/usr/bin/sh\n",
    "a/METADATA": "Metadata-Version: 2.1\nName: a\nVersion: 1.0\nLicense: MIT\n",
    "a/RECORD": "a.py,,\na-1.0.dist-info/METADATA,,\n",
    "a.py": "print(1)\n",
    "b/METADATA": "Metadata-Version: 2.1\nName: b\nVersion: 2.0\n",
}
TEXT = f"""\
FROM box AS common
COPY os-release /etc/os-release
FROM common AS builder
COPY status /var/lib/dpkg/status
COPY bash.list /var/lib/dpkg/info/bash.list
RUN echo one > /usr/bin/bash; echo two > /usr/bin/sh
COPY a/ /{SITE}/a-1.0.dist-info/
COPY a.py /{SITE}/
COPY b/ /{SITE}/b-2.0.dist-info/
FROM common
COPY --from=builder /usr/bin/bash /bin/bash2
COPY --from=builder /{SITE} /opt/site
RUN rm -r /opt/site/b-2.0.dist-info
"""
TEXT = TEXT.replace("RUN echo one", "RUN mkdir -p /usr/bin; echo one")


@pytest.fixture(scope="module")
def image(cli: Cli) -> str:
    cli("build", "-q", "-t", "described:1", cli.context({"Dockerfile": TEXT, **FILES}))
    return "described:1"


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    with RegistryServer(tmp_path / "registry") as server:
        yield server.host


def rows(said: str) -> list[list[str]]:
    return [line.split() for line in said.splitlines()[1:]]


def test_an_image_with_where_its_packages_came_from(cli: Cli, image: str) -> None:
    said = cli("sbom", image).stdout
    assert said.splitlines()[0].split() == ["NAME", "VERSION", "TYPE", "FROM"]
    assert rows(said) == [["a", "1.0", "python", "builder:8"]]


def test_a_stage_with_what_of_it_is_in_the_image(cli: Cli, image: str) -> None:
    expected = [
        ["a", "1.0", "python", "yes"],
        ["b", "2.0", "python", "no"],
        ["bash", "5.2", "deb", "1", "of", "2", "files"],
        ["libc6", "2.36", "deb", "no"],
    ]
    assert rows(cli("sbom", "--stage", "builder", image).stdout) == expected
    assert rows(cli("sbom", image, "--stage", "1").stdout) == expected
    every = rows(cli("sbom", "--all-stages", image).stdout)
    assert [row for row in every if row[0] == "builder"] == [["builder", *row] for row in expected]
    assert ["2", "a", "1.0", "python", "yes"] in every


def test_documents_are_the_same_wherever_they_are_made(cli: Cli, image: str) -> None:
    archive = cli.output()
    cli("save", "-o", archive, image)
    other = cli.with_store("store-sbom")
    other("load", "-i", archive)
    for form in ("spdx-json", "cyclonedx-json"):
        file = cli.output()
        cli("sbom", "--format", form, "-o", file, "--stage", "builder", image)
        again = cli("sbom", "--format", form, "--stage", "builder", image).stdout
        assert file.read_text() == again
        assert "bash" in again
    one, two = (
        json.loads(each("sbom", "--format", "spdx-json", image).stdout) for each in (cli, other)
    )
    names = [sorted(e["name"] for e in found["packages"]) for found in (one, two)]
    assert names[0] == names[1]
    said = other.attempt("sbom", "--stage", "builder", image)
    assert said.returncode == 125
    assert "it was not built here" in said.stderr


def test_an_image_of_a_registry_a_directory_and_a_layout(
    cli: Cli, image: str, registry: str
) -> None:
    name = f"{registry}/sbom/app:1"
    cli("tag", image, name)
    cli("push", "-q", name)
    pushed: dict[str, Any] = json.loads(cli("sbom", "--format", "cyclonedx-json", name).stdout)
    other = cli.with_store("store-sbom-pulled")
    found = json.loads(other("sbom", "--format", "cyclonedx-json", name).stdout)
    (component,) = [each for each in found["components"] if each["type"] == "library"]
    assert component["purl"] == "pkg:pypi/a@1.0"
    assert found["metadata"]["component"]["purl"].startswith("pkg:oci/app@sha256:")
    assert pushed["metadata"]["component"]["version"] == found["metadata"]["component"]["version"]
    tree = cli.output()
    cli("build", "-q", "-o", f"type=local,dest={tree}", cli.context({"Dockerfile": TEXT, **FILES}))
    layout = cli.output()
    cli(
        "build",
        "-q",
        "-o",
        f"type=oci,tar=false,dest={layout}",
        cli.context({"Dockerfile": TEXT, **FILES}),
    )
    for place in (str(tree), f"dir:{tree}", f"oci-layout://{layout}"):
        assert [row[:3] for row in rows(cli("sbom", place).stdout)] == [["a", "1.0", "python"]]


def test_an_image_without_layers_and_one_of_a_dockerfile_on_standard_input(cli: Cli) -> None:
    cli("build", "-q", "-t", "empty", cli.context({"Dockerfile": "FROM scratch\nENV A=1\n"}))
    assert rows(cli("sbom", "empty").stdout) == []
    text = "FROM box AS builder\nRUN mkdir /x\nFROM scratch\nCOPY --from=builder /bin /bin\n"
    cli("build", "-q", "-t", "given", "-", stdin=text.encode())
    assert rows(cli("sbom", "--stage", "builder", "given").stdout) == []


def test_errors_say_what_to_write(cli: Cli, image: str) -> None:
    said = cli.attempt("sbom", "--stage", "buildr", image)
    assert (said.returncode, said.stdout) == (125, "")
    assert "has no stage `buildr`" in said.stderr
    assert "did you mean `builder`?" in said.stderr
    assert "leave one out" in cli.attempt("sbom", "--stage", "1", "--all-stages", image).stderr
    assert "no directory" in cli.attempt("sbom", "./nowhere").stderr
    assert "cannot write" in cli.attempt("sbom", "-o", "/nowhere/x", image).stderr
    assert "a directory has no stages" in cli.attempt("sbom", "--stage", "x", ".").stderr


def test_what_cannot_be_read_is_said_and_noted(cli: Cli) -> None:
    text = "FROM box\nCOPY Packages /var/lib/rpm/Packages\n"
    cli("build", "-q", "-t", "damaged", cli.context({"Dockerfile": text, "Packages": "damaged"}))
    said = cli("sbom", "damaged")
    assert "WARN: damaged:latest: not read: /var/lib/rpm/Packages: damaged" in said.stderr
    assert cli("sbom", "-q", "damaged").stderr == ""
    found = json.loads(cli("sbom", "-q", "--format", "cyclonedx-json", "damaged").stdout)
    assert found["compositions"] == [{"aggregate": "incomplete", "assemblies": ["image"]}]
