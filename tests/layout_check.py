"""Checks an OCI layout against the image-spec from its bytes, without our own code."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from archive_rig import unpack, zstd

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_UNPACK: dict[str, Callable[[bytes], bytes]] = {
    "application/vnd.oci.image.layer.v1.tar": bytes,
    "application/vnd.oci.image.layer.v1.tar+gzip": gzip.decompress,
    "application/vnd.oci.image.layer.v1.tar+zstd": zstd.decompress,
    "application/vnd.docker.image.rootfs.diff.tar": bytes,
    "application/vnd.docker.image.rootfs.diff.tar.gzip": gzip.decompress,
}


def extracted(archive: Path, into: Path) -> Path:
    """Unpack an archive with Python's tarfile; return the directory."""
    with tarfile.open(archive, "r:") as tar:
        names = tar.getnames()
        assert len(names) == len(set(names)), "a member occurs twice"
        unpack(tar, into)
    return into


def check_layout(layout: Path) -> list[dict[str, Any]]:
    """Check all that ``index.json`` reaches; return the configs of its images.

    Source: image-spec 1.1, image-layout.md, image-index.md, manifest.md, config.md.
    """
    assert json.loads((layout / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    index = json.loads((layout / "index.json").read_text())
    assert index["schemaVersion"] == 2
    used: set[str] = set()
    configs: list[dict[str, Any]] = []
    for entry in index["manifests"]:
        configs += _check_entry(layout, entry, used)
    found = {f"sha256:{path.name}" for path in (layout / "blobs/sha256").iterdir()}
    assert found == used, "the layout holds blobs that nothing names, or lacks some"
    return configs


def _check_entry(layout: Path, entry: dict[str, Any], used: set[str]) -> list[dict[str, Any]]:
    document = json.loads(_blob(layout, entry, used))
    assert document["schemaVersion"] == 2
    assert document["mediaType"] == entry["mediaType"]
    if "manifests" in document:
        return [c for each in document["manifests"] for c in _check_entry(layout, each, used)]
    config = json.loads(_blob(layout, document["config"], used))
    assert config["rootfs"]["type"] == "layers"
    assert len(config["rootfs"]["diff_ids"]) == len(document["layers"])
    for diff_id, layer in zip(config["rootfs"]["diff_ids"], document["layers"], strict=True):
        tar = _UNPACK[layer["mediaType"]](_blob(layout, layer, used))
        assert f"sha256:{hashlib.sha256(tar).hexdigest()}" == diff_id
    told = [each for each in config["history"] if not each.get("empty_layer")]
    assert len(told) == len(document["layers"])
    assert _TIME.fullmatch(config["created"])
    assert all(_TIME.fullmatch(each["created"]) for each in config["history"])
    if "platform" in entry:
        assert entry["platform"]["architecture"] == config["architecture"]
        assert entry["platform"]["os"] == config["os"]
    return [config]


def _blob(layout: Path, descriptor: dict[str, Any], used: set[str]) -> bytes:
    assert _DIGEST.fullmatch(descriptor["digest"])
    data = (layout / "blobs/sha256" / descriptor["digest"][7:]).read_bytes()
    assert len(data) == descriptor["size"]
    assert f"sha256:{hashlib.sha256(data).hexdigest()}" == descriptor["digest"]
    used.add(descriptor["digest"])
    return data
