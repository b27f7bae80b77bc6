"""Every build case of the corpora gives what BuildKit gives: files, owners, modes, config, history.

Each case builds in this process with the whole of Jettison; the result leaves as an OCI layout
that is read without our own code.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance import box, contexts, corpora, images
from conformance.differences import DIFFERENCES
from host_tools import lacking, tool
from jettison.api.build import build
from jettison.api.request import BuildRequest, SecretRequest
from jettison.api.session import Session
from jettison.errors import InternalError, JettisonError
from jettison.exporter.outputs import OciOutput
from jettison.settings import Settings
from turns import has_turn

Json = dict[str, Any]

LARGER_BASES = {
    "busybox": "busybox",
    "alpine": "alpine",
    "debian:bookworm-slim": "debian-bookworm-slim",
    "python:3.11-slim": "python-3.11-slim",
    "golang": "golang",
    "node:20": "node-20",
}
"""Base images of the larger corpora."""

pytestmark = [
    pytest.mark.needs_root,  # contexts have owners
    pytest.mark.xdist_group("goldens"),  # one waits for base images, and the others go on
]

OWN = [*corpora.own_cases("build"), *corpora.own_cases("ignore")]
OWN_NAMES = {case["name"] for case in OWN}
CASES = corpora.build_cases()
PLAIN = [case for case in CASES if "steps" not in case and has_turn(str(case["name"]), 2)]
STEPPED = [case for case in CASES if "steps" in case]


@pytest.fixture(scope="session")
def own_bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Base images of the own corpus by name."""
    busybox = tool("busybox")
    if not box.is_static(Path(busybox)):
        lacking("busybox-static")
    layout = tmp_path_factory.mktemp("bases") / box.NAME
    return {box.NAME: box.make(busybox, layout)}


@pytest.fixture(scope="session")
def larger_bases() -> dict[str, Path]:
    """Base images of the larger corpora by name, made once a machine."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    place = cache / "jettison-test" / "bases"
    place.mkdir(parents=True, exist_ok=True)
    with (place / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        missing = [n for n, d in LARGER_BASES.items() if not (place / d / "index.json").exists()]
        if missing:
            script = corpora.BESIDE.parent / "bases" / "make_bases.py"
            subprocess.run([sys.executable, script, place, *missing], check=True)
    return {name: place / directory for name, directory in LARGER_BASES.items()}


@pytest.fixture(scope="session")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    root = tmp_path_factory.mktemp("store")
    with Session.open(Settings(root=str(root), ca_bundle="none"), os.environ) as opened:
        yield opened


class Builder:
    """Builds cases; each result is an image, or None for a build that was refused."""

    def __init__(self, session: Session, bases: dict[str, Path], tmp: Path) -> None:
        self.session = session
        self.bases = bases
        self.tmp = tmp
        self.error: JettisonError | None = None
        self._count = 0

    def prerequisites(self, case: Json) -> dict[str, str]:
        """Build images that the case starts from; return them as named contexts."""
        made: dict[str, str] = {}
        for number, needed in enumerate(case.get("prereq", ())):
            folder = self.tmp / f"prereq{number}"
            contexts.write_context(contexts.entries_of(needed), folder)
            layout = self.build(needed, folder, {}, made)
            assert layout is not None, f"prerequisite failed: {self.error}"
            made[needed["name"]] = f"oci-layout://{layout}"
        return made

    def build(self, case: Json, folder: Path, options: Json, made: dict[str, str]) -> Path | None:
        self._count += 1
        layout = self.tmp / f"image{self._count}"
        request = self.request(case, folder, options, made, layout)
        self.error = None
        try:
            build(self.session, request, lambda event: None)
        except InternalError:
            raise
        except JettisonError as error:
            self.error = error
            return None
        return layout

    def request(
        self, case: Json, folder: Path, options: Json, made: dict[str, str], layout: Path
    ) -> BuildRequest:
        text = case["dockerfile"]
        sources = {
            name: f"oci-layout://{layout}"
            for name, layout in self.bases.items()
            if f"as {name}" not in text.lower()
        }
        sources |= made
        for name, source in options.get("build_contexts", {}).items():
            if "context" in source:
                sources[name] = str(self.tmp / f"named-{contexts.plain_name(name)}")
            else:
                image = source["image"]
                sources[name] = made.get(image) or sources.get(image) or f"docker-image://{image}"
        named = case.get("dockerfile_arg", case.get("dockerfile_path", ""))
        return BuildRequest(
            context=str(folder),
            dockerfile=str(folder / named) if named else "",
            contexts=sources,
            target=options.get("target", ""),
            # Cache mounts live longer than a case: each case has its own, as on a machine of its own.
            build_args={"BUILDKIT_CACHE_MOUNT_NS": self.tmp.name} | options.get("build_args", {}),
            labels=options.get("labels", {}),
            platforms=(options["platform"],) if options.get("platform") else (),
            secrets=self.secrets(options),
            secrets_in_layers=True,  # cases write them, to show that they were there
            no_cache=options.get("no_cache", False),
            no_cache_stages=_stages(options.get("no_cache_filter", ())),
            network="host",
            outputs=(OciOutput(str(layout), tar=False),),
        )

    def secrets(self, options: Json) -> tuple[SecretRequest, ...]:
        found = []
        for name, text in options.get("secrets", {}).items():
            path = self.tmp / f"secret-{name}"
            path.write_text(text)
            found.append(SecretRequest(id=name, source=str(path)))
        return tuple(found)


def _stages(value: str | list[str]) -> tuple[str, ...]:
    return tuple(value.split(",")) if isinstance(value, str) else tuple(value)


@pytest.fixture
def builder(
    case: Json, session: Session, request: pytest.FixtureRequest, tmp_path: Path
) -> Builder:
    which = "own_bases" if case["name"] in OWN_NAMES else "larger_bases"
    return Builder(session, request.getfixturevalue(which), tmp_path)


@pytest.fixture
def address(case: Json, tmp_path: Path) -> Iterator[str]:
    """Address of the server that has what the case fetches."""
    with contexts.served(case, tmp_path / "git") as found:
        yield found


@pytest.mark.parametrize("case", PLAIN, ids=lambda case: str(case["name"]))
def test_a_build_equals_the_golden_of_buildkit(case: Json, builder: Builder, address: str) -> None:
    """The built image has the files, config and history that BuildKit made."""
    made = builder.prerequisites(case)
    contexts.write_contexts(case, builder.tmp, address)
    layout = builder.build(case, builder.tmp / "context", case.get("options", {}), made)
    outcome = "error" if layout is None else "success"
    if case.get("also_ok") == outcome:
        return
    if case["name"] in DIFFERENCES:
        assert differs(case, layout, builder)
        return
    if case["expected"].get("error"):
        assert layout is None, f"must fail: {case['expected'].get('message')}"
        assert builder.error is not None
        assert builder.error.message
        assert has_place(builder.error), repr(builder.error)
        return
    assert layout is not None, f"{builder.error!r}"
    assert images.compare(case, images.Image(layout), builder.bases) == []


def differs(case: Json, layout: Path | None, builder: Builder) -> bool:
    """Tell whether a case still differs as it is listed; else it is to be taken from the list."""
    must_fail = bool(case["expected"].get("error"))
    if layout is None or must_fail:
        return must_fail != (layout is None)
    return images.compare(case, images.Image(layout), builder.bases) != []


def has_place(error: JettisonError) -> bool:
    """Tell whether an error says where in the Dockerfile, or that it is about something else."""
    if error.span is None:
        return error.message.startswith(("`.dockerignore:", "target stage "))
    return error.source is not None and error.span.line > 0


@pytest.mark.parametrize("case", STEPPED, ids=lambda case: str(case["name"]))
def test_a_sequence_of_builds_uses_the_cache_as_the_golden_demands(
    case: Json, builder: Builder, address: str
) -> None:
    """Steps that must come from the cache do, and those that must be built again are."""
    made = builder.prerequisites(case)
    date = contexts.date_of(case)
    built = []
    for number, (entries, options) in enumerate(contexts.steps_of(case, address)):
        folder = builder.tmp / f"context{number}"
        contexts.write_context(entries, folder, date=date)
        contexts.write_named(options, builder.tmp, date=date)
        layout = builder.build(case, folder, options, made)
        built.append(images.Image(layout) if layout is not None else None)
    assert images.compare_steps(case, built) == []
