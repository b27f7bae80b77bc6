"""Reports that are attached to images in a real registry, which lists no referrers itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from e2e.command import Cli
from jettison.api.attached_report import REPORT_TYPE
from jettison.image.referrers import attach
from jettison.oci.digest import sha256_digest
from jettison.oci.manifest import Descriptor
from jettison.oci.mediatype import OCI_INDEX
from jettison.oci.reference import parse_reference
from jettison.registry.client import RegistryClient
from jettison.registry.upload import Uploader
from jettison.settings import Settings
from registry_server import RegistryServer

DOCKERFILE = "FROM box AS builder\nRUN echo 12345 > /app\nFROM box\nCOPY --from=builder /app /\n"


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[RegistryServer]:
    with RegistryServer(tmp_path / "registry") as server:
        yield server


@pytest.fixture
def client() -> Iterator[RegistryClient]:
    with RegistryClient.of_user(Settings(ca_bundle="none"), {}) as made:
        yield made


@pytest.fixture
def pushed(cli: Cli, registry: RegistryServer) -> Callable[[str], str]:
    """A function that builds, pushes and reports an image of another content each time."""

    def push(content: str) -> str:
        name = f"{registry.host}/team/app:1"
        text = DOCKERFILE.replace("12345", content)
        cli("build", "--push", "--report=attach", "-t", name, cli.context({"Dockerfile": text}))
        return name

    return push


def test_a_report_is_shown_where_the_image_is_not(
    cli: Cli, pushed: Callable[[str], str], client: RegistryClient
) -> None:
    name = pushed("12345")
    own = json.loads(cli("report", "--report=json", name).stdout)
    other = cli.with_store("elsewhere")
    found = json.loads(other("report", "--report=json", name).stdout)
    sums = ("name", "added", "reached", "left")
    assert [[each[key] for key in sums] for each in found["stages"]] == [
        [each[key] for key in sums] for each in own["stages"]
    ]
    assert found["stages"][0]["steps"][0]["why"]["cause"] == "first-build"  # the build's own
    manifest = client.resolve(parse_reference(name))
    assert manifest is not None
    assert found["image"]["digest"] == manifest.digest
    assert "builder" in other("report", name).stdout
    pushed("another")
    later = json.loads(other("report", "--report=json", name).stdout)
    assert later["image"]["id"] != found["image"]["id"]


def test_one_report_of_an_image_is_kept(
    pushed: Callable[[str], str], client: RegistryClient
) -> None:
    name = parse_reference(pushed("12345"))
    pushed("12345")
    subject = client.resolve(name)
    assert subject is not None
    place = parse_reference(f"{name.name}:{subject.digest.replace(':', '-')}")
    listed = client.manifest(place)
    assert listed is not None
    (only,) = json.loads(listed.data)["manifests"]
    assert only["artifactType"] == REPORT_TYPE


def test_what_is_no_report_is_an_error(
    cli: Cli, pushed: Callable[[str], str], client: RegistryClient
) -> None:
    name = parse_reference(pushed("12345"))
    subject = client.resolve(name)
    assert subject is not None
    other = cli.with_store("hostile")
    for data in (b"{", b"[]", b'{"image":1}', b"[" * 100_000, b"\xff"):
        attach(client, name, subject, REPORT_TYPE, data)
        said = other.attempt("report", str(name))
        assert said.returncode == 4, said.stderr
        assert "as its report is none" in said.stderr
    lie = Descriptor(subject.media_type, sha256_digest(b"x"), subject.size)
    attach(client, name, lie, REPORT_TYPE, b"{}")
    uploader = Uploader(client, name)
    tag, wrong = (each.digest.replace(":", "-") for each in (subject, lie))
    index = client.manifest(parse_reference(f"{name.name}:{wrong}"))
    assert index is not None
    uploader.manifest(tag, OCI_INDEX, index.data)
    said = other.attempt("report", str(name))
    assert said.returncode == 4
    assert "is not its subject" in said.stderr


def test_an_image_without_a_report_says_how_to_get_one(cli: Cli, registry: RegistryServer) -> None:
    name = f"{registry.host}/team/plain:1"
    cli(
        "build",
        "-q",
        "--push",
        "-t",
        name,
        cli.context({"Dockerfile": "FROM scratch\nCOPY Dockerfile /\n"}),
    )
    other = cli.with_store("elsewhere")
    said = other.attempt("report", name)
    assert said.returncode != 0
    assert "has no report in its registry" in said.stderr
    assert "--report=attach" in said.stderr
    assert "no image" in other.attempt("report", f"{registry.host}/team/none:1").stderr
    said = cli.attempt("build", "--report=attach", cli.context({"Dockerfile": "FROM scratch\n"}))
    assert said.returncode == 125
    assert "add `--push`" in said.stderr
