"""Builds for several platforms: what they share, what they make, and what a name stands for."""

from __future__ import annotations

import json
import tarfile

import pytest

from jettison.api.build import build
from jettison.api.compile import this_platform
from jettison.api.images import (
    chosen_image,
    chosen_images,
    image_history,
    inspect_image,
    list_images,
    remove_images,
    require_only_platform,
    tag_image,
)
from jettison.api.request import BuildRequest
from jettison.api.session import Session
from jettison.api.transfer import load, save
from jettison.errors import PlatformNotFoundError, UsageError
from jettison.events import PlanReady, VertexEnded, Warned
from jettison.exporter.outputs import DockerOutput, LocalOutput, OciOutput, TarOutput
from jettison.oci.codec import decode
from jettison.oci.config import ImageConfig
from jettison.oci.platform import Platform
from jettison.settings import load_settings

TEXT = """FROM scratch AS shared
COPY one /one
FROM scratch
ARG TARGETPLATFORM TARGETARCH
COPY --from=shared /one /$TARGETARCH
LABEL platform=$TARGETPLATFORM
"""
THREE = ("linux/amd64", "linux/arm64", "linux/arm/v7")


class Builds:
    """A session with a small build context."""

    def __init__(self, session, place):
        self.session = session
        self.place = place
        self.events = []

    def __call__(self, *platforms, **options):
        self.events = []
        request = BuildRequest(context=str(self.place), platforms=platforms, **options)
        return build(self.session, request, self.events.append)

    def ended(self):
        return [each.name for each in self.events if isinstance(each, VertexEnded)]

    def config(self, image_id):
        return decode(ImageConfig, self.session.store.images.get(image_id).config)


@pytest.fixture
def builds(tmp_path):
    environ = {"PATH": "/nowhere", "HOME": str(tmp_path)}
    settings = load_settings(environ, root=str(tmp_path / "store"))
    place = tmp_path / "context"
    place.mkdir()
    (place / "Dockerfile").write_text(TEXT)
    (place / "one").write_text("1\n")
    with Session.open(settings, environ) as session:
        yield Builds(session, place)


def test_each_platform_gets_an_image_and_what_they_share_is_built_once(builds):
    result = builds(*THREE, tags=("app",))
    assert list(result.images) == list(THREE)
    assert result.executed == 4  # one in the stage that they share, one for each image
    for platform, image in result.images.items():
        config = builds.config(image)
        assert config.config.labels == {"platform": platform}
        found = Platform(config.architecture, config.os, config.variant)
        assert str(found) == platform
    again = builds(*THREE, tags=("app",))
    assert (again.executed, again.cached, again.images) == (0, 4, result.images)


def test_steps_are_named_by_their_platform_as_docker_names_them(builds):
    builds("linux/amd64", "linux/arm/v7")
    names = builds.ended()
    assert "[linux/amd64 shared 1/1] COPY one /one" in names
    assert "[linux/amd64 stage-1 1/1] COPY --from=shared /one /amd64" in names
    assert "[linux/arm/v7 stage-1 1/1] COPY --from=shared /one /arm" in names
    builds("linux/arm64")
    assert "[stage-1 1/1] COPY --from=shared /one /arm64" in builds.ended()
    plans = [each for each in builds.events if isinstance(each, PlanReady)]
    assert len(plans) == 1


def test_the_same_platform_twice_is_one(builds):
    result = builds("linux/amd64", "x86_64", "linux/arm64/v8", "arm64")
    assert list(result.images) == ["linux/amd64", "linux/arm64"]


def test_a_name_stands_for_all_and_points_at_that_of_this_machine(builds):
    here = str(this_platform())
    other = "linux/s390x"
    result = builds(other, here, tags=("app",))
    store = builds.session.store.images
    assert store.lookup("docker.io/library/app:latest").id == result.images[here]
    assert result.image_id == result.images[here]
    assert [each.id for each in store.named("docker.io/library/app:latest")] == [
        result.images[other],
        result.images[here],
    ]
    rows = list_images(builds.session)
    assert [(row.repository, row.id) for row in rows] == [("app", result.images[here])]
    assert inspect_image(builds.session, "app")["Id"] == result.images[here]
    assert inspect_image(builds.session, "app", other)["Architecture"] == "s390x"
    assert image_history(builds.session, "app", other)[0].id == result.images[other]
    assert len(chosen_images(builds.session, "app")) == 2
    with pytest.raises(PlatformNotFoundError, match="for `linux/s390x`"):
        chosen_image(builds.session, "app", "linux/riscv64")


def test_names_are_given_and_removed_for_all_platforms(builds):
    result = builds(*THREE, tags=("app",))
    tag_image(builds.session, "app", "b")
    assert len(chosen_images(builds.session, "b")) == 3
    with pytest.raises(UsageError, match="several platforms"):
        require_only_platform(builds.session, "b", "linux/arm64")
    assert remove_images(builds.session, ["app"]) == ["Untagged: app:latest"]
    lines = remove_images(builds.session, ["b"])
    assert lines[0] == "Untagged: b:latest"
    assert {*lines[1:]} == {f"Deleted: {each}" for each in result.images.values()}
    assert builds.session.store.images.all() == []


def test_a_name_of_one_platform_forgets_the_others(builds):
    builds(*THREE, tags=("app",))
    result = builds("linux/arm64", tags=("app",))
    assert [each.id for each in chosen_images(builds.session, "app")] == [result.image_id]


def test_a_build_on_it_takes_the_image_of_its_platform(builds):
    builds(*THREE, tags=("app",))
    (builds.place / "Dockerfile").write_text("FROM app\nLABEL on=app\n")
    result = builds(*THREE)
    for platform, image in result.images.items():
        assert builds.config(image).config.labels == {"platform": platform, "on": "app"}


def test_an_archive_holds_an_index_and_a_directory_one_for_each(builds, tmp_path):
    output = OciOutput(dest=str(tmp_path / "layout"), tar=False)
    local = LocalOutput(dest=str(tmp_path / "files"))
    result = builds(*THREE, outputs=(output, local))
    (entry,) = json.loads((tmp_path / "layout/index.json").read_text())["manifests"]
    assert entry["digest"] == result.manifest
    digest = entry["digest"].removeprefix("sha256:")
    index = json.loads((tmp_path / "layout/blobs/sha256" / digest).read_text())
    found = [each["platform"] for each in index["manifests"]]
    assert [each["architecture"] for each in found] == ["amd64", "arm64", "arm"]
    assert found[2]["variant"] == "v7"
    assert {
        str(each.relative_to(tmp_path / "files")) for each in (tmp_path / "files").glob("*/*")
    } == {
        "linux_amd64/amd64",
        "linux_arm64/arm64",
        "linux_arm_v7/arm",
    }


def test_what_is_saved_has_all_and_docker_sees_that_of_this_machine(builds, tmp_path):
    here, other = str(this_platform()), "linux/s390x"
    result = builds(other, here, tags=("app",))
    archive = str(tmp_path / "app.tar")
    save(builds.session, ["app"], archive)
    with tarfile.open(archive) as opened:
        (entry,) = json.load(opened.extractfile("manifest.json"))
        (named,) = json.load(opened.extractfile("index.json"))["manifests"]
    assert entry["Config"].endswith(result.images[here].removeprefix("sha256:"))
    assert named["mediaType"].endswith("image.index.v1+json")
    remove_images(builds.session, ["app"])
    load(builds.session, archive, other)
    assert chosen_image(builds.session, "app").id == result.images[other]
    save(builds.session, ["app"], archive, other)
    with pytest.raises(PlatformNotFoundError):
        save(builds.session, ["app"], archive, "linux/riscv64")


def test_a_tar_has_a_directory_for_each(builds, tmp_path):
    builds(*THREE, outputs=(TarOutput(dest=str(tmp_path / "x.tar")),))
    with tarfile.open(tmp_path / "x.tar") as opened:
        names = {each.name.strip("./") for each in opened if each.isfile()}
    assert names == {"linux_amd64/amd64", "linux_arm64/arm64", "linux_arm_v7/arm"}


def test_docker_archives_are_refused_before_anything_is_built(builds, tmp_path):
    output = DockerOutput(dest=str(tmp_path / "x.tar"))
    with pytest.raises(UsageError, match="one platform each"):
        builds(*THREE, outputs=(output,))
    assert builds.ended() == []


def test_findings_of_all_platforms_are_told_once(builds):
    text = 'FROM scratch\nARG TARGETARCH\nCOPY one /$TARGETARCH\nENTRYPOINT ["/amd64"]\n'
    (builds.place / "Dockerfile").write_text(text)
    result = builds("linux/amd64", "linux/arm64")
    told = [
        (each.message, each.span)
        for each in builds.events
        if isinstance(each, Warned) and each.rule
    ]
    assert len(told) == len(set(told))
    others = [each for each in result.findings if each.detail.startswith("linux/arm64: ")]
    assert any("/amd64" in each.detail for each in others)
    assert not [each for each in result.findings if each.detail.startswith("linux/amd64: ")]


def test_a_platform_that_is_none_is_refused(builds):
    with pytest.raises(UsageError, match="not a platform"):
        builds("linux/amd64", "a/b/c/d")
