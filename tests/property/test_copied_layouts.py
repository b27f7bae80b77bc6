"""Random layouts, copied through archives and layouts: every byte arrives, and nothing else."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from image_rig import AMD64, LayoutFiles
from jettison.exporter.copying.collect import Selection, collect
from jettison.exporter.copying.from_archive import TarLayout
from jettison.exporter.copying.from_layout import LayoutSource
from jettison.exporter.copying.place import parse_place
from jettison.exporter.copying.to_archive import ArchiveDestination
from jettison.exporter.copying.to_layout import LayoutDestination
from jettison.image.layout import OciLayout
from jettison.oci import mediatype

ALL = Selection(AMD64, everything=True, referrers=True)
_BLOBS = st.lists(st.binary(max_size=3000), max_size=3)
_ARTIFACTS = st.recursive(
    _BLOBS.map(lambda blobs: ("manifest", blobs)),
    lambda inner: st.tuples(st.just("index"), st.lists(inner, max_size=3)),
    max_leaves=6,
)
Entry = dict[str, object]


def written(files: LayoutFiles, artifact: tuple[str, list], **more: object) -> Entry:  # type: ignore[type-arg]
    """Write a manifest or an index with all below it; return its descriptor."""
    kind, inner = artifact
    if kind == "index":
        entries = [written(files, each) for each in inner]
        document = {"schemaVersion": 2, "mediaType": mediatype.OCI_INDEX, "manifests": entries}
        return files.blob(json.dumps(document | more, indent=1).encode(), mediatype.OCI_INDEX)
    document = {
        "schemaVersion": 2,
        "mediaType": mediatype.OCI_MANIFEST,
        "config": files.json({"x": 1}, "application/vnd.example.config"),
        "layers": [files.blob(each, "application/octet-stream") for each in inner],
    }
    return files.blob(json.dumps(document | more, indent=2).encode(), mediatype.OCI_MANIFEST)


def blobs(path: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in (path / "blobs/sha256").iterdir()}


@settings(max_examples=60, deadline=None)
@given(_ARTIFACTS, st.lists(_BLOBS, max_size=2))
def test_what_is_copied_through_all_files_is_the_same(
    artifact: tuple[str, list],  # type: ignore[type-arg]
    referring: list[list[bytes]],
) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        files = LayoutFiles(directory / "first")
        root = written(files, artifact)
        beside = [
            written(files, ("manifest", each), subject=root, artifactType="application/x")
            for each in referring
        ]
        files.index(root, *({**each, "artifactType": "application/x"} for each in beside))
        places = [
            parse_place(f"{kind}:{directory}/{name}")
            for kind, name in (("oci", "first"), ("oci-archive", "a.tar"), ("oci", "last"))
        ]
        layout = LayoutSource(OciLayout(places[0].path), places[0])
        contents = collect(layout, ALL, name="first")
        ArchiveDestination(places[1], None).write(contents, layout, lambda *_: None)
        tar = TarLayout(places[1], directory)
        archive = LayoutSource(tar, places[1])
        LayoutDestination(places[2]).write(
            collect(archive, ALL, name="a.tar"), archive, lambda *_: None
        )
        tar.close()
        assert blobs(directory / "last") == blobs(directory / "first")
        found = collect(LayoutSource(OciLayout(places[2].path), places[2]), ALL, name="last")
        assert found.root.descriptor.digest == root["digest"]
        assert {each.descriptor.digest for each in found.referrers} == {
            each["digest"] for each in beside
        } - {root["digest"]}
