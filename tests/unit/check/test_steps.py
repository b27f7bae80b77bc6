"""Steps of builds as rules see them, and rules about times, modes and sizes of contexts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from jettison.api.build import build
from jettison.api.request import BuildRequest
from jettison.api.roots import Roots
from jettison.api.session import Session
from jettison.check import units
from jettison.check.edits import replaced, text_of, with_flags
from jettison.check.layer_facts import Marks
from jettison.check.layers import own_files
from jettison.check.rules.ms702 import MS702
from jettison.check.rules.ms705 import MS705
from jettison.check.rules.ms706 import MS706
from jettison.check.steps import (
    amounts_in,
    copies,
    folders_of,
    image_bytes,
    image_steps,
    instructions_of,
    is_from_context,
    layer_paths,
    listing_of,
    marked_files,
    new_bytes,
    origins_of,
    stage_steps,
)
from jettison.check.subject import Subject
from jettison.findings.fix import apply_fix
from jettison.image.names import find_image
from jettison.oci.codec import decode
from jettison.oci.config import ImageConfig
from jettison.oci.platform import normalise
from jettison.provenance.chain import Provenance
from jettison.provenance.record import StepKind
from jettison.settings import load_settings

Make = Callable[..., Subject]


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Make]:
    """A function that builds files and a Dockerfile without RUN; ``seconds`` are of all steps."""
    environ = {"PATH": "/nowhere", "HOME": str(tmp_path)}
    settings = load_settings(environ, root=str(tmp_path / "store"))
    context = tmp_path / "context"
    with Session.open(settings, environ) as session:

        def make(text: str, files: dict[str, str], mode: int = 0o644) -> Subject:
            for name, content in files.items():
                place = context / name
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(content)
                place.chmod(mode)
            (context / "Dockerfile").write_text(text)
            done = build(session, BuildRequest(context=str(context)), lambda _event: None)
            image = find_image(session.store, done.image_id)
            roots = Roots(session, image, read=True)
            root = roots.image()
            assert root is not None
            config = decode(ImageConfig, image.config).config
            platform = normalise("linux", "amd64")
            return Subject(roots.provenance, config, platform, root, roots.stage)

        yield make


TWO_STAGES = """FROM scratch AS build
COPY a b /src/
WORKDIR /src
FROM scratch AS base
COPY a /base
FROM base
COPY --from=build /src/a \\
  /x
# a comment
ENV A=1
"""


def test_steps_have_instructions_layers_and_origins(made: Make):
    subject = made(TWO_STAGES, {"a": "aa", "b": "bbb"})
    steps = subject.fact(stage_steps)
    assert [[step.record.line for step in each] for each in steps.values()] == [[2, 3], [5], [7]]
    assert [step.record.line for step in subject.fact(image_steps)] == [5, 7]
    base, copy = copies(subject)
    assert (copy.span.line, copy.span.end_line, copy.position) == (7, 8, 1)
    assert [each.name for each in instructions_of(subject, 2)] == ["COPY", "ENV"]
    listing, origins = listing_of(subject, copy), origins_of(subject, copy)
    assert listing is not None
    assert origins is not None
    assert list(layer_paths(listing)) == ["/x"]
    assert origins.find("/x").path == "/src/a"
    assert is_from_context(subject, base)
    assert not is_from_context(subject, copy)
    every = Marks("all", lambda _path, _mode: True)
    found = [(path, count, span and span.line) for path, count, span in own_files(subject, every)]
    assert found == [("/base", 2, 5), ("/x", 2, 7)]
    assert list(marked_files(subject, copy, every)) == [("/x", 2)]
    assert folders_of(subject, copy) == [""]
    assert amounts_in(listing, [""]) == {"": (2, 1)}
    assert amounts_in(listing, ["/a"]) == {}
    assert image_bytes(subject) == new_bytes(subject) == 4


def test_instructions_are_changed_where_they_are(made: Make):
    subject = made(TWO_STAGES, {"a": "aa", "b": "bbb"})
    _, copy = copies(subject)
    assert text_of(subject, 7, 8) == "COPY --from=build /src/a \\\n  /x"
    (fix,) = with_flags(subject, copy, "--chown=1:1", "--chmod=600")
    assert "\nCOPY --chown=1:1 --chmod=600 --from=build /src/a \\\n  /x\n# a" in apply_fix(
        TWO_STAGES, fix
    )
    (fix,) = replaced(subject, copy, r"/x$", "/y")
    assert "\n  /y\n" in apply_fix(TWO_STAGES, fix)
    assert replaced(subject, copy, "nothing", "x") == with_flags(subject, copy) == ()


def test_numbers_are_short():
    assert (units.size(1_500_000), units.counted(2, "file"), units.seconds(41.4)) == (
        *("1.5 MB", "2 files", "41 s"),
    )


SOURCES = {f"src/{name}": name for name in "abc"}


@pytest.mark.parametrize(
    ("mode", "flags", "found"),
    [(0o664, "", [2]), (0o644, "", []), (0o664, "--chmod=u=rwX ", [])],
)
def test_modes_of_a_umask_are_found(made: Make, mode: int, flags: str, found: list[int]):
    subject = made(f"FROM scratch\nCOPY {flags}src /src\n", SOURCES, mode)
    assert [each.line for each in MS702().check(subject)] == found


def test_what_tools_make_in_a_context_is_found(made: Make):
    files = {f"app/node_modules/m{number}/x.js": "x" for number in range(100)}
    subject = made("FROM scratch\nCOPY . /app\n", {**files, "app/x.js": "x"})
    (finding,) = MS706().check(subject)
    assert (finding.line, finding.severity.value) == (2, "note")
    assert "`app/node_modules` of the context is copied: 100 B, 100 files" in finding.detail
    assert finding.fixes[0].text == "write `app/node_modules` into .dockerignore"


RUNS = """FROM scratch
COPY a /
RUN --network=none npm ci
RUN --mount=type=cache,target=/root/.npm npm ci
RUN apt-get update && apt-get install -y gcc
RUN echo npm ci
"""


@pytest.mark.parametrize(("seconds", "found"), [(6, [3, 5]), (4, [])])
def test_installations_without_a_cache_mount_are_found(made: Make, seconds: int, found: list[int]):
    subject = with_runs(made("FROM scratch\nCOPY a /\n", {"a": "a"}), RUNS, seconds)
    findings = list(MS705().check(subject))
    assert [each.line for each in findings] == found
    if found:
        assert findings[0].fixes[0].text == (
            "RUN --mount=type=cache,target=/root/.npm --network=none npm ci"
        )
        assert "target=/var/cache/apt,sharing=locked" in findings[1].fixes[0].text


def with_runs(subject: Subject, text: str, seconds: int) -> Subject:
    """Return a subject whose record says that it ran, for so long, the RUNs of a text."""
    record = subject.record
    (stage,) = record.stages
    lines = text.splitlines()
    steps, own = list(record.steps), list(stage.steps)
    for number, line in enumerate(lines, 1):
        if line.startswith("RUN"):
            ran = msgspec.structs.replace(
                steps[-1], kind=StepKind.RUN, layers=(), origins="", duration_ns=seconds * 10**9
            )
            own.append(
                msgspec.structs.replace(own[-1], step=len(steps), line=number, end_line=number)
            )
            steps.append(ran)
    record = msgspec.structs.replace(
        record,
        source=text,
        steps=tuple(steps),
        stages=(msgspec.structs.replace(stage, steps=tuple(own)),),
    )
    provenance = Provenance(record, {}, lambda _layer: None)
    return Subject(provenance, subject.config, subject.platform, subject.image, subject.stage)


def test_a_file_that_cannot_be_parsed_here_has_no_instructions(made: Make):
    subject = made("FROM scratch\nCOPY a /\n", {"a": os.fsdecode(b"a")})
    other = with_runs(subject, "NOSUCH x\n", 1)
    assert [step.instruction for step in other.fact(image_steps)] == [None]
    assert instructions_of(other, 0) == ()
