"""Versions and requirements are read as the library ``packaging`` reads them."""

from __future__ import annotations

import random
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from jettison.analysis.python.requirements import environment_of, normal_name, parse_requirement
from jettison.analysis.python.versions import parse_clauses, parse_version, satisfies

RANDOM = random.Random(7)


def some_version() -> str:
    text = ".".join(str(RANDOM.choice([0, 0, 1, 2, 10])) for _ in range(RANDOM.randint(1, 4)))
    if RANDOM.random() < 0.1:
        text = f"{RANDOM.randrange(2)}!{text}"
    if RANDOM.random() < 0.3:
        text += RANDOM.choice(["a1", ".b2", "-rc", "alpha2", "c0", ".preview3"])
    if RANDOM.random() < 0.25:
        text += RANDOM.choice([".post1", "post", "-1", ".rev2"])
    if RANDOM.random() < 0.25:
        text += RANDOM.choice([".dev1", "dev"])
    return text


VERSIONS = [some_version() for _ in range(300)]


def test_versions_are_ordered_as_packaging_orders_them() -> None:
    for one in VERSIONS:
        for other in RANDOM.sample(VERSIONS, 20):
            mine, theirs = parse_version(one), parse_version(other)
            assert mine is not None
            assert theirs is not None
            assert (mine < theirs) == (Version(one) < Version(other)), (one, other)
            assert (mine == theirs) == (Version(one) == Version(other)), (one, other)


def test_versions_are_in_the_sets_that_packaging_says() -> None:
    tried = 0
    for one in VERSIONS:
        for other in RANDOM.sample(VERSIONS, 20):
            operator = RANDOM.choice(["==", "!=", "<=", ">=", "<", ">", "~="])
            wanted = (
                operator + other + RANDOM.choice(["", "", ".*"] if operator[1:] == "=" else [""])
            )
            try:
                right = SpecifierSet(wanted).contains(one, prereleases=True)
            except InvalidSpecifier:
                continue
            clauses = parse_clauses(wanted)
            assert clauses is not None
            assert satisfies(one, clauses) == right, (one, wanted)
            tried += 1
    assert tried > 2000


REQUIREMENTS = [
    'a[b,C_d]>=1,<2; python_version<"3.8" and (sys_platform=="win32" or extra=="x.y")',
    'q @ https://host/y;z ; os_name=="posix"',
    "z (>=1.0)",
    'foo; platform_python_implementation != "PyPy"',
    'u; "linux" in sys_platform',
    "v; python_version not in '3.8 3.9'",
    'w; python_version in "3.10,3.11"',
    'y ; python_full_version >= "3.11.4"',
    "x; extra == 'all' or extra == \"B_c\"",
    'f ; python_version ~= "3.10"',
]


def test_requirements_are_what_packaging_says() -> None:
    environment = environment_of("3.11.7")
    known = [text for each in metadata.distributions() for text in each.requires or ()]
    for text in [*REQUIREMENTS, *known]:
        right, mine = Requirement(text), parse_requirement(text)
        assert mine is not None, text
        assert mine.name == normal_name(right.name)
        assert set(mine.extras) == set(map(normal_name, right.extras))
        for version in ("0.1", "1.0", "2.3"):
            assert mine.is_met_by(version) == right.specifier.contains(version, prereleases=True)
        for extra in ("x.y", "all", "b-c", "dev"):
            counts = right.marker is None or any(
                right.marker.evaluate({**environment, "extra": each}) for each in ("", extra)
            )
            assert mine.counts(environment, [extra]) == counts, (text, extra)


@pytest.mark.parametrize(
    "text",
    ["", ";", "a b c", "a >", "[x]", "a; (", "-", "a" * 5000 + "!", "a; " + "(" * 500 + ")" * 500],
)
def test_what_is_no_requirement_counts_nowhere(text: str) -> None:
    found = parse_requirement(text)
    assert found is None or not found.marker or not found.counts(environment_of("3.11"))


def test_a_version_without_a_third_number_is_as_late_as_can_be() -> None:
    found = parse_requirement('a; python_full_version >= "3.11.4"')
    assert found is not None
    assert found.counts(environment_of("3.11"))
    assert parse_version("nonsense") is None
    assert satisfies("nonsense", ((">=", "1"),))
