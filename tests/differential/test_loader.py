"""What `analysis.loader` says of random programs is what the real loaders say of them.

In CI some of the pairs, all of them with `JETTISON_TEST_LEVELS=all`.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.sandbox_rig import drivers_here, make_driver
from differential.loader_pairs import GLIBC, MUSL, Base, Maker, Pair, placer
from differential.loader_programs import Programs
from differential.loader_truth import Truth, start
from e2e.rig import Jettison, made_bases, store_of_tests
from host_tools import lacking, tool
from jettison.analysis.files import list_files
from jettison.analysis.loader.base import Closure, Environment, Family, Verdict
from jettison.analysis.loader.closure import loader_of
from jettison.analysis.rootfs import Rootfs
from jettison.api.roots import Roots
from jettison.api.session import Session
from jettison.fs.ownership import process_ownership
from jettison.image.names import find_image
from jettison.sandbox.base import Sandbox
from jettison.settings import Settings
from jettison.snapshot.stack import StackTree
from turns import ALL_LEVELS

PAIRS = 300
SAMPLE = 40
_LEVEL = re.compile(r"x86-64-v(\d) \(supported")
_GLIBC_BASES = ("debian:bookworm-slim", "python:3.11-slim", "golang:1.21", "node:14")
_MUSL_BASE = "node:20-alpine"

pytestmark = [
    pytest.mark.xdist_group("checks"),
    pytest.mark.skipif(os.uname().machine != "x86_64", reason="programs are for x86-64"),
]


class Makers:
    """Makes pairs of all kinds by their numbers."""

    def __init__(self, roots: dict[str, Rootfs]) -> None:
        ldconfig = tool("ldconfig")
        self._made_up = [
            Base(GLIBC, placer(roots[_GLIBC_BASES[0]].files), ldconfig),
            Base(MUSL, placer(roots[_MUSL_BASE].files)),
        ]
        patchelf = tool("patchelf")
        self._real = [Programs(roots[name], patchelf, ldconfig) for name in _GLIBC_BASES]

    def make(self, place: Path, number: int) -> Pair:
        """Make a pair: half of them of real programs, a sixth with musl."""
        chance = random.Random(number)
        if number % 2:
            return self._real[number // 2 % len(self._real)].make(place, chance)
        return Maker(place, self._made_up[number % 6 == 0], chance).make()


@pytest.fixture(scope="module")
def makers() -> Iterator[Makers]:
    root = store_of_tests()
    names = (*_GLIBC_BASES, _MUSL_BASE)
    made_bases(Jettison(root), *names)
    with Session.open(Settings(root=str(root)), os.environ) as session:
        found = {}
        for name in names:
            image = find_image(session.store, name)
            opened = Roots(session, image, read=True).image()
            assert opened is not None
            found[name] = opened
        yield Makers(found)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    driver = make_driver(drivers_here()[0])
    if driver is None:
        lacking(drivers_here()[0])
    yield driver
    driver.close()


@pytest.fixture(scope="module")
def level() -> int:
    """The x86-64 level of this machine, as its own loader tells it."""
    said = subprocess.run([GLIBC, "--help"], capture_output=True, text=True, check=False).stdout
    return max([1, *map(int, _LEVEL.findall(said))])


def test_random_programs_end_as_their_loaders_say(
    makers: Makers, sandbox: Sandbox, level: int, tmp_path: Path
) -> None:
    numbers = range(PAIRS) if ALL_LEVELS else random.Random(16).sample(range(PAIRS), SAMPLE)
    seen: dict[Verdict, int] = {}
    wrong = []
    for number in numbers:
        pair = makers.make(tmp_path / str(number), number)
        files = list_files(StackTree([pair.root], process_ownership()))
        environment = Environment("amd64", pair.library_path, pair.directory, level)
        ours = Rootfs(files).fact(loader_of).closure(pair.program, environment)
        assert ours is not None, pair
        truth = start(sandbox, pair)
        shutil.rmtree(pair.root)
        seen[truth.verdict] = seen.get(truth.verdict, 0) + 1
        if not agree(ours, truth):
            wrong.append(f"{number}: {ours.verdict} {ours.missing} {ours.unmet}, {truth}, {pair}")
    assert not wrong, "\n".join(wrong)
    assert {*seen} == set(Verdict) - {Verdict.UNKNOWN}


def agree(ours: Closure, truth: Truth) -> bool:
    """Tell whether two are the same, also what is missing as far as the loader tells it."""
    if ours.verdict is not truth.verdict:
        return False
    if truth.verdict is Verdict.NO_VERSION:
        return {*truth.names} == {each for unmet in ours.unmet for each in unmet.versions}
    if truth.verdict is not Verdict.NO_LIBRARY:
        return True
    missing = [each.name.rpartition("/")[2] for each in ours.missing]
    names = [each.rpartition("/")[2] for each in truth.names]
    # glibc's loader ends with the first, musl's tells all.
    return missing[:1] == names if ours.family is Family.GLIBC else {*missing} == {*names}
