"""A fetch that was interrupted goes on in the next process, by a range."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import json
import os
import re
from pathlib import Path

import pytest

from image_rig import AMD64, Rig
from jettison.image.resolve import ImageResolver
from jettison.oci import mediatype
from jettison.registry.client import RegistryClient
from jettison.registry.endpoint import RegistryHosts
from jettison.registry.transport import Transport
from layer_archives import archive, member
from server_rig import serving

TAR = archive(member("big", os.urandom(12 << 20)), member("last", b"last"))
BLOB = gzip.compress(TAR, 0, mtime=0)
HALF = 6 << 20


class StopError(Exception):
    """The user stops the build."""


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class Registry:
    """Has one image, and gives ranges unless it is told not to."""

    def __init__(self) -> None:
        self.ranges: list[str | None] = []
        self.gives_ranges = True
        config = json.dumps(
            {
                "architecture": "amd64",
                "os": "linux",
                "rootfs": {"type": "layers", "diff_ids": [digest(TAR)]},
            }
        ).encode()
        manifest = {
            "schemaVersion": 2,
            "mediaType": mediatype.OCI_MANIFEST,
            "config": {
                "mediaType": mediatype.OCI_CONFIG,
                "digest": digest(config),
                "size": len(config),
            },
            "layers": [
                {
                    "mediaType": mediatype.OCI_LAYER_GZIP,
                    "digest": digest(BLOB),
                    "size": len(BLOB),
                }
            ],
        }
        self.manifest = json.dumps(manifest).encode()
        self.blobs = {digest(config): config, digest(BLOB): BLOB}

    def answer(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        name = handler.path.rpartition("/")[2]
        data = self.blobs.get(name, self.manifest if "/manifests/" in handler.path else b"{}")
        asked = re.match(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        if name == digest(BLOB):
            self.ranges.append(handler.headers.get("Range"))
        partial = asked is not None and self.gives_ranges
        handler.send_response(206 if partial else 200)
        if asked is not None and partial:
            start = int(asked[1])
            handler.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
            data = data[start:]
        kind = mediatype.OCI_MANIFEST if "/manifests/" in handler.path else "application/x"
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        if handler.command != "HEAD":
            try:
                handler.wfile.write(data)
            except OSError:
                return


@pytest.mark.parametrize("whole", [True, False], ids=["unpacked", "fetched"])
@pytest.mark.parametrize("damage", ["", "no ranges", "beginning"])
def test_an_interrupted_fetch_goes_on_in_the_next_process(
    tmp_path: Path, damage: str, whole: bool
) -> None:
    registry = Registry()

    def interrupting(_item: str, current: int, _total: int) -> None:
        if current > HALF:
            raise StopError

    with serving(registry.answer) as host:
        name = f"{host}/app:1"
        for interrupted in (True, False):
            with (
                RegistryClient(
                    RegistryHosts(), lambda _: None, Transport({}, backoff_seconds=0.01)
                ) as client,
                Rig(tmp_path / "store", lambda c=client: c) as rig,
            ):
                image = ImageResolver(rig.store, rig.client).resolve(name, AMD64).image
                layer = image.layers[0].layer
                if interrupted:
                    with pytest.raises(StopError):
                        rig.blobs.materialise((layer,), interrupting)
                    continue
                (beginning,) = (rig.store.root / "partial").iterdir()
                kept = beginning.stat().st_size
                assert kept > HALF
                registry.gives_ranges = damage != "no ranges"
                if damage == "beginning":
                    beginning.write_bytes(bytes(kept))
                if whole:
                    (files,) = rig.blobs.materialise((layer,))
                    assert (files / "last").read_bytes() == b"last"
                else:
                    rig.blobs.blob(layer)
                assert rig.store.blobs.path(digest(BLOB)).read_bytes() == BLOB
                assert list((rig.store.root / "partial").iterdir()) == []
                asked = [None, f"bytes={kept}-"]
                assert registry.ranges == ([*asked, None] if damage == "beginning" else asked)
