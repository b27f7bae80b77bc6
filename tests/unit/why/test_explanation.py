"""Explanations as values: the root of each step, and JSON that does not change."""

from __future__ import annotations

import msgspec

from jettison.why.explanation import CAUSES, Explanation, FileChange, RootCause, StepReason

CHANGED = RootCause(
    "file-content",
    "`a.py` changed",
    step="sha256:1",
    name="[1/2] COPY . .",
    line=2,
    files=(FileChange("a.py", "content"),),
    file_count=1,
    steps=("sha256:1", "sha256:2"),
    cost_ns=5,
)
TOLD = Explanation(
    image="sha256:0",
    target="",
    platform="linux/amd64",
    built_ns=2,
    compared_ns=1,
    cached=0,
    roots=(CHANGED,),
    steps=(
        StepReason("sha256:1", "[1/2] COPY . .", 2, 2, failed=False, root=0, direct=True),
        StepReason("sha256:2", "[2/2] RUN make", 3, 3, failed=False, root=0, direct=False),
    ),
)


def test_a_step_that_ran_has_a_root_and_another_has_none() -> None:
    assert TOLD.root_of("sha256:2") is CHANGED
    assert TOLD.root_of("sha256:3") is None


def test_an_explanation_is_the_same_after_its_way_through_json() -> None:
    assert msgspec.json.decode(msgspec.json.encode(TOLD), type=Explanation) == TOLD
    assert msgspec.json.decode(msgspec.json.encode(TOLD))["schema"] == "why/v1"


def test_every_cause_says_what_it_means() -> None:
    assert all(CAUSES.values())
    assert CHANGED.cause in CAUSES
