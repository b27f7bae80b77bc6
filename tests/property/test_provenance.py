"""Sums and lines of provenance on random Dockerfiles, judged by GNU tar and by building again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from generated_builds import generate
from jettison.api.build import build
from jettison.api.provenance import open_provenance
from jettison.api.request import BuildRequest
from jettison.api.session import Session
from jettison.errors import JettisonError
from jettison.events import discard
from jettison.provenance.chain import Way
from jettison.provenance.totals import totals
from jettison.settings import Settings
from jettison.store.image import StoredImage
from listing_rig import path_facts
from tar_count import counted, seen_entries, tar_entries

SUMS, REMOVALS = 30, 12


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    store = tmp_path_factory.mktemp("provenance") / "store"
    with Session.open(Settings(root=str(store)), os.environ) as opened:
        yield opened


def built(session: Session, context: Path, text: str, target: str = "") -> StoredImage:
    (context / "Dockerfile").write_text(text)
    request = BuildRequest(context=str(context), target=target, tags=("made",))
    image = session.store.images.get(build(session, request, discard).image_id)
    assert image is not None
    return image


@pytest.mark.parametrize("seed", range(SUMS))
def test_sums_equal_what_gnu_tar_counts(session: Session, tmp_path: Path, seed: int) -> None:
    text = generate(Random(seed), tmp_path)
    image = built(session, tmp_path, text)
    layers = tar_entries(session, image)
    found = totals(open_provenance(session, image, read=False))
    assert found.is_complete
    assert found.visible.bytes == counted(layers)
    shipped = sum(size for entries in layers for kind, _, size, _ in entries if kind == "-")
    assert found.shipped.bytes == shipped
    assert found.lost.files == 0
    produced = [*(each.produced for each in found.stages), *(each.amount for each in found.images)]
    assert sum(each.bytes for each in produced) == found.visible.bytes
    assert sum(each.files for each in produced) == found.visible.files
    provenance = open_provenance(session, image)
    for path, (number, *_) in seen_entries(layers).items():
        assert provenance.chain(path).links[0].position == number
    for each in found.stages:
        stage = provenance.record.stages[each.stage]
        alone = tar_entries(session, built(session, tmp_path, text, stage.name))
        own = sum(len(provenance.record.steps[step.step].layers) for step in stage.steps)
        assert each.visible.bytes == counted(alone)
        assert each.added.bytes == counted(alone, len(alone) - own)
        assert each.reached.bytes + each.left.bytes == each.added.bytes
        assert min(each.left.bytes, each.left.files, each.reached.bytes) >= 0


def test_what_is_left_behind_is_seen_file_by_file(session: Session, tmp_path: Path) -> None:
    image = built(session, tmp_path, generate(Random(1000), tmp_path))
    left: dict[int, int] = {}

    class Observer:
        def produced(self, *_: object) -> None:
            return

        def left(self, stage: int, _directory: str, _names: object, sizes: list[int]) -> None:
            left[stage] = left.get(stage, 0) + sum(sizes)

    found = totals(open_provenance(session, image), Observer())
    assert left == {each.stage: each.left.bytes for each in found.stages if each.left.files}


@pytest.mark.parametrize("seed", range(REMOVALS))
def test_without_the_line_that_is_named_a_path_is_not_what_it_was(
    session: Session, tmp_path: Path, seed: int
) -> None:
    text = generate(Random(seed), tmp_path)
    provenance = open_provenance(session, built(session, tmp_path, text))
    before = path_facts(provenance.image.visible)
    named: dict[tuple[int, int], set[str]] = {}
    for path in before:
        chain = provenance.chain(path)
        assert chain.links[-1].way is not Way.LOST
        for link in chain.links:
            if link.line and link.way is not Way.BASE:
                named.setdefault((link.line, link.end_line), set()).add(path)
    lines = text.splitlines()
    assert named
    for (first, last), paths in named.items():
        without = "\n".join([*lines[: first - 1], *[""] * (last - first + 1), *lines[last:]]) + "\n"
        try:
            other = open_provenance(session, built(session, tmp_path, without))
        except JettisonError:
            continue  # a later line needs it
        after = path_facts(other.image.visible)
        for path in paths:
            if before[path] == after.get(path):
                # Others make this directory, too: the next one is named now.
                assert (
                    provenance.image.visible.mode(provenance.image.visible.entries[path]) >> 12 == 4
                )
                assert other.chain(path).links[0].line != first


def test_a_cached_build_keeps_the_record_and_one_whose_lines_moved_writes_them(
    session: Session, tmp_path: Path
) -> None:
    text = generate(Random(5), tmp_path)
    image = built(session, tmp_path, text)
    path = next(iter(path_facts(open_provenance(session, image).image.visible)))
    digest = session.builds.digest(image.id)
    assert digest
    assert built(session, tmp_path, text).id == image.id
    assert session.builds.digest(image.id) == digest
    assert built(session, tmp_path, "# moved\n" + text).id == image.id
    one = open_provenance(session, image).chain(path).links
    assert built(session, tmp_path, text).id == image.id
    other = open_provenance(session, image).chain(path).links
    assert [each.line for each in one] == [each.line and each.line + 1 for each in other]


def test_a_store_of_an_older_version_gets_its_records_when_it_builds(
    session: Session, tmp_path: Path
) -> None:
    text = generate(Random(6), tmp_path)
    image = built(session, tmp_path, text)
    before = open_provenance(session, image)
    chains = {path: before.chain(path) for path in path_facts(before.image.visible)}
    session.store.database.execute("DELETE FROM origins")
    session.store.database.execute("DELETE FROM build")
    for each in session.layer_store.all():
        (session.layer_store.directory(each).parent / "listing").unlink(missing_ok=True)
    assert built(session, tmp_path, text).id == image.id
    after = open_provenance(session, image)
    assert {path: after.chain(path) for path in path_facts(after.image.visible)} == chains
    assert totals(after) == totals(before)
