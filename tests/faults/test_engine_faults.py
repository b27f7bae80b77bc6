"""Engines that hang up, refuse, or answer what no engine says."""

from __future__ import annotations

import os
import signal
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine_rig import runnable
from engine_server import EngineServer, Handler, hangs_up, no_http, raw, says, takes
from image_rig import Rig, ignore
from jettison.api.engine_exporter import EngineExporter
from jettison.api.fsck import check_store
from jettison.api.session import Session
from jettison.errors import ExportError, JettisonError
from jettison.exporter.outputs import EngineOutput
from jettison.oci.codec import decode
from jettison.oci.config import ImageConfig
from jettison.oci.reference import parse_reference
from jettison.settings import Settings
from scratch_rig import Scratch

BIG = 20_000_000


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path / "store") as made:
        yield made


def load(rig: Rig, address: str, image) -> None:
    exporter = EngineExporter(
        EngineOutput(engine=address), (parse_reference("app:1"),), rig.services, os.environ
    )
    exporter.export([image], ignore)


def failure(rig: Rig, tmp_path: Path, image=None, **answers) -> ExportError:
    named = {f"/{name.replace('_', '/')}": each for name, each in answers.items()}
    with EngineServer(tmp_path / "s", named) as server, pytest.raises(ExportError) as raised:
        load(rig, server.address, image or runnable(rig, "x"))
    assert server.address in raised.value.message
    return raised.value


def test_no_socket_is_told_with_its_address(rig, tmp_path: Path):
    with pytest.raises(ExportError, match="there is no such socket") as raised:
        load(rig, f"unix://{tmp_path}/none", None)
    assert "DOCKER_HOST" in raised.value.hint


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (hangs_up, "hung up"),
        (no_http, "no HTTP"),
        (raw(b"<html>"), "what it should not"),
        (raw(b"[" * 100_000), "what it should not"),
        (says({"Os": 3}), "what it should not"),
        (says({"Components": [{"Name": 1}]}), "what it should not"),
        (says({"message": "go \x1b[31maway"}, 403), r"refuses: go \\x1b\[31maway"),
        (raw(b"", 500), "refuses: status 500"),
        (says({"Components": [{"Name": "Podman Engine"}]}), "does not tell its version"),
    ],
)
def test_what_is_no_engine_fails_before_anything_is_built(rig, tmp_path: Path, answer, said):
    with EngineServer(tmp_path / "s", {"/version": answer}) as server:
        with pytest.raises(ExportError, match=said):
            EngineExporter(EngineOutput(engine=server.address), (), rig.services, os.environ)
        assert [path for _, path in server.asked] == ["/version"]


def test_a_document_without_end_is_not_read_to_it(rig, tmp_path: Path):
    failed = failure(rig, tmp_path, info=raw(b" " * (33 << 20)))
    assert "too much" in failed.message


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (takes(says({"message": "no space left"}, 500)), "refuses: no space left"),
        (takes(says({"errorDetail": {"message": "bad layer"}, "error": "x"})), "says: bad layer"),
        (takes(hangs_up), "hung up"),
        (hangs_up, "hung up"),
        (takes(raw(b"<html>\n")), "what no engine says"),
        (takes(raw(b'{"stream":"' + b"x" * (2 << 20) + b'"}\n')), "more than an engine"),
        (takes(says({"stream": "Loaded image: app:1"})), "does not have it"),
    ],
)
def test_a_load_that_fails_says_what_the_engine_said(rig, tmp_path: Path, answer, said):
    assert said in failure(rig, tmp_path, images_load=answer).message


def test_an_engine_that_refuses_in_the_middle_of_the_archive_is_heard(rig, tmp_path: Path):
    def refuse(handler: Handler) -> None:
        handler.rfile.read(1000)
        says({"message": "quota exceeded"}, 507)(handler)
        handler.close_connection = True

    image = rig.image({"big": os.urandom(BIG)})
    assert "quota exceeded" in failure(rig, tmp_path, image, images_load=refuse).message


def test_empty_files_that_are_refused_are_followed_by_the_whole_archive(rig, tmp_path: Path):
    image = runnable(rig, "one", "two")
    layers = list(decode(ImageConfig, image.config).rootfs.diff_ids)
    loads: list[int] = []

    def take(handler: Handler) -> None:
        loads.append(len(handler.body()))
        if len(loads) == 1:
            says({"errorDetail": {"message": "invalid diffID for layer 0"}})(handler)
        else:
            server.answers[f"/images/{image.id}"] = says({"RootFS": {"Layers": layers}})
            says({"stream": "Loaded"})(handler)

    answers = {
        "/images/json": says([{"Id": "sha256:other", "Created": 1}]),
        "/images/sha256:other": says({"Id": "sha256:other", "RootFS": {"Layers": layers[:2]}}),
        "/images/load": take,
    }
    with EngineServer(tmp_path / "s", answers) as server:
        load(rig, server.address, image)
    assert len(loads) == 2
    assert loads[1] > loads[0] + 1_000_000  # busybox is in the second one


def test_an_engine_that_has_other_layers_than_were_sent_is_not_believed(rig, tmp_path: Path):
    image = runnable(rig, "one")

    def take(handler: Handler) -> None:
        handler.body()
        server.answers[f"/images/{image.id}"] = says({"RootFS": {"Layers": ["sha256:0"]}})
        says({"stream": "Loaded"})(handler)

    with (
        EngineServer(tmp_path / "s", {"/images/load": take}) as server,
        pytest.raises(ExportError, match="does not have it"),
    ):
        load(rig, server.address, image)


CONTAINERD = {"info": says({"DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]]})}


def test_a_store_that_cannot_pull_from_us_gets_the_layout(rig, tmp_path: Path):
    image = runnable(rig, "one")

    def take(handler: Handler) -> None:
        bodies.append(handler.body())
        server.answers["/images/sha256:"] = says({"Id": "x"})  # it is asked for at once
        says({"stream": "Loaded"})(handler)

    bodies: list[bytes] = []
    answers = {
        "/info": CONTAINERD["info"],
        "/images/create": says({"message": "connection refused"}, 500),
        "/images/load": take,
    }
    with EngineServer(tmp_path / "s", answers) as server:
        load(rig, server.address, image)
    assert b"oci-layout" in bodies[0]
    assert not any(method == "DELETE" for method, _ in server.asked)


def test_a_layer_that_is_gone_is_the_error_and_not_what_the_engine_makes_of_it(rig, tmp_path):
    image = runnable(rig, "one")
    blob = rig.blobs.describe(image.layers[0].layer)

    def pull(handler: Handler) -> None:
        query = urllib.parse.parse_qs(handler.path.partition("?")[2])
        place = query["fromImage"][0].partition("@")[0]
        host, _, name = place.partition("/")
        rig.store.blobs.remove(blob.digest)
        try:
            urllib.request.urlopen(f"http://{host}/v2/{name}/blobs/{blob.digest}")
        except OSError:
            says({"message": "unexpected status 500"}, 500)(handler)

    answers = {"/info": CONTAINERD["info"], "/images/create": pull}
    with (
        EngineServer(tmp_path / "s", answers) as server,
        pytest.raises(JettisonError, match="is not in the store any more"),
    ):
        load(rig, server.address, image)


@pytest.mark.needs_root
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_middle_of_a_load_ends_it_and_leaves_the_store_whole(
    scratch: Scratch, tmp_path: Path, number: signal.Signals
) -> None:
    begun, end = threading.Event(), threading.Event()

    def stuck(handler: Handler) -> None:
        begun.set()
        end.wait(60)
        handler.close_connection = True

    scratch.dockerfile("FROM busybox\nRUN head -c 20000000 /dev/urandom > /big\n")
    with EngineServer(tmp_path / "s", {"/images/load": stuck}) as server:
        build = scratch.start("build", f"--load={server.address}", "-t", "a", scratch.context)
        assert begun.wait(60)
        os.killpg(build.pid, number)
        assert build.wait(timeout=20) == 128 + number
        end.set()
    with Session.open(Settings(root=str(scratch.store)), os.environ) as session:
        assert check_store(session) == []
        assert not list((scratch.store / "tmp").glob("*/*"))
