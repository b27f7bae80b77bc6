"""The facts of a build in files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jettison.api.request import BuildResult
from jettison.cli.result_files import metadata, remove_stale, write_files
from jettison.errors import ExportError
from jettison.oci.digest import sha256_digest
from jettison.oci.manifest import Descriptor
from jettison.oci.mediatype import OCI_INDEX

IMAGE, INDEX = sha256_digest(b"image"), sha256_digest(b"index")
SEVERAL = BuildResult(
    image_id=IMAGE,
    tags=("r.example/app:1",),
    manifest=INDEX,
    descriptor=Descriptor(OCI_INDEX, INDEX, 7),
    images={"linux/amd64": IMAGE, "linux/arm64": sha256_digest(b"other")},
    provenances={"linux/amd64": {"buildType": "x"}},
)


def test_images_of_several_platforms_are_known_by_their_index(tmp_path: Path) -> None:
    write_files(SEVERAL, str(tmp_path / "id"), str(tmp_path / "facts"))
    assert (tmp_path / "id").read_text() == INDEX
    facts = json.loads((tmp_path / "facts").read_text())
    assert "containerimage.config.digest" not in facts
    assert facts["containerimage.digest"] == INDEX
    assert facts["containerimage.descriptor"] == {
        "mediaType": OCI_INDEX,
        "digest": INDEX,
        "size": 7,
    }
    assert facts["image.name"] == "r.example/app:1"


def test_provenance_stands_once_under_buildx_s_key() -> None:
    facts = metadata(SEVERAL)
    assert facts["buildx.build.provenance"] == {"buildType": "x"}
    assert "buildType" not in json.dumps(facts["jettison"], default=str)


def test_files_that_cannot_be_written_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="cannot write"):
        write_files(BuildResult(IMAGE), str(tmp_path / "no/id"), "")
    with pytest.raises(ExportError, match="cannot write"):
        write_files(BuildResult(IMAGE), "", str(tmp_path))


def test_only_a_file_is_stale(tmp_path: Path) -> None:
    (tmp_path / "id").write_text("old")
    for name in ("id", "id", "", "/dev/null", str(tmp_path)):
        remove_stale(str(tmp_path / name) if name == "id" else name)
    assert not (tmp_path / "id").exists()
    assert Path("/dev/null").exists()
