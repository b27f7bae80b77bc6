"""Which modules unit tests name, who exercises the others, and where unit tests are.

A module is named when a file of ``tests/unit`` imports it, or something from it. What no unit
test can name stands in ``ELSEWHERE`` with the reason and the suites that exercise it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import msgspec
import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src"
TESTS = ROOT / "tests"
UNIT = TESTS / "unit"
NOT_OF_THE_PACKAGE = {"bench", "docs", "examples", "scripts"}
"""Directories of ``tests/unit`` about other directories of the project."""

_STARTED = re.compile(r"(?:from|import) (jettison[.\w]*)|^(jettison(?:\.\w+)+)$")
"""Modules in texts: those of programs that are executed alone."""


class Elsewhere(msgspec.Struct, frozen=True):
    """Why unit tests do not name a module, and the suites that exercise it."""

    reason: str
    suites: tuple[str, ...]


ELSEWHERE: dict[str, Elsewhere] = {}
"""By module, or by package with ``.*``."""


@cache
def modules() -> dict[str, Path]:
    """All modules of the package; packages that are nothing but a docstring need no test."""
    found = {}
    for path in SOURCE.rglob("*.py"):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        body = _parsed(path).body
        if path.name != "__init__.py":
            found[".".join(parts)] = path
        elif not all(isinstance(each, ast.Expr) for each in body):
            found[".".join(parts[:-1])] = path
    return found


@cache
def named() -> set[str]:
    """All modules that unit tests import."""
    return {name for path in UNIT.rglob("*.py") for name in _imported(path)} & modules().keys()


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
    suites = ELSEWHERE[entry].suites
    assert ELSEWHERE[entry].reason
    assert suites
    reached: set[str] = set()
    for suite in suites:
        place = TESTS / suite
        files = sorted(place.rglob("test_*.py")) if place.is_dir() else [place]
        assert files, f"{suite} holds no tests"
        assert all(each.is_file() for each in files), f"{suite} is not there"
        found = _reached_from(files)
        assert found & covered(entry), f"{suite} does not reach it"
        reached |= found
    assert sorted(covered(entry) - named() - reached) == []


def test_directories_of_unit_tests_are_packages() -> None:
    directories = {path.parent.relative_to(UNIT) for path in UNIT.rglob("test_*.py")}
    others = {each for each in directories if not (SOURCE / "jettison" / each).is_dir()}
    assert {str(each) for each in others} == NOT_OF_THE_PACKAGE


def _mirrored() -> list[Path]:
    found = sorted(UNIT.rglob("test_*.py"))
    return [each for each in found if each.relative_to(UNIT).parts[0] not in NOT_OF_THE_PACKAGE]


@pytest.mark.parametrize("path", _mirrored(), ids=lambda path: str(path.relative_to(UNIT)))
def test_a_unit_test_names_the_package_that_its_directory_is_of(path: Path) -> None:
    package = path.relative_to(UNIT).parent
    if package == Path():
        return  # about all of the package
    prefix = f"jettison.{'.'.join(package.parts)}"
    names = set(_imported(path)) | set(_texts(path)) | _of_conftests(path)
    assert any(name == prefix or name.startswith(f"{prefix}.") for name in names)


def _of_conftests(path: Path) -> set[str]:
    """What the fixtures of a test may be of."""
    places = [each / "conftest.py" for each in path.parents if each.is_relative_to(UNIT)]
    return {name for place in places if place.is_file() for name in _imported(place)}


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def _imported(path: Path) -> frozenset[str]:
    """Everything that a file imports anywhere: modules, and names that may be modules."""
    found: set[str] = set()
    for node in ast.walk(_parsed(path)):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{each.name}" for each in node.names}
    return frozenset(found)


@cache
def _texts(path: Path) -> frozenset[str]:
    """The modules that texts of a file name, and the command that it starts."""
    found: set[str] = set()
    for node in ast.walk(_parsed(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= {match[1] or match[2] for match in _STARTED.finditer(node.value)}
            if node.value == "-m":
                found.add("jettison.__main__")
    return frozenset(found)


def _reached_from(files: Iterable[Path]) -> set[str]:
    """All modules that files reach, by way of those that they share with others, too."""
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
    if path == SOURCE / "jettison/__init__.py":
        found += (SOURCE / "jettison/python").glob("*.py")
    return tuple(found)
