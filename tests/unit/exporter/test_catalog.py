"""The exporter of each kind of output."""

from __future__ import annotations

from pathlib import Path

import pytest

from image_rig import Rig
from jettison.errors import ExportError, UsageError
from jettison.exporter.catalog import make_exporter
from jettison.exporter.image import StoreExporter
from jettison.exporter.oci import ArchiveExporter
from jettison.exporter.outputs import (
    CacheOnlyOutput,
    DockerOutput,
    ImageOutput,
    LocalOutput,
    OciOutput,
    RegistryOutput,
    TarOutput,
)
from jettison.exporter.registry import RegistryExporter
from jettison.exporter.rootfs import RootfsExporter
from jettison.image.manifest import Compression
from jettison.oci.reference import parse_reference

NAME = parse_reference("r.example.org/a:1")


@pytest.fixture
def rig(tmp_path: Path):
    with Rig(tmp_path / "store") as opened:
        yield opened


@pytest.mark.parametrize(
    ("output", "kind"),
    [
        (ImageOutput(), StoreExporter),
        (RegistryOutput(), RegistryExporter),
        (OciOutput(dest="-"), ArchiveExporter),
        (DockerOutput(dest="-"), ArchiveExporter),
        (LocalOutput(dest="out"), RootfsExporter),
        (TarOutput(dest="-"), RootfsExporter),
        (CacheOnlyOutput(), type(None)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_output_has_its_exporter(rig, output, kind):
    assert type(make_exporter(output, rig.services, names=[NAME])) is kind


@pytest.mark.parametrize(
    ("output", "rewrites", "packs"),
    [
        (ImageOutput(), None, None),
        (RegistryOutput(rewrite_timestamp=True), True, Compression()),
        (OciOutput(dest="-", rewrite_timestamp=False), False, Compression()),
        (LocalOutput(dest="out"), None, None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_exporter_says_before_what_it_wants_of_an_image(rig, output, rewrites, packs):
    exporter = make_exporter(output, rig.services, names=[NAME])
    assert exporter is not None
    assert (exporter.wishes.rewrite_times, exporter.packs) == (rewrites, packs)


def test_what_cannot_succeed_is_told_before_a_build(rig, tmp_path):
    with pytest.raises(UsageError):
        make_exporter(RegistryOutput(), rig.services)
    with pytest.raises(ExportError, match="there is no directory"):
        make_exporter(OciOutput(dest=f"{tmp_path}/no/image"), rig.services)
