"""Which modules unit tests name, who exercises the others, and where unit tests are.

A module is named when a file of ``tests/unit`` imports it, or something from it. What no unit
test can name stands in ``ELSEWHERE`` with the reason and the suites that exercise it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import msgspec
import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src"
TESTS = ROOT / "tests"
UNIT = TESTS / "unit"
NOT_OF_THE_PACKAGE = {"bench", "contrib", "docs", "examples", "scripts"}
"""Directories of ``tests/unit`` about other directories of the project."""

_STARTED = re.compile(r"(?:from|import) (jettison[.\w]*)|^(jettison(?:\.\w+)+)$")
"""Modules in texts: those of programs that are executed alone."""


class Elsewhere(msgspec.Struct, frozen=True):
    """Why unit tests do not name a module, and the suites that exercise it."""

    reason: str
    suites: tuple[str, ...]


_COMMANDS = Elsewhere("a command line: a process with arguments, output and a status", ("e2e",))
_HELPER = Elsewhere(
    "runs in the helper or in a container's first process, with privileges and a root of its own",
    ("contract/test_sandbox.py", "hostile"),
)
_DRIVERS = Elsewhere("starts containers", ("contract/test_sandbox.py",))
_ROOTS = Elsewhere("makes root file systems for containers", ("integration/test_snapshotters.py",))
_IMAGES = Elsewhere("works on whole images in a store", ("contract/test_exporter.py",))
_COPIES = Elsewhere(
    "a part of `copier.write`, which is tested whole: layers on disk",
    ("unit/copier/test_copier_write.py", "conformance/test_copy_corpus.py"),
)
_SOLVES = Elsewhere(
    "a part of a solve, which is tested whole: results and events of plans",
    ("property/test_solver_properties.py", "engine"),
)
_RUNS = Elsewhere("wires drivers for one command", ("e2e",))
_PACKAGES = Elsewhere(
    "a kind of packages; they are read together",
    ("unit/analysis/test_packages.py", "unit/analysis/test_package_records.py"),
)
_CHECKS = Elsewhere("built, checked, run and mended for real", ("checks",))
_ELF = Elsewhere("a part of an ELF file; they are read together", ("unit/analysis/test_elf.py",))
_LOADERS = Elsewhere(
    "a part of a loader; they find libraries together", ("unit/analysis/test_loader.py",)
)
_REPORTS = Elsewhere(
    "a part of a report, which is tested whole: on images that were built",
    ("integration/test_report_sums.py", "e2e/test_cli_report.py"),
)
_SBOMS = Elsewhere(
    "a part of bills of materials, which are tested whole: documents against their schemas",
    ("unit/sbom/test_sbom_documents.py", "e2e/test_cli_sbom.py"),
)
_KEYLESS = Elsewhere(
    "speaks with services of sigstore's and a registry", ("e2e/test_cli_keyless.py",)
)
_ATTESTED = Elsewhere("speaks with a registry, after a build", ("e2e/test_cli_attest.py",))
_ENGINES = Elsewhere("speaks with an engine", ("contract/test_engine.py",))
_PARTS = Elsewhere("speaks with a registry", ("integration/test_parts.py",))
_REFERRERS = Elsewhere("speaks with a registry", ("e2e/test_report_in_registry.py",))
_TRACES = Elsewhere(
    "remembers whole builds, and explains them by each other",
    ("engine/test_why_edits.py", "property/test_why_properties.py"),
)
_CACHES = Elsewhere(
    "a cache on another machine: whole builds with a directory and a registry",
    ("engine/test_remote_cache.py", "contract/test_cache_backend.py"),
)
_PLACES = Elsewhere(
    "asks a bucket or the service of GitHub, which are started for it",
    ("contract/test_cache_places.py", "faults/test_cache_faults.py"),
)
_CONTAINERS = Elsewhere("works on containers that run", ("e2e/test_cli_containers.py",))

_COPIED = Elsewhere(
    "copies whole images between registries, files and a store",
    ("integration/test_copy.py", "faults/test_registry_faults.py"),
)
_FORMS = Elsewhere("builds an image twice", ("engine/test_image_forms.py",))

ELSEWHERE: dict[str, Elsewhere] = {
    "jettison.__main__": _COMMANDS,
    "jettison.cli.*": _COMMANDS,
    "jettison.api.build_record": _RUNS,
    "jettison.api.copy": _COPIED,
    "jettison.api.manifest_lists": _COPIED,
    "jettison.exporter.copying.from_registry": _COPIED,
    "jettison.exporter.copying.from_store": _COPIED,
    "jettison.exporter.copying.to_archive": _COPIED,
    "jettison.exporter.copying.to_registry": _COPIED,
    "jettison.exporter.copying.to_store": _COPIED,
    "jettison.image.merge": _PARTS,
    "jettison.api.solving": _RUNS,
    "jettison.api.caches": _CACHES,
    "jettison.api.caches_in_use": _CACHES,
    "jettison.api.lost": _CACHES,
    "jettison.remote.actions": _PLACES,
    "jettison.remote.actions_cache": _PLACES,
    "jettison.remote.backend": _CACHES,
    "jettison.remote.bucket": _PLACES,
    "jettison.remote.inline": _CACHES,
    "jettison.remote.mounts": _CACHES,
    "jettison.remote.objects": _PLACES,
    "jettison.remote.places": _PLACES,
    "jettison.remote.registry": _CACHES,
    "jettison.remote.signed": _PLACES,
    "jettison.remote.writer": _CACHES,
    "jettison.api.early_push": Elsewhere(
        "decides by a whole request what may leave", ("integration/test_early_push.py",)
    ),
    "jettison.api.outcome": _REPORTS,
    "jettison.api.verdict": _REPORTS,
    "jettison.check.alignment": _CHECKS,
    "jettison.check.diagnosis": _CHECKS,
    "jettison.check.loads": _CHECKS,
    "jettison.check.wording": _CHECKS,
    "jettison.check.node_programs": _CHECKS,
    "jettison.check.node_sources": _CHECKS,
    "jettison.check.python.*": _CHECKS,
    "jettison.check.rules.*": _CHECKS,
    "jettison.check.runtimes.*": _CHECKS,
    "jettison.analysis.elf.modules": _PACKAGES,
    "jettison.analysis.packages.*": _PACKAGES,
    "jettison.analysis.elf.notes": _ELF,
    "jettison.analysis.elf.reader": _ELF,
    "jettison.analysis.elf.sections": _ELF,
    "jettison.analysis.elf.segments": _ELF,
    "jettison.analysis.elf.versions": _ELF,
    "jettison.analysis.loader.family": _CHECKS,
    "jettison.analysis.loader.system": _CHECKS,
    "jettison.analysis.loader.glibc": _LOADERS,
    "jettison.analysis.loader.musl": _LOADERS,
    "jettison.analysis.loader.search": _LOADERS,
    "jettison.analysis.loader.sound": _LOADERS,
    "jettison.api.engine": _ENGINES,
    "jettison.api.engine_exporter": _ENGINES,
    "jettison.engine.classic": _ENGINES,
    "jettison.engine.service": _ENGINES,
    "jettison.engine.containerd": _ENGINES,
    "jettison.engine.podman": _ENGINES,
    "jettison.api.attached_report": _REFERRERS,
    "jettison.api.attest": _ATTESTED,
    "jettison.api.attest_build": _ATTESTED,
    "jettison.api.attest_push": _ATTESTED,
    "jettison.api.scanned_stages": _ATTESTED,
    "jettison.api.signing": _ATTESTED,
    "jettison.api.signing_keyless": _KEYLESS,
    "jettison.attest.keyless.sign": _KEYLESS,
    "jettison.attest.keyless.token": _KEYLESS,
    "jettison.attest.keyless.transport": _KEYLESS,
    "jettison.api.verify": _ATTESTED,
    "jettison.exporter.attested_files": _ATTESTED,
    "jettison.image.signed_tags": _ATTESTED,
    "jettison.image.bundles": _KEYLESS,
    "jettison.image.referrers": _REFERRERS,
    "jettison.api.merge": _PARTS,
    "jettison.api.parts": _PARTS,
    "jettison.image.parts": _PARTS,
    "jettison.api.build_report": _REPORTS,
    "jettison.api.built": _RUNS,
    "jettison.api.counterfactual": _REPORTS,
    "jettison.api.debug": _RUNS,
    "jettison.api.digests": _RUNS,
    "jettison.api.remember": _TRACES,
    "jettison.api.reproduce": _FORMS,
    "jettison.api.trace": _TRACES,
    "jettison.api.why": _TRACES,
    "jettison.api.facts": _REPORTS,
    "jettison.api.manifest": _RUNS,
    "jettison.api.container_document": _CONTAINERS,
    "jettison.api.containers": _CONTAINERS,
    "jettison.api.attach": _CONTAINERS,
    "jettison.api.cp": _CONTAINERS,
    "jettison.api.export": _RUNS,
    "jettison.api.image_files": Elsewhere(
        "looks into whole images, here and in a registry",
        ("property/test_image_files.py", "integration/test_image_files_in_registry.py"),
    ),
    "jettison.api.kept": Elsewhere("says why a store keeps its parts", ("engine/test_disk.py",)),
    "jettison.api.detach": _CONTAINERS,
    "jettison.api.exec": _CONTAINERS,
    "jettison.api.held": _CONTAINERS,
    "jettison.api.kept_build": _RUNS,
    "jettison.api.logs": _CONTAINERS,
    "jettison.container.state.keyboard": _CONTAINERS,
    "jettison.api.process": _CONTAINERS,
    "jettison.api.supervise": _CONTAINERS,
    "jettison.api.supervisor": _CONTAINERS,
    "jettison.api.provenance": _RUNS,
    "jettison.api.make_report": _REPORTS,
    "jettison.api.report": _REPORTS,
    "jettison.api.run": _RUNS,
    "jettison.api.anywhere": _SBOMS,
    "jettison.api.sbom": _SBOMS,
    "jettison.api.stages": _RUNS,
    "jettison.sbom.components": _SBOMS,
    "jettison.sbom.properties": _SBOMS,
    "jettison.solver.explain": Elsewhere(
        "gathers what is known of a step that failed", ("faults/test_explained.py",)
    ),
    "jettison.failure.causes.*": Elsewhere(
        "a cause of `failure.explain`, which is tested with a log for each",
        ("unit/failure/test_failure_explain.py",),
    ),
    "jettison.copier.bulk": _COPIES,
    "jettison.copier.members": _COPIES,
    "jettison.copier.same": _COPIES,
    "jettison.copier.unpack": _COPIES,
    "jettison.exporter.directory": _IMAGES,
    "jettison.frontend.dockerfile.lower_run": Elsewhere(
        "one function, which compiling calls", ("unit/frontend/dockerfile/test_lower_run.py",)
    ),
    "jettison.image.commit": Elsewhere(
        "tested by what a session commits", ("unit/image/test_packing_commit.py",)
    ),
    "jettison.image.layers": Elsewhere(
        "tested as the rig's `blobs`", ("unit/image/test_layer_blobs.py",)
    ),
    "jettison.image.pull": _IMAGES,
    "jettison.layer.observer": Elsewhere(
        "a protocol, and one that does nothing", ("unit/layer/test_layer_pack.py",)
    ),
    "jettison.python.calls": Elsewhere(
        "calls of programs, in processes of their own", ("e2e/test_python_calls.py",)
    ),
    "jettison.python.worker": Elsewhere(
        "a process of its own", ("unit/python/test_delegate.py", "e2e/test_python_calls.py")
    ),
    "jettison.report.assembly.origins": _REPORTS,
    "jettison.report.assembly.stages": _REPORTS,
    "jettison.report.assembly.waste": _REPORTS,
    "jettison.sandbox.driver.chroot": _DRIVERS,
    "jettison.sandbox.driver.embedded": _DRIVERS,
    "jettison.sandbox.driver.oci": _DRIVERS,
    "jettison.sandbox.driver.root": _DRIVERS,
    "jettison.sandbox.helper.client": _DRIVERS,
    "jettison.sandbox.helper.spawn": _DRIVERS,
    "jettison.sandbox.init.*": _HELPER,
    "jettison.sandbox.rootfs.emulated_mounts": _ROOTS,
    "jettison.sandbox.rootfs.fuse": _ROOTS,
    "jettison.solver.ops.copied_mounts": _SOLVES,
    "jettison.solver.ops.copy": _SOLVES,
    "jettison.solver.ops.execute": _SOLVES,
    "jettison.solver.ops.mkdir": _SOLVES,
    "jettison.solver.ops.run": _SOLVES,
    "jettison.solver.solve": _SOLVES,
}
"""By module, or by package with ``.*``."""


@cache
def modules() -> dict[str, Path]:
    """All modules of the package; packages that are nothing but a docstring need no test."""
    found = {}
    for path in SOURCE.rglob("*.py"):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        if path.name != "__init__.py":
            found[".".join(parts)] = path
        elif not all(isinstance(each, ast.Expr) for each in ast.parse(path.read_text()).body):
            found[".".join(parts[:-1])] = path
    return found


@cache
def named() -> set[str]:
    """All modules that unit tests import."""
    return {name for path in UNIT.rglob("*.py") for name in _imported(path)} & modules().keys()


@cache
def covered(entry: str) -> set[str]:
    """The modules that an entry of the table is about."""
    if not entry.endswith(".*"):
        return {entry} & modules().keys()
    return {name for name in modules() if name.startswith(entry.removesuffix("*"))}


def test_every_module_is_named_by_a_unit_test_or_listed_with_a_reason() -> None:
    listed = {name for entry in ELSEWHERE for name in covered(entry)}
    assert sorted(modules().keys() - named() - listed) == []


@pytest.mark.parametrize("entry", ELSEWHERE)
def test_what_is_listed_is_not_named(entry: str) -> None:
    """An entry goes when unit tests name its module, or all modules of its package."""
    assert covered(entry) - named(), "this entry is not needed any more"


@pytest.mark.parametrize("entry", ELSEWHERE)
def test_what_is_listed_is_exercised_where_it_says(entry: str) -> None:
    """The suites reach the modules: by imports, or by programs that they start."""
    assert ELSEWHERE[entry].reason
    reached = [_reached_by(suite) & covered(entry) for suite in ELSEWHERE[entry].suites]
    assert all(reached), "a suite does not reach it"
    assert sorted(covered(entry) - named() - set().union(*reached)) == []


def test_directories_of_unit_tests_are_packages() -> None:
    directories = {path.parent.relative_to(UNIT) for path in UNIT.rglob("test_*.py")}
    others = {each for each in directories if not (SOURCE / "jettison" / each).is_dir()}
    assert {str(each) for each in others} == NOT_OF_THE_PACKAGE


def test_a_unit_test_names_the_package_that_its_directory_is_of() -> None:
    elsewhere = []
    for path in sorted(UNIT.rglob("test_*.py")):
        package = path.relative_to(UNIT).parent.parts
        if package and package[0] not in NOT_OF_THE_PACKAGE:
            prefix = f"jettison.{'.'.join(package)}"
            names = set(_imported(path)) | set(_texts(path)) | _of_conftests(path)
            if not any(f"{name}.".startswith(f"{prefix}.") for name in names):
                elsewhere.append(str(path.relative_to(UNIT)))
    assert elsewhere == []


def _of_conftests(path: Path) -> set[str]:
    """What the fixtures of a test may be of."""
    places = [each / "conftest.py" for each in path.parents if each.is_relative_to(UNIT)]
    return {name for place in places if place.is_file() for name in _imported(place)}


@cache
def _names(path: Path) -> tuple[frozenset[str], frozenset[str]]:
    """All that a file imports anywhere: modules, and names that may be modules; those in texts."""
    imported: set[str] = set()
    texts: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported |= {node.module, *(f"{node.module}.{each.name}" for each in node.names)}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if "jettison" in node.value:
                texts |= {match[1] or match[2] for match in _STARTED.finditer(node.value)}
            elif node.value == "-m":
                texts.add("jettison.__main__")
    return frozenset(imported), frozenset(texts)


def _imported(path: Path) -> frozenset[str]:
    return _names(path)[0]


def _texts(path: Path) -> frozenset[str]:
    """The modules that texts of a file name, and the command that it starts."""
    return _names(path)[1]


@cache
def _reached_by(suite: str) -> set[str]:
    """All modules that a suite reaches, by way of those that it shares with others, too."""
    place = TESTS / suite
    files = sorted(place.rglob("test_*.py")) if place.is_dir() else [place]
    assert files, f"{suite} holds no tests"
    assert all(each.is_file() for each in files), f"{suite} is not there"
    seen: set[Path] = set()
    pending = [*files, *(each for file in files for each in _fixtures(file))]
    while pending:
        path = pending.pop()
        if path not in seen:
            seen.add(path)
            pending += _next(path)
    return {name for name, path in modules().items() if path in seen}


def _fixtures(path: Path) -> Iterator[Path]:
    for parent in path.parents:
        if parent.is_relative_to(TESTS) and (parent / "conftest.py").is_file():
            yield parent / "conftest.py"


@cache
def _next(path: Path) -> tuple[Path, ...]:
    found: list[Path] = []
    for name in _imported(path) | _texts(path):
        if name in modules():
            found.append(modules()[name])
        for top in (TESTS, path.parent):
            place = top.joinpath(*name.split(".")).with_suffix(".py")
            if not name.startswith("jettison") and place.is_file():
                found.append(place)
    if path == SOURCE / "jettison/cli/main.py":  # which finds its commands by their names
        found += (SOURCE / "jettison/cli").glob("*.py")
    if path == SOURCE / "jettison/check/registry.py":  # which loads rules by their names
        found += (SOURCE / "jettison/check/rules").glob("ms*.py")
    if path == SOURCE / "jettison/__init__.py":
        found += (SOURCE / "jettison/python").glob("*.py")
    return tuple(found)
