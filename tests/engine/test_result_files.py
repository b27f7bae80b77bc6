"""What ``--metadata-file`` and ``--iidfile`` say of a build."""

from __future__ import annotations

import hashlib
import json
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from host_tools import tool
from registry_server import RegistryServer
from scratch_rig import Scratch

TEXT = "FROM busybox\nRUN echo 12345 >/file\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scratch]:
    made = Scratch(tmp_path_factory.mktemp("results"), tool("busybox"))
    yield made
    shutil.rmtree(made.directory, ignore_errors=True)


def facts_of(place: Scratch, text: str, *flags: str, base: bool = True) -> dict[str, Any]:
    told = place.directory / "facts.json"
    done = place.build(text, "--metadata-file", str(told), *flags, base=base)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(told.read_text()))


def test_the_keys_are_buildx_s_and_say_what_was_written(place: Scratch) -> None:
    out = place.directory / "layout"
    facts = facts_of(place, TEXT, "-t", "app", "-o", f"type=oci,tar=false,dest={out},name=other:1")
    descriptor = facts["containerimage.descriptor"]
    data = (out / "blobs" / descriptor["digest"].replace(":", "/")).read_bytes()
    assert descriptor["digest"] == facts["containerimage.digest"]
    assert descriptor["digest"] == f"sha256:{hashlib.sha256(data).hexdigest()}"
    assert descriptor["size"] == len(data)
    assert descriptor["mediaType"] == json.loads(data)["mediaType"]
    assert json.loads(data)["config"]["digest"] == facts["containerimage.config.digest"]
    assert facts["image.name"] == "docker.io/library/app:latest,docker.io/library/other:1"


def test_what_did_not_happen_has_no_key(place: Scratch) -> None:
    facts = facts_of(place, TEXT)
    again = facts_of(place, TEXT)
    assert not {"containerimage.descriptor", "containerimage.digest", "image.name"} & facts.keys()
    assert facts["buildx.build.ref"].startswith("default/default/")
    assert facts["buildx.build.ref"] != again["buildx.build.ref"]
    assert facts["containerimage.config.digest"] == again["containerimage.config.digest"]


def test_the_size_counts_layers_that_were_never_unpacked(place: Scratch) -> None:
    layout = place.directory / "base"
    facts_of(place, TEXT, "-o", f"type=oci,tar=false,dest={layout}")
    fresh = Scratch(place.directory / "fresh", str(place.context / "busybox"))
    context = f"base=oci-layout://{layout}"
    text = "FROM base\nENV A=b\n"
    facts = facts_of(fresh, text, "--build-context", context, base=False)["jettison"]
    (final,) = (each for each in facts["stages"] if each["final"])
    assert facts["size_bytes"] == final["size_bytes"]
    blobs = [path.stat().st_size for path in (layout / "blobs/sha256").iterdir()]
    assert facts["size_bytes"] >= max(blobs)


def test_one_stage_is_the_final_one(place: Scratch) -> None:
    facts = facts_of(
        place,
        "FROM busybox AS first\nRUN echo 12345 >/file\nFROM first AS alias\n",
        "--target",
        "alias",
    )["jettison"]
    assert [each["name"] for each in facts["stages"] if each["final"]] == ["alias"]
    assert facts["size_bytes"] > 6


def test_a_build_that_fails_leaves_no_old_id(place: Scratch, tmp_path: Path) -> None:
    iidfile = tmp_path / "id"
    assert place.build(TEXT, "--iidfile", iidfile).returncode == 0
    assert iidfile.read_text().startswith("sha256:")
    assert place.build("FROM busybox\nRUN false\n", "--iidfile", iidfile).returncode == 1
    assert not iidfile.exists()


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    with RegistryServer(tmp_path_factory.mktemp("registry")) as server:
        yield server


def asked(registry: RegistryServer, path: str) -> dict[str, Any]:
    types = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json"
    request = urllib.request.Request(f"http://{registry.host}/v2/{path}", headers={"Accept": types})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return dict(json.load(answer))


def test_names_and_annotations_are_those_of_the_registry(
    place: Scratch, registry: RegistryServer
) -> None:
    flags = ("-t", f"{registry.host}/app:1", "--push", "--annotation", "index:of=index")
    notes = ",annotation.of=manifest,annotation-manifest-descriptor[linux/amd64].of=descriptor"
    output = f"type=image,name-canonical=true{notes},annotation-index-descriptor.of=nothing"
    facts = facts_of(place, TEXT, *flags, "-o", output)
    digest = facts["containerimage.digest"]
    names = facts["image.name"].split(",")
    assert names == [f"{registry.host}/app:1", f"{registry.host}/app@{digest}"]
    index = asked(registry, "app/manifests/1")
    assert index["annotations"] == {"of": "index"}
    (entry,) = index["manifests"]
    assert entry["annotations"] == {"of": "descriptor"}
    assert asked(registry, f"app/manifests/{entry['digest']}")["annotations"] == {"of": "manifest"}
    assert facts["containerimage.descriptor"]["mediaType"].endswith("index.v1+json")
    done = place.build(TEXT, *flags, "-o", output)
    assert "annotations are left out: of index-descriptor" in done.stderr


def test_an_image_without_a_name_is_pushed_by_its_digest(
    place: Scratch, registry: RegistryServer
) -> None:
    output = (
        f"type=registry,dangling-name-prefix={registry.host}/loose,danging-name-empty-only=true"
    )
    facts = facts_of(place, TEXT, "-o", output)
    digest = facts["containerimage.digest"]
    assert facts["image.name"] == f"{registry.host}/loose@{digest}"
    manifest = asked(registry, f"loose/manifests/{digest}")
    assert manifest["config"]["digest"] == facts["containerimage.config.digest"]
    with pytest.raises(urllib.error.HTTPError):
        asked(registry, "loose/manifests/latest")
    output = f"type=registry,name={registry.host}/digest:1,push-by-digest=true"
    facts = facts_of(place, TEXT, "-o", output)
    assert facts["image.name"] == f"{registry.host}/digest@{digest}"
    with pytest.raises(urllib.error.HTTPError):
        asked(registry, "digest/manifests/1")


def test_annotations_of_what_has_no_manifest_are_refused(place: Scratch) -> None:
    done = place.build(TEXT, "-o", "type=image,name=a,annotation.x=y")
    assert done.returncode == 125
    assert "an image of the store has none" in done.stderr
