"""What every engine promises: real ones get images, and run them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine_rig import Dockerd, Engine, PodmanService, podman_program, runnable
from image_rig import ARM64, Rig
from jettison.api.copy import CopyRequest, copy
from jettison.api.engine import load_into
from jettison.api.session import Session
from jettison.errors import ImageNotFoundError, UsageError
from jettison.oci.codec import decode
from jettison.oci.config import ContainerConfig, ImageConfig
from jettison.settings import Settings

KINDS = ("docker", "podman-service", "podman", "containerd")

pytestmark = [pytest.mark.needs_root, pytest.mark.xdist_group("engines")]


@pytest.fixture(scope="module", params=KINDS)
def started(request: pytest.FixtureRequest, tmp_path_factory) -> Iterator[Engine]:
    place = tmp_path_factory.mktemp("engine")
    if request.param == "containerd":
        # Debian's docker is too old for it: a socket of a newer one, which the tests may empty.
        name = os.environ.get("JETTISON_TEST_CONTAINERD_ENGINE")
        if not name:
            pytest.skip("JETTISON_TEST_CONTAINERD_ENGINE names no docker with containerd's store")
        yield Engine(name, ["docker", "-H", name], [], {})
    elif request.param == "podman":
        with podman_program(place) as engine:
            yield engine
    else:
        service = Dockerd if request.param == "docker" else PodmanService
        with service(place) as process:
            yield process.engine()


@pytest.fixture
def engine(started: Engine) -> Iterator[Engine]:
    yield started
    for name in started.names():
        if "jettison-test" in name or "127.0.0.1" in name:
            started("rmi", "-f", name)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path / "store") as made:
        yield made


def blobs(rig: Rig, image) -> list[str]:
    return [rig.store.layers.find(each.layer).blobs["gzip"].digest for each in image.layers]


def ours(names: set[str]) -> set[str]:
    names = {each.removeprefix("docker.io/library/") for each in names}
    return {each for each in names if "jettison-test" in each or "127.0.0.1" in each}


def test_an_image_is_there_under_all_its_names_and_runs(engine, rig):
    image = runnable(rig, "hello")
    engine.load(rig, image, names=("jettison-test:1", "quay.example/jettison-test/b:2"))
    assert ours(engine.names()) == {"jettison-test:1", "quay.example/jettison-test/b:2"}
    assert engine.run("jettison-test:1") == "hello\n"
    layers = engine.inspect("jettison-test:1")["RootFS"]["Layers"]
    assert tuple(layers) == decode(ImageConfig, image.config).rootfs.diff_ids


def test_of_an_image_with_one_new_layer_only_that_is_sent(engine, rig):
    before, after = runnable(rig, "one"), runnable(rig, "one", "two")
    engine.load(rig, before, names=("jettison-test:1",))
    sent = engine.load(rig, after, names=("jettison-test:2",))
    assert set(sent) & set(blobs(rig, after)) == {blobs(rig, after)[-1]}
    assert engine.run("jettison-test:1") == "one\n"
    assert engine.run("jettison-test:2") == "two\n"


def test_of_an_image_that_is_there_nothing_is_sent(engine, rig):
    image = runnable(rig, "again")
    engine.load(rig, image, names=("jettison-test:1",))
    sent = engine.load(rig, image, names=("jettison-test:2",))
    assert not set(sent) & set(blobs(rig, image))
    assert engine.run("jettison-test:2") == "again\n"


def test_a_name_moves_to_the_new_image(engine, rig):
    engine.load(rig, runnable(rig, "old"), names=("jettison-test:1",))
    engine.load(rig, runnable(rig, "new"), names=("jettison-test:1",))
    assert engine.run("jettison-test:1") == "new\n"


def test_an_image_without_a_name_is_known_by_its_id(engine, rig):
    image = runnable(rig, "nameless")
    before = engine.names()
    engine.load(rig, image)
    assert engine.names() == before
    if "containerd" not in os.environ.get("PYTEST_CURRENT_TEST", ""):  # its ids are of manifests
        assert engine.run(image.id) == "nameless\n"


def test_of_several_platforms_that_of_the_engine_runs(engine, rig):
    image = runnable(rig, "mine")
    other = rig.image({"hello": "other"}, platform=ARM64, config=ContainerConfig(cmd=("/no",)))
    engine.load(rig, other, image, names=("jettison-test:1",))
    assert engine.run("jettison-test:1") == "mine\n"


def test_an_image_of_another_platform_is_loaded_when_it_is_the_only_one(engine, rig):
    other = rig.image({"hello": "other"}, platform=ARM64)
    engine.load(rig, other, names=("jettison-test:1",))
    assert engine.inspect("jettison-test:1")["Architecture"] == "arm64"


def test_what_the_engine_removed_is_sent_again(engine, rig):
    image = runnable(rig, "back")
    engine.load(rig, image, names=("jettison-test:1",))
    engine("rmi", "-f", "jettison-test:1")
    engine.load(rig, image, names=("jettison-test:1",))
    assert engine.run("jettison-test:1") == "back\n"


def test_an_image_of_the_store_is_loaded_by_name_and_under_another(engine, tmp_path: Path):
    with Rig(tmp_path / "store") as rig:
        image = runnable(rig, "stored")
        rig.store.images.tag("docker.io/library/jettison-test:1", image.id)
    with Session.open(Settings(root=str(tmp_path / "store")), engine.environ) as session:
        load_into(session, "jettison-test:1", engine.name, lambda _: None)
        load_into(
            session, "jettison-test:1", engine.name, lambda _: None, names=["jettison-test:2"]
        )
        with pytest.raises(ImageNotFoundError):
            load_into(session, "jettison-test:3", engine.name, lambda _: None)
    assert ours(engine.names()) == {"jettison-test:1", "jettison-test:2"}
    assert engine.run("jettison-test:2") == "stored\n"


def test_a_copy_to_an_engine_is_a_load(engine, tmp_path: Path, monkeypatch):
    if engine.name == "podman":
        transport = "podman"
    else:
        transport = "docker-daemon"
        monkeypatch.setitem(engine.environ, "DOCKER_HOST", engine.name)
    with Rig(tmp_path / "store") as rig:
        image = runnable(rig, "copied")
        rig.store.images.tag("docker.io/library/jettison-test:1", image.id)
    with Session.open(Settings(root=str(tmp_path / "store")), engine.environ) as session:
        request = CopyRequest("store:jettison-test:1", f"{transport}:jettison-test:3")
        assert copy(session, request, lambda _: None).digest.startswith("sha256:")
        away = CopyRequest("oci:none", f"{transport}:jettison-test:3")
        with pytest.raises(UsageError, match="not copied to an engine at once"):
            copy(session, away, lambda _: None)
    assert engine.run("jettison-test:3") == "copied\n"
