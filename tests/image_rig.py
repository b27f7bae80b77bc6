"""Real images for tests: built from files in a real store, without a Dockerfile."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from jettison.cli.outputs import output_of
from jettison.exporter.base import Exporter, ExportServices
from jettison.exporter.catalog import make_exporter
from jettison.image.assemble import assemble
from jettison.image.layers import LayerBlobs
from jettison.image.remote import ClientFactory
from jettison.oci import mediatype
from jettison.oci.config import ContainerConfig, History
from jettison.oci.platform import Platform
from jettison.oci.reference import parse_reference
from jettison.plan.graph import HistoryStep, ImageTemplate
from jettison.snapshot.overlay import OverlayLayerStore
from jettison.store.image import StoredImage
from jettison.store.layer import LayerId, Stack
from jettison.store.store import Store
from ownership_rig import OWNERSHIP

AMD64 = Platform("amd64", "linux")
ARM64 = Platform("arm64", "linux")
CREATED_NS = 1_700_000_000_000_000_000


class Rig:
    """A store with its drivers; a context manager.

    Args:
        root: Directory of the store.
        client: Makes a registry client.
    """

    def __init__(self, root: Path, client: ClientFactory | None = None) -> None:
        self.store = Store.open(root)
        self.layer_store = OverlayLayerStore(self.store, OWNERSHIP)
        self.client = client
        self.blobs = LayerBlobs(self.store, self.layer_store, client)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.store.close()

    def exporter(
        self, kind: str, dest: Path | str = "", *names: str, **attributes: str
    ) -> Exporter:
        """Return the exporter of ``--output type=…,dest=…``; ``_`` in names of attributes is ``-``."""
        written = {name.replace("_", "-"): value for name, value in attributes.items()}
        output = output_of({"type": kind, "dest": str(dest), **written})
        exporter = make_exporter(output, self.services, names=list(map(parse_reference, names)))
        assert exporter is not None
        return exporter

    @property
    def services(self) -> ExportServices:
        return ExportServices(self.store, self.blobs, self.client)

    def layer(self, files: Mapping[str, str | bytes]) -> LayerId:
        """Make a layer of files by path; the text ``-> x`` makes a symbolic link to x."""
        active = self.layer_store.prepare()
        for name, content in files.items():
            path = active.upper / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, str) and content.startswith("-> "):
                path.symlink_to(content[3:])
            else:
                path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return self.layer_store.commit(active).id

    def image(
        self,
        *layers: Mapping[str, str | bytes],
        platform: Platform = AMD64,
        config: ContainerConfig | None = None,
        created_ns: int = CREATED_NS,
    ) -> StoredImage:
        """Make an image with one layer per mapping, and keep it."""
        stack: Stack = tuple(self.layer(files) for files in layers)
        history = tuple(
            HistoryStep(History(created_by=f"COPY {n}"), None) for n in range(len(layers))
        )
        template = ImageTemplate(platform, config or ContainerConfig(cmd=("/hello",)), history)
        image = assemble(template, stack, self.blobs, created_ns=created_ns)
        self.store.images.add(image)
        return image


def ignore(item: str, current: int, total: int) -> None:
    """Take progress."""


def read_tree(directory: Path) -> dict[str, bytes | str]:
    """Return files by path relative to a directory; links as ``-> target``."""
    found: dict[str, bytes | str] = {}
    for path in sorted(directory.rglob("*")):
        name = str(path.relative_to(directory))
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_file():
            found[name] = path.read_bytes()
    return found


class LayoutFiles:
    """Writes an OCI layout by hand, right or wrong on purpose."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "blobs/sha256").mkdir(parents=True)
        (path / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')

    def blob(self, data: bytes, media_type: str) -> dict[str, object]:
        name = hashlib.sha256(data).hexdigest()
        (self.path / "blobs/sha256" / name).write_bytes(data)
        return {"mediaType": media_type, "digest": f"sha256:{name}", "size": len(data)}

    def json(self, document: object, media_type: str) -> dict[str, object]:
        return self.blob(json.dumps(document).encode(), media_type)

    def index(self, *entries: dict[str, object]) -> None:
        document = {"schemaVersion": 2, "manifests": list(entries)}
        (self.path / "index.json").write_text(json.dumps(document))


def layout_with(path: Path, *layers: bytes, diff_ids: list[str] | None = None) -> str:
    """Write a layout with one image of these tars; return its reference."""
    made = [(tar, gzip.compress(tar, 1, mtime=0), {}) for tar in layers]
    return layout_of(path, *made, diff_ids=diff_ids)


def layout_of(
    path: Path,
    *layers: tuple[bytes, bytes, Mapping[str, str]],
    diff_ids: list[str] | None = None,
) -> str:
    """Write a layout with one image of these tars, blobs and annotations; return its reference."""
    files = LayoutFiles(path)
    digests = [f"sha256:{hashlib.sha256(tar).hexdigest()}" for tar, _, _ in layers]
    config = {
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": digests if diff_ids is None else diff_ids},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": mediatype.OCI_MANIFEST,
        "config": files.json(config, mediatype.OCI_CONFIG),
        "layers": [
            {**files.blob(blob, mediatype.OCI_LAYER_GZIP), "annotations": dict(notes)}
            for _, blob, notes in layers
        ],
    }
    files.index(files.json(manifest, mediatype.OCI_MANIFEST))
    return f"oci-layout://{path}"
