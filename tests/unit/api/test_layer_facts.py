"""Facts of layers are found once, and rules say the same of those that are kept."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jettison.api import layer_facts
from jettison.api.layer_facts import KeptLayerFacts
from jettison.cache.record import AnswerMemo
from jettison.check.layer_facts import LayerFact, Marks
from jettison.check.rules.ms202 import MS202
from jettison.check.runner import check_image, codes
from jettison.check.subject import Subject
from jettison.findings.finding import Finding
from jettison.findings.options import CheckOptions
from jettison.findings.suppress import Suppressions
from jettison.fs.listing import Listing
from jettison.oci.config import ContainerConfig
from jettison.store.database import Database
from jettison.store.layer import LayerId
from unit.check.stages_rig import listing, two_stages

LAYER = LayerId("content:sha256:a")
MODES: LayerFact[list[int]] = LayerFact("modes", lambda each: each.modes, list[int])


@pytest.fixture
def answers(tmp_path: Path) -> Iterator[AnswerMemo]:
    database = Database(tmp_path / "state.db")
    yield AnswerMemo(database)
    database.close()


def test_a_fact_is_there_for_the_next_check_once_it_is_saved(answers: AnswerMemo) -> None:
    facts = KeptLayerFacts(answers)
    assert facts.get(LAYER, MODES) is None
    facts.keep(LAYER, MODES, [1, 2])
    assert facts.get(LAYER, MODES) == [1, 2]
    assert KeptLayerFacts(answers).get(LAYER, MODES) is None
    facts.save()
    assert KeptLayerFacts(answers).get(LAYER, MODES) == [1, 2]
    assert KeptLayerFacts(answers).get(LayerId("content:sha256:b"), MODES) is None


def test_facts_that_are_damaged_or_of_another_kind_are_found_anew(answers: AnswerMemo) -> None:
    facts = KeptLayerFacts(answers)
    facts.keep(LAYER, MODES, "text")
    assert facts.get(LAYER, MODES) is None
    answers.keep(layer_facts._question(LAYER), b"\xc1")
    assert KeptLayerFacts(answers).get(LAYER, MODES) is None


def test_marks_are_numbers_of_entries() -> None:
    marked = Marks("b", lambda path, mode: path == "/b" and mode == 0o100755)
    assert marked.find(listing({"/a": "", "/b": "", "/c/b": ""})) == [1]


NAMES = st.sampled_from(
    ["app", ".git/HEAD", ".git/config", "a.o", "tests/x", "__pycache__/a.pyc", "usr/share/doc/x/y",
     "usr/include/a.h", "lib/liba.a", "var/cache/apt/x", ".cache/pip/y", "node_modules/.cache/z",
     "Dockerfile", "usr/local/bin/tool", "site-packages/a/__init__.py", "package.json", "\udcff\udcfe"]
)  # fmt: skip
TREES = st.dictionaries(
    NAMES, st.sampled_from(["", "x" * 30, "#!/bin/none\n", "->nowhere"]), min_size=1
)


@settings(max_examples=8, deadline=None)
@given(TREES, TREES)
def test_rules_say_the_same_of_layers_that_were_looked_at(
    base: dict[str, str], made: dict[str, str]
) -> None:
    def check(root: Path, facts: KeptLayerFacts | None) -> tuple[Finding, ...]:
        more = {"layer_facts": facts} if facts is not None else {}
        subject: Subject = two_stages(
            root,
            builder={f"/out/{name}": content for name, content in made.items()},
            base={f"/base/{name}": content for name, content in base.items()},
            copies=(("/out", "/app"),),
            config=ContainerConfig(cmd=("/app/app",), env=("PATH=/app:/usr/local/bin",)),
            **more,
        )
        return check_image(subject, Suppressions(None, codes(), CheckOptions()))

    with tempfile.TemporaryDirectory() as name:
        database = Database(Path(name) / "state.db")
        fresh = check(Path(name) / "1", None)
        facts = KeptLayerFacts(AnswerMemo(database))
        first = check(Path(name) / "2", facts)
        facts.save()
        asked: list[Listing] = []
        kept = KeptLayerFacts(AnswerMemo(database))
        kept.keep = lambda *_: asked.append(Listing([], [], [], [], []))  # type: ignore[method-assign]
        again = check(Path(name) / "3", kept)
        database.close()
    assert fresh == first == again
    assert not asked  # all was kept


def test_files_that_only_have_to_be_there_may_be_empty_whatever_their_mode(tmp_path: Path) -> None:
    names = ("bin/app", "run.sh", "pkg/__init__.py", "pkg/py.typed", "log/.keep", "notes.txt")
    subject = two_stages(
        tmp_path,
        builder={f"/out/{name}": "" for name in names},
        base={},
        copies=(("/out", "/app"),),
        config=ContainerConfig(),
    )
    assert [each.path for each in MS202().check(subject)] == ["/app/bin/app", "/app/run.sh"]
