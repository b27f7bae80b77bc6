"""Every build case of the corpus gives what BuildKit gives: files, owners, modes, config, history.

Each case builds in this process with the whole of Jettison; the result leaves as an OCI layout
that the corpus's own comparison reads.
"""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from jettison.api.build import build
from jettison.api.request import BuildRequest, SecretRequest
from jettison.api.session import Session
from jettison.errors import InternalError, JettisonError
from jettison.exporter.outputs import OciOutput
from jettison.settings import Settings

Json = dict[str, Any]

SHARED = Path(__file__).resolve().parents[3] / "shared"
CORPUS = SHARED / "conformance" / "build"
BASES = {
    "busybox": "busybox",
    "alpine": "alpine",
    "debian:bookworm-slim": "debian-bookworm-slim",
    "python:3.11-slim": "python-3.11-slim",
    "golang": "golang",
    "node:20": "node-20",
}
DIFFERENCES: dict[str, str] = {}
"""Case to the reason why it must differ; docs/differences.md tells users the same."""


def _load(path: Path) -> list[Json]:
    return json.loads(path.read_text()) if path.exists() else []


CASES = [case for path in sorted(CORPUS.glob("*.json")) for case in _load(path)]
PLAIN = [case for case in CASES if "steps" not in case]
STEPPED = [case for case in CASES if "steps" in case]


@pytest.fixture(scope="session")
def oci() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "compare_oci", SHARED / "conformance" / "compare_oci.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["compare_oci"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def bases() -> Path:
    """Base images as OCI layouts, made once a machine."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    place = cache / "jettison-test" / "bases"
    place.mkdir(parents=True, exist_ok=True)
    with (place / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        missing = [n for n, d in BASES.items() if not (place / d / "index.json").exists()]
        if missing:
            if os.geteuid() != 0:
                _lacking("base images are made as root")
            script = SHARED / "bases" / "make_bases.py"
            subprocess.run([sys.executable, script, place, *missing], check=True)
    return place


def _lacking(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    if not CASES:
        _lacking("the corpus is not here")
    if os.geteuid() != 0:
        _lacking("contexts of the corpus have owners: needs root")
    root = tmp_path_factory.mktemp("store")
    with Session.open(Settings(root=str(root), ca_bundle="none"), os.environ) as opened:
        yield opened


class Builder:
    """Builds cases; each result is a layout, or None for a build that was refused."""

    def __init__(self, session: Session, oci: ModuleType, bases: Path, tmp: Path) -> None:
        self.session = session
        self.oci = oci
        self.bases = bases
        self.tmp = tmp
        self.error: JettisonError | None = None
        self._count = 0

    def prerequisites(self, case: Json) -> dict[str, str]:
        """Build images that the case starts from; return them as named contexts."""
        made: dict[str, str] = {}
        for number, needed in enumerate(case.get("prereq", ())):
            folder = self.tmp / f"prereq{number}"
            self.oci.materialize(self.oci.case_context(needed), folder)
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
        contexts = {
            name: f"oci-layout://{self.bases / directory}"
            for name, directory in BASES.items()
            if f"as {name}" not in text.lower()
        }
        contexts |= made
        for name, source in options.get("build_contexts", {}).items():
            if "context" in source:
                contexts[name] = str(self.tmp / f"named-{self.oci.base_dir_name(name)}")
            else:
                image = source["image"]
                contexts[name] = made.get(image) or contexts.get(image) or f"docker-image://{image}"
        named = case.get("dockerfile_arg", case.get("dockerfile_path", ""))
        return BuildRequest(
            context=str(folder),
            dockerfile=str(folder / named) if named else "",
            contexts=contexts,
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
def builder(session: Session, oci: ModuleType, bases: Path, tmp_path: Path) -> Builder:
    return Builder(session, oci, bases, tmp_path)


@pytest.fixture
def served(oci: ModuleType) -> Iterator[Callable[[Json], str]]:
    servers = []

    def serve(case: Json) -> str:
        if not case.get("http"):
            return ""
        server = oci.FileServer(case["http"])
        servers.append(server)
        return str(server.__enter__().address)

    yield serve
    for server in servers:
        server.__exit__(None, None, None)


@pytest.mark.parametrize("case", PLAIN, ids=lambda case: str(case["name"]))
def test_a_build_equals_the_golden_of_buildkit(
    case: Json, builder: Builder, served: Callable[[Json], str]
) -> None:
    """The built image has the files, config and history that BuildKit made."""
    made = builder.prerequisites(case)
    builder.oci.materialize_case(case, builder.tmp, served(case))
    layout = builder.build(case, builder.tmp / "context", case.get("options", {}), made)
    outcome = "error" if layout is None else "success"
    if case["name"] in DIFFERENCES or case.get("also_ok") == outcome:
        return
    if case["expected"].get("error"):
        assert layout is None, f"must fail: {case['expected'].get('message')}"
        assert builder.error is not None
        assert builder.error.message
        assert has_place(builder.error), repr(builder.error)
        return
    assert layout is not None, f"{builder.error!r}"
    differences = builder.oci.compare(case, layout, builder.bases)
    assert [str(each) for each in differences] == []


def has_place(error: JettisonError) -> bool:
    """Tell whether an error says where in the Dockerfile, or that it is about something else."""
    if error.span is None:
        return error.message.startswith(("`.dockerignore:", "target stage "))
    return error.source is not None and error.span.line > 0


@pytest.mark.parametrize("case", STEPPED, ids=lambda case: str(case["name"]))
def test_a_sequence_of_builds_uses_the_cache_as_the_golden_demands(
    case: Json, builder: Builder, served: Callable[[Json], str]
) -> None:
    """Steps that must come from the cache do, and those that must be built again are."""
    made = builder.prerequisites(case)
    address = served(case)
    images = []
    for number, (context, options) in enumerate(builder.oci.step_contexts(case, address)):
        folder = builder.tmp / f"context{number}"
        date = builder.oci.case_date(case)
        builder.oci.materialize(context, folder, date=date)
        for name, source in options.get("build_contexts", {}).items():
            if "context" in source:
                place = builder.tmp / f"named-{builder.oci.base_dir_name(name)}"
                builder.oci.materialize(source["context"], place, date=date)
        images.append(builder.build(case, folder, options, made))
    assert [str(each) for each in builder.oci.compare_steps(case, images)] == []


def test_at_most_two_percent_of_the_cases_differ():
    """Differences are exceptions."""
    names = {case["name"] for case in CASES}
    assert set(DIFFERENCES) <= names
    assert len(DIFFERENCES) <= 0.02 * max(len(names), 1)
