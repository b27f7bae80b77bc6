"""Layers in pieces from a real registry, with each fault of the proxy at some of the pieces."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fault_proxy import FAULTS, Fault, FaultProxy
from image_rig import AMD64, Rig, ignore, read_tree
from jettison.image.resolve import ImageResolver
from jettison.registry.client import RegistryClient
from jettison.registry.endpoint import RegistryHosts
from jettison.registry.pieces import Piecewise
from jettison.registry.transport import Transport
from registry_server import RegistryServer

FILES = {"big": os.urandom(400_000), "last": b"last"}
HOW = Piecewise(least_bytes=100_000, piece_bytes=64 << 10, ahead=3, least_seconds=0)


def client_of() -> RegistryClient:
    transport = Transport({}, backoff_seconds=0.01, read_seconds=0.3)
    return RegistryClient(RegistryHosts(), lambda _: None, transport, piecewise=HOW)


@pytest.mark.parametrize("kind", ["", *FAULTS])
@pytest.mark.parametrize("number", [1, 3, 7])
def test_a_fault_at_a_piece_is_no_fault_of_the_pull(
    registry: RegistryServer, tmp_path: Path, kind: str, number: int
) -> None:
    name = f"/pieces/{kind or 'none'}{number}:1"
    with client_of() as client, Rig(tmp_path / "a", lambda: client) as rig:
        image = rig.image(FILES)
        rig.exporter("registry", "", registry.host + name).export([image], ignore)
    with (
        FaultProxy(registry.host) as proxy,
        client_of() as client,
        Rig(tmp_path / "b", lambda: client) as rig,
    ):
        found = ImageResolver(rig.store, rig.client).resolve(proxy.host + name, AMD64)
        (layer,) = found.image.layers
        assert found.image.manifest is not None
        descriptor = rig.store.layers.find(layer.layer).blob.descriptor
        proxy.begin(Fault(f"GET blobs/{descriptor.digest} #{number}", kind) if kind else None)
        (files,) = rig.blobs.materialise((layer.layer,))
        assert read_tree(files) == FILES
        assert proxy.struck == bool(kind)
        assert kind or len(proxy.seen) == 7
