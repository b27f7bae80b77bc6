"""What a copy consists of, of layouts that are right and of hostile ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from image_rig import LayoutFiles
from jettison.errors import (
    ContentError,
    ImageNotFoundError,
    InvalidManifestError,
    InvalidReferenceError,
    PlatformNotFoundError,
    UsageError,
)
from jettison.exporter.copying.base import Contents
from jettison.exporter.copying.collect import Selection, collect
from jettison.exporter.copying.from_layout import LayoutSource, choose_entry
from jettison.exporter.copying.place import parse_place
from jettison.exporter.copying.to_layout import entries
from jettison.image.layout import OciLayout
from jettison.oci import mediatype
from jettison.oci.layout import REF_NAME
from jettison.oci.manifest import Descriptor
from jettison.oci.platform import parse_platform

AMD64 = Selection(parse_platform("linux/amd64"))
ALL = Selection(parse_platform("linux/amd64"), everything=True)
Entry = dict[str, object]


def image(files: LayoutFiles, name: str, *, subject: Entry | None = None) -> Entry:
    """Write an image, or with a subject a signature."""
    config = files.json({"architecture": name, "os": "linux"}, mediatype.OCI_CONFIG)
    manifest: Entry = {
        "schemaVersion": 2,
        "mediaType": mediatype.OCI_MANIFEST,
        "config": config,
        "layers": [files.blob(name.encode(), mediatype.OCI_LAYER)],
    }
    if subject is not None:
        plain = {key: subject[key] for key in ("mediaType", "digest", "size")}
        manifest |= {"subject": plain, "artifactType": "application/vnd.example.sig"}
    made = files.json(manifest, mediatype.OCI_MANIFEST)
    platform = {"os": "linux", "architecture": name}
    return made if subject is not None else {**made, "platform": platform}


def index(files: LayoutFiles, *found: Entry, **more: object) -> Entry:
    document = {"schemaVersion": 2, "mediaType": mediatype.OCI_INDEX, "manifests": list(found)}
    return files.json({**document, **more}, mediatype.OCI_INDEX)


def collected(files: LayoutFiles, selection: Selection, name: str = "") -> Contents:
    place = parse_place(f"oci:{files.path}{name}")
    return collect(LayoutSource(OciLayout(str(files.path)), place), selection, name=place.text)


def test_an_image_of_an_index_is_chosen_by_platform(tmp_path: Path) -> None:
    files = LayoutFiles(tmp_path)
    amd, arm = image(files, "amd64"), image(files, "arm64")
    files.index(index(files, amd, arm))
    one = collected(files, AMD64)
    assert one.root.descriptor.digest == amd["digest"]
    assert (len(one.manifests), len(one.blobs), one.left_out) == (1, 2, 1)
    every = collected(files, ALL)
    assert [each.descriptor.digest for each in every.manifests][:2] == [
        amd["digest"],
        arm["digest"],
    ]
    assert every.manifests[-1] is every.root
    assert len(every.blobs) == 4
    alone = collected(files, Selection(AMD64.platform, index_only=True))
    assert (len(alone.manifests), alone.blobs) == (1, ())
    with pytest.raises(PlatformNotFoundError):
        collected(files, Selection(parse_platform("linux/s390x")))


def test_an_index_may_list_blobs_and_indexes(tmp_path: Path) -> None:
    files = LayoutFiles(tmp_path)
    cached = files.blob(b"a cached layer", mediatype.OCI_LAYER_GZIP)
    inner = index(files, image(files, "amd64"))
    files.index(index(files, inner, cached))
    found = collected(files, ALL)
    assert len(found.manifests) == 3
    assert cached["digest"] in {each.digest for each in found.blobs}


def test_foreign_layers_are_left_where_they_are(tmp_path: Path) -> None:
    files = LayoutFiles(tmp_path)
    made = image(files, "amd64")
    path = files.path / "blobs/sha256" / str(made["digest"]).partition(":")[2]
    manifest = json.loads(path.read_bytes())
    manifest["layers"][0]["urls"] = ["https://example.com/layer"]
    files.index(files.json(manifest, mediatype.OCI_MANIFEST))
    found = collected(files, AMD64)
    assert len(found.blobs) == 1
    assert len(found.foreign) == 1


def test_referrers_of_a_layout_are_found_through_its_index(tmp_path: Path) -> None:
    files = LayoutFiles(tmp_path)
    amd = image(files, "amd64")
    signature = image(files, "signature", subject=amd)
    of_it = image(files, "of it", subject=signature)
    tag = str(amd["digest"]).replace(":", "-") + ".sig"
    cosigned = {**image(files, "cosigned"), "annotations": {REF_NAME: tag}}
    listed = {**signature, "artifactType": "application/vnd.example.sig"}
    files.index({**amd, "annotations": {REF_NAME: "1"}}, listed, of_it, cosigned)
    assert not collected(files, AMD64, ":1").referrers
    found = collected(files, Selection(AMD64.platform, referrers=True), ":1")
    assert [each.descriptor.digest for each in found.referrers] == [
        signature["digest"],
        cosigned["digest"],
        of_it["digest"],
    ]
    assert found.tags == ((tag, cosigned["digest"]),)
    written = entries(found, "new")
    assert [each.annotations.get(REF_NAME, "") for each in written] == ["new", tag, "", ""]


def test_an_index_that_names_too_much_is_refused(tmp_path: Path) -> None:
    files = LayoutFiles(tmp_path)
    nested = image(files, "amd64")
    for _ in range(12):
        nested = index(files, nested)
    files.index(nested)
    with pytest.raises(InvalidManifestError, match="nested too deeply"):
        collected(files, ALL)
    many = [{**nested, "digest": f"sha256:{number:064x}"} for number in range(5000)]
    files.index(index(files, *many))
    with pytest.raises(InvalidManifestError, match="too many"):
        collected(files, ALL)


def test_a_manifest_that_lies_is_refused(tmp_path: Path) -> None:
    files = LayoutFiles(tmp_path)
    made = image(files, "amd64")
    files.index({**made, "size": 3})
    with pytest.raises(ContentError):
        collected(files, AMD64)
    files.index(made)
    (files.path / "blobs/sha256" / str(made["digest"]).partition(":")[2]).write_bytes(b"{}")
    with pytest.raises(ContentError):
        collected(files, AMD64)
    files.index(index(files, made, config=made))
    with pytest.raises(InvalidManifestError, match="at the same time"):
        collected(files, ALL)
    artifact = {**made, "artifactType": "application/vnd.example"}
    files.index(index(files, artifact))
    with pytest.raises(InvalidManifestError) as caught:
        collected(files, AMD64)
    assert "--all" in str(caught.value.hint)


def test_which_image_of_a_layout_is_meant_must_be_said(tmp_path: Path) -> None:
    files = LayoutFiles(tmp_path)
    one, two = image(files, "amd64"), image(files, "arm64")
    named = {**one, "annotations": {REF_NAME: "1"}}
    files.index(named, {**two, "annotations": {REF_NAME: "2"}})
    layout = OciLayout(str(tmp_path))

    def chosen(name: str) -> str:
        return choose_entry(layout, parse_place(f"oci:{tmp_path}{name}")).digest

    assert chosen(":2") == chosen(":@1") == chosen(f"@{two['digest']}") == two["digest"]
    with pytest.raises(InvalidReferenceError, match="holds 2 images"):
        chosen("")
    with pytest.raises(ImageNotFoundError):
        chosen(":@2")
    with pytest.raises(ImageNotFoundError):
        chosen(":3")
    files.index(named, image(files, "sig", subject=one) | {"artifactType": "x"})
    assert chosen("") == one["digest"]
    with pytest.raises(UsageError):
        collected(files, Selection(AMD64.platform, index_only=True))


def test_an_entry_of_the_same_name_is_replaced_and_others_stay(tmp_path: Path) -> None:
    files = LayoutFiles(tmp_path)
    files.index(image(files, "amd64"))
    contents = collected(files, AMD64)

    def other(letter: str, **notes: str) -> Descriptor:
        digest = parse_place(f"oci:x@sha256:{64 * letter}").digest
        assert digest is not None
        artifact = notes.pop("artifact", "")
        return Descriptor("", digest, 1, annotations=notes, artifact_type=artifact)

    a, b = other("a", **{REF_NAME: "1"}), other("b", **{REF_NAME: "2"})
    bare, beside = other("c"), other("d", artifact="application/vnd.example.sig")
    assert entries(contents, "1", (a, b, bare, beside))[:-1] == (b, bare, beside)
    assert entries(contents, "", (a, b, bare, beside))[:-1] == (a, b, beside)
