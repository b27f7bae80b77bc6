"""The registry of one image: what it gives, and to whom."""

from __future__ import annotations

import http.client
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from image_rig import Rig, ignore
from jettison.engine.base import EngineImage, LayerFiles
from jettison.engine.loopback import LoopbackRegistry
from jettison.exporter.layout_contents import build_set, layout_contents
from jettison.exporter.options import ImageOptions
from jettison.oci.digest import sha256_digest

DATA = {"a": b"x" * 100_000}


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path / "store") as made:
        yield made


@pytest.fixture
def served(rig: Rig) -> Iterator[tuple[LoopbackRegistry, EngineImage]]:
    stored = rig.image(DATA)
    made = build_set(rig.services, [stored], ImageOptions(), oci=True)
    image = EngineImage(
        layout_contents([(made, ())], {}, docker=True), made.root, stored.id, (), ()
    )
    with LoopbackRegistry(image, LayerFiles(rig.store, rig.blobs), ignore) as registry:
        yield registry, image


def ask(registry: LoopbackRegistry, path: str, method: str = "GET", **headers: str):
    host, _, name = registry.repository.partition("/")
    connection = http.client.HTTPConnection(host, timeout=10)
    connection.request(method, path.replace("NAME", name), headers=headers)
    response = connection.getresponse()
    data = response.read()
    connection.close()
    return response, data


def test_documents_and_layers_are_given_by_digest(served, rig):
    registry, image = served
    assert ask(registry, "/v2/")[0].status == 200
    assert not registry.asked
    response, data = ask(registry, f"/v2/NAME/manifests/{image.root.digest}")
    assert (response.status, response.headers["Content-Type"]) == (200, image.root.media_type)
    assert response.headers["Docker-Content-Digest"] == image.root.digest
    assert data == image.contents.documents[image.root.digest]
    assert registry.asked
    assert (
        ask(registry, f"/v2/NAME/blobs/{image.config}")[1] == image.contents.documents[image.config]
    )
    (layer,) = image.contents.layers
    response, data = ask(registry, f"/v2/NAME/blobs/{layer[1].digest}")
    assert data == rig.store.blobs.path(layer[1].digest).read_bytes()
    response, data = ask(registry, f"/v2/NAME/blobs/{layer[1].digest}", "HEAD")
    assert (int(response.headers["Content-Length"]), data) == (layer[1].size, b"")


def test_ranges_are_given(served, rig):
    registry, image = served
    blob = image.contents.layers[0][1]
    whole = rig.store.blobs.path(blob.digest).read_bytes()
    for text, begin, end in (("5-9", 5, 10), ("7-", 7, blob.size), ("0-999999999", 0, blob.size)):
        response, data = ask(registry, f"/v2/NAME/blobs/{blob.digest}", Range=f"bytes={text}")
        assert (response.status, data) == (206, whole[begin:end])
        assert response.headers["Content-Range"] == f"bytes {begin}-{end - 1}/{blob.size}"
    for text in ("bytes=999999999-", "bytes=9-5", "bytes=-5", "lines=1-2", "bytes=1-2,4-5"):
        assert ask(registry, f"/v2/NAME/blobs/{blob.digest}", Range=text)[0].status == 416


def test_a_large_layer_waits_for_who_reads_it(rig):
    stored = rig.image({"big": os.urandom(30_000_000)})
    made = build_set(rig.services, [stored], ImageOptions(), oci=True)
    contents = layout_contents([(made, ())], {}, docker=True)
    image = EngineImage(contents, made.root, stored.id, (), ())
    blob = contents.layers[0][1]
    with LoopbackRegistry(image, LayerFiles(rig.store, rig.blobs), ignore) as registry:
        _, data = ask(registry, f"/v2/NAME/blobs/{blob.digest}")
    assert sha256_digest(data) == blob.digest


def test_nothing_else_is_given(served):
    registry, image = served
    other = "sha256:" + 64 * "0"
    layer = image.contents.layers[0][1].digest
    refused = [
        *(f"/v2/NAME/manifests/{other}", f"/v2/NAME/blobs/{other}", "/v2/NAME/manifests/latest"),
        *(f"/v2/NAME/manifests/{layer}", "/v2/NAME/tags/list", "/v2/_catalog", "/", "/v2/NAME"),
        f"/v2/NAME/blobs/../../{layer}",
        f"/v2/jettison-{32 * '0'}/blobs/{layer}",
        f"/v2/NAME/referrers/{image.root.digest}",
    ]
    for path in refused:
        assert ask(registry, path)[0].status == 404, path
    for method in ("PUT", "POST", "DELETE", "PATCH"):
        assert ask(registry, f"/v2/NAME/blobs/{layer}", method)[0].status == 501


def test_names_are_never_the_same(served, rig):
    registry, image = served
    with LoopbackRegistry(image, LayerFiles(rig.store, rig.blobs), ignore) as other:
        assert other.repository.partition("/")[2] != registry.repository.partition("/")[2]
        assert len(other.repository.partition("-")[2]) == 32


def test_who_greets_in_tls_is_told_that_this_is_http(served):
    registry, _ = served
    host, _, port = registry.repository.partition("/")[0].partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as asking:
        asking.sendall(b"\x16\x03\x01\x00\x05hello")
        assert asking.recv(100).startswith(b"HTTP/1.1 400 ")


def test_a_layer_that_cannot_be_had_is_remembered(served, rig):
    registry, image = served
    layer = image.contents.layers[0][1]
    rig.store.blobs.remove(layer.digest)
    assert ask(registry, f"/v2/NAME/blobs/{layer.digest}")[0].status == 500
    assert registry.failure is not None
    assert "not in the store any more" in registry.failure.message


def test_what_was_sent_is_told(rig):
    stored = rig.image(DATA)
    made = build_set(rig.services, [stored], ImageOptions(), oci=True)
    contents = layout_contents([(made, ())], {}, docker=True)
    image = EngineImage(contents, made.root, stored.id, (), ())
    told: list[tuple[str, int, int]] = []
    files = LayerFiles(rig.store, rig.blobs)
    blob = contents.layers[0][1]
    with LoopbackRegistry(image, files, lambda *each: told.append(each)) as registry:
        ask(registry, f"/v2/NAME/blobs/{blob.digest}")
    assert told[-1] == (blob.digest, blob.size, blob.size)


def test_the_port_is_closed_afterwards(rig):
    stored = rig.image(DATA)
    made = build_set(rig.services, [stored], ImageOptions(), oci=True)
    contents = layout_contents([(made, ())], {}, docker=True)
    image = msgspec.structs.replace(EngineImage(contents, made.root, stored.id, (), ()))
    with LoopbackRegistry(image, LayerFiles(rig.store, rig.blobs), ignore) as registry:
        host, _, port = registry.repository.partition("/")[0].partition(":")
        kept = socket.create_connection((host, int(port)), timeout=10)
        kept.sendall(b"GET /v2/ HTTP/1.1\r\n\r\n")
        assert kept.recv(15).startswith(b"HTTP/1.1 200")
    while kept.recv(1000):
        pass
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=10)
    kept.close()
