"""A second registry, of another make: it lists referrers and is strict about chunks.

It is the one of go-containerregistry, of which no distribution has a program; ``go_programs`` has.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from fault_proxy import DROP, FAIL, LOSE, Fault, FaultProxy
from host_tools import go_program
from image_rig import AMD64, Rig, ignore, read_tree
from jettison.image.referrers import attach, attached
from jettison.image.resolve import ImageResolver
from jettison.oci.digest import sha256_digest
from jettison.oci.manifest import Descriptor
from jettison.oci.reference import parse_reference
from jettison.registry.client import RegistryClient
from jettison.registry.endpoint import RegistryHosts
from jettison.registry.transport import Transport
from jettison.registry.upload import Uploaded, Uploader
from registry_server import NewerRegistry

FILES = {"hello": "world", "bin/tool": os.urandom(50_000)}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewerRegistry]:
    with NewerRegistry(go_program("referrers"), tmp_path_factory.mktemp("newer")) as made:
        yield made


def client_of(chunk_bytes: int = 0) -> RegistryClient:
    transport = Transport({}, backoff_seconds=0.01)
    return RegistryClient(RegistryHosts(), lambda _: None, transport, chunk_bytes)


@pytest.mark.parametrize("chunk_bytes", [0, 20_000], ids=["whole", "chunks"])
def test_images_go_there_and_back(server: NewerRegistry, tmp_path: Path, chunk_bytes: int) -> None:
    name = f"{server.host}/team/app{chunk_bytes}:1"
    with client_of(chunk_bytes) as client:
        with Rig(tmp_path / "a", lambda: client) as rig:
            pushed = rig.exporter("registry", "", name).export([rig.image(FILES)], ignore)
        with Rig(tmp_path / "b", lambda: client) as rig:
            found = ImageResolver(rig.store, rig.client).resolve(name, AMD64)
            assert found.image.manifest is not None
            assert found.image.manifest.digest == pushed.manifest.digest
            (files,) = rig.blobs.materialise(tuple(each.layer for each in found.image.layers))
            assert read_tree(files)["bin/tool"] == FILES["bin/tool"]


@pytest.mark.parametrize("kind", [DROP, LOSE, FAIL])
def test_chunks_that_break_are_sent_whole_in_the_end(server: NewerRegistry, kind: str) -> None:
    data = os.urandom(50_000)
    blob = Descriptor("application/octet-stream", sha256_digest(data), len(data))
    with FaultProxy(server.host) as proxy, client_of(20_000) as client:
        target = parse_reference(f"{proxy.host}/broken/{kind}")
        proxy.begin()
        Uploader(client, target).blob(blob, lambda: io.BytesIO(data))
        patches = [each for each in proxy.seen if each.startswith("PATCH")]
        assert len(patches) == 3
        for number, name in enumerate(patches):
            proxy.begin(Fault(name, kind))
            other = parse_reference(f"{proxy.host}/broken/{kind}{number}")
            piece = data + bytes([number])  # what a registry has it need not be sent
            blob = Descriptor(blob.media_type, sha256_digest(piece), len(piece))
            sent = Uploader(client, other).blob(blob, lambda piece=piece: io.BytesIO(piece))
            assert sent is Uploaded.SENT
            assert client.document(other, blob) == piece


def test_a_registry_that_lists_referrers_by_another_type_has_them_under_the_tag(
    server: NewerRegistry, tmp_path: Path
) -> None:
    target = parse_reference(f"{server.host}/team/noted:1")
    kind = "application/vnd.example.note+json"
    with client_of() as client, Rig(tmp_path / "a", lambda: client) as rig:
        pushed = rig.exporter("registry", "", str(target)).export([rig.image(FILES)], ignore)
        assert client.referrers(target, pushed.manifest.digest) is not None
        assert attached(client, target, pushed.manifest.digest, kind) is None
        attach(client, target, pushed.manifest, kind, b'{"note":1}')
        assert attached(client, target, pushed.manifest.digest, kind) == b'{"note":1}'
