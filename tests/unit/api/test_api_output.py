"""What is asked for becomes exporters, in order, before anything is built."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from jettison.api.output import prepare_outputs, reads_layers
from jettison.api.request import BuildRequest
from jettison.api.session import Session
from jettison.errors import UsageError
from jettison.exporter.outputs import (
    CacheOnlyOutput,
    ImageOutput,
    LocalOutput,
    OciOutput,
    OutputRequest,
    RegistryOutput,
    TarOutput,
)
from jettison.settings import Settings


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    with Session.open(Settings(root=str(tmp_path / "store")), os.environ) as opened:
        yield opened


def titles(
    session: Session, *outputs: OutputRequest, tags: tuple[str, ...] = (), push: bool = False
) -> list[str]:
    request = BuildRequest(".", outputs=outputs, tags=tags, push=push)
    return [each.title for each in prepare_outputs(session, request)]


def test_an_image_goes_to_the_store_unless_it_goes_elsewhere_without_a_name(session: Session):
    assert titles(session) == ["exporting to image"]
    assert titles(session, TarOutput("-")) == ["exporting to tar -"]
    assert titles(session, TarOutput("-"), tags=("a",)) == [
        "exporting to image",
        "exporting to tar -",
    ]
    assert titles(session, CacheOnlyOutput()) == []


def test_push_is_an_output_to_the_registries_of_the_tags(session: Session):
    pushed = "pushing example.org/a:latest, b:latest"
    tags = ("example.org/a", "b")
    assert titles(session, tags=tags, push=True) == ["exporting to image", pushed]
    assert titles(session, RegistryOutput(), tags=tags, push=True) == ["exporting to image", pushed]


def test_a_push_without_a_name_is_an_error(session: Session):
    with pytest.raises(UsageError, match="`type=registry` needs a name"):
        titles(session, RegistryOutput())


@pytest.mark.parametrize(
    ("output", "reads"),
    [
        (ImageOutput(), False),
        (ImageOutput(push=True), True),
        (RegistryOutput(), True),
        (OciOutput("a"), True),
        (LocalOutput("a"), True),
        (CacheOnlyOutput(), False),
    ],
)
def test_what_writes_blobs_or_files_reads_layers(output: OutputRequest, reads: bool):
    assert reads_layers(BuildRequest(".", outputs=(output,))) is reads


def test_only_a_push_reads_the_layers_of_an_image_for_the_store():
    assert not reads_layers(BuildRequest(".", tags=("a",)))
    assert reads_layers(BuildRequest(".", tags=("a",), push=True))
