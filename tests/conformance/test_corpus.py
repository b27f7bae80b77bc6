"""The own corpus is whole: enough cases, every instruction and flag, goldens of the cases as they are."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from conformance import box, cases, corpora, differences, images
from host_tools import tool
from jettison.errors import DockerfileSyntaxError
from jettison.frontend.dockerfile.instructions import _BUILDERS, FLAGS
from jettison.frontend.dockerfile.mounts import _TYPES, KEYS
from jettison.frontend.dockerfile.parser import parse_nodes
from jettison.frontend.dockerfile.syntax import Node
from jettison.lint.registry import RULES

LEAST = {"build": 200, "check": 60}
LEAST_SMALL = 150
"""Of parser, words and ignore files together."""

LARGEST_BYTES = 600_000


def test_the_larger_corpora_are_read_too() -> None:
    """The only notice of their absence."""
    if not corpora.has_larger():
        pytest.skip(corpora.NOTICE)
    assert len(corpora.larger_cases("build/*.json")) > 700


def test_there_are_enough_cases() -> None:
    counts = {kind: len(corpora.own_cases(kind)) for kind in cases.KINDS}
    assert {kind: counts[kind] for kind, least in LEAST.items() if counts[kind] < least} == {}
    assert counts["parser"] + counts["words"] + counts["ignore"] >= LEAST_SMALL


def test_names_are_unique_in_all_corpora() -> None:
    own = Counter(case["name"] for kind in cases.KINDS for case in corpora.own_cases(kind))
    assert [name for name, count in own.items() if count > 1] == []
    assert own.keys() & {case["name"] for case in corpora.larger_cases("build/*.json")} == set()


@pytest.mark.parametrize("kind", cases.KINDS)
def test_every_case_has_a_golden_of_what_it_is_now(kind: str) -> None:
    """Else: ``scripts/regenerate_corpus.py``, with a BuildKit."""
    for path in cases.topics(kind):
        inputs = {case["name"]: cases.input_digest(case) for case in cases.read(path)}
        made_of = {name: each["input"] for name, each in cases.read_goldens(path).items()}
        assert made_of == inputs, path.stem


def test_at_most_two_percent_of_the_cases_differ() -> None:
    """Differences are exceptions."""
    kinds = ("parser", "words", "check")
    every = [*corpora.build_cases(), *(case for kind in kinds for case in corpora.own_cases(kind))]
    names = {case["name"] for case in every}
    lists = (differences.DIFFERENCES, differences.OWN_TEXTS, differences.OWN_LINES)
    listed = {name for each in lists for name in each}
    larger = set() if corpora.has_larger() else {"extra-from-platform-bad"}
    assert listed | differences.WITHOUT_ENTRY <= names | larger
    assert len(differences.DIFFERENCES) <= 0.02 * len(names)


def test_the_corpus_stays_small() -> None:
    files = [path for path in cases.CORPUS.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= LARGEST_BYTES


def nodes(*kinds: str) -> list[Node]:
    """Return the instructions of cases, and those inside of ONBUILD, from files that parse."""
    found: list[Node] = []
    for kind in kinds:
        for case in corpora.own_cases(kind):
            for text in cases.dockerfiles(case):
                try:
                    found += parse_nodes(text.encode())
                except DockerfileSyntaxError:
                    continue
    return [*found, *(each.child for each in found if each.child is not None)]


def test_every_instruction_occurs_in_builds() -> None:
    used = {node.keyword.upper() for node in nodes("build")}
    assert set(_BUILDERS) - used == set()


def test_every_flag_occurs_in_builds() -> None:
    """A new flag needs a case."""
    used = {
        (node.keyword.upper(), flag.removeprefix("--").partition("=")[0])
        for node in nodes("build")
        for flag in node.flags
    }
    known = {(name, flag) for name, flags in FLAGS.items() for flag in flags}
    assert known - used == set()


def test_every_option_of_mounts_occurs_in_builds() -> None:
    options = [
        option.partition("=")[::2]
        for node in nodes("build")
        for flag in node.flags
        if flag.startswith("--mount=")
        for option in flag.removeprefix("--mount=").split(",")
    ]
    assert set(KEYS) - {name for name, _ in options} == set()
    assert set(_TYPES) - {value for name, value in options if name == "type"} == set()


def test_every_rule_finds_something_in_checks() -> None:
    """Docker's rules, but for one that needs a registry; those of our own have no page of docker's."""
    found = {
        warning["rule"]
        for case in corpora.own_cases("check")
        for warning in case["expected"]["warnings"]
    }
    assert {rule.name for rule in RULES if rule.has_page} - found == set()


def test_the_base_image_is_the_same_whenever_it_is_made(tmp_path: Path) -> None:
    one, two = (box.make(tool("busybox"), tmp_path / name) for name in ("one", "two"))
    names = [sorted(path.name for path in (each / "blobs/sha256").iterdir()) for each in (one, two)]
    assert names[0] == names[1]
    tree = images.Image(one).tree
    assert tree["bin/sh"]["target"] == "busybox"
    assert tree["tmp"]["mode"] == "1777"


def test_a_program_that_needs_a_loader_makes_no_base_image() -> None:
    assert not box.is_static(Path(tool("git")))
    assert not box.is_static(Path(__file__))


def test_a_case_is_read_as_it_is_written(tmp_path: Path) -> None:
    topic = tmp_path / "build" / "topic.txt"
    topic.parent.mkdir()
    topic.write_text(
        "About it.\n\n=== first\nA remark.\n"
        '+++ options {"target": "a"}\n'
        "--- Dockerfile\nFROM scratch AS a\n"
        '--- "a b/f" mode=0600 owner=1:2 time=3 bare\ntext\n'
        "--- l -> f\n--- d/\n--- [docs] g\ng\n--- [http] h\nh\n"
        ">>>\n--- n json\n" + '"\\u0000"\n' + "+++ remove l\n\n"
        "=== second\n--- Dockerfile\nFROM scratch\n"
    )
    first, second = cases.load("build", tmp_path)
    assert first["notes"] == "A remark."
    assert first["dockerfile"] == "FROM scratch AS a\n"
    docs = {"path": "g", "type": "file", "content": "g\n"}
    assert first["options"] == {
        "target": "a",
        "build_contexts": {"docs": {"context": [docs]}},
    }
    assert first["context"] == [
        {"path": "a b/f", "type": "file", "mode": "0600", "uid": 1, "gid": 2, "mtime": 3, "content": "text"},
        {"path": "l", "type": "symlink", "target": "f"},
        {"path": "d", "type": "dir"},
    ]  # fmt: skip
    assert first["http"] == [{"path": "/h", "type": "file", "content": "h\n"}]
    written = {"path": "n", "type": "file", "content": "\0"}
    changes = [{"op": "write", "entry": written}, {"op": "remove", "path": "l"}]
    assert first["steps"] == [{}, {"changes": changes}]
    assert second == {"name": "second", "context": [], "dockerfile": "FROM scratch\n"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("--- f\n=== a\n", r"topic.txt:1: `---` before the first case"),
        ("=== a\n--- f\n", r"topic.txt: a: no Dockerfile"),
        ("=== a\n--- f colour=red\n--- Dockerfile\n", r"topic.txt: a: --- f colour=red"),
        ("=== a\n+++ options {\n--- Dockerfile\n", r"topic.txt: a: \+\+\+ options"),
    ],
)
def test_a_case_that_cannot_be_read_is_told(text: str, told: str, tmp_path: Path) -> None:
    topic = tmp_path / "build" / "topic.txt"
    topic.parent.mkdir()
    topic.write_text(text)
    with pytest.raises(cases.CaseError, match=told):
        cases.load("build", tmp_path)


def test_no_case_of_a_golden_holds_an_address_or_a_place_of_a_machine() -> None:
    for path in cases.CORPUS.rglob("*.json"):
        assert re.search(r"127\.0\.0\.1:\d{2,}/|/tmp/corpus-", path.read_text()) is None, path
