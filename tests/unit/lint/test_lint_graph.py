"""Who reads whom, and what a target needs."""

from __future__ import annotations

from jettison.frontend.dockerfile.parser import parse
from jettison.lint.file import LintContext, LintFile
from jettison.lint.graph import lineage, needed, readings, targets_of_build

TEXT = """FROM debian AS a
FROM a AS b
FROM scratch AS c
COPY --from=b / /
COPY --from=1 / /x
COPY --from=nginx /n /n
RUN --mount=from=C,target=/c --mount=type=cache,target=/d --mount=wrong true
FROM scratch
"""


def test_readings_are_resolved_by_name_and_number():
    file = LintFile(parse(TEXT.encode()), LintContext())
    found = readings(file, file.stages[2])
    assert [(each.name, each.stage and each.stage.label) for each in found] == [
        *(("b", "b"), ("1", "b"), ("nginx", None), ("C", "c"))
    ]
    assert [each.label for each in file.stages] == ["a", "b", "c", "stage-3"]
    assert readings(file, file.stages[2]) is found  # once


def test_a_target_needs_what_it_reads_and_is_built_on():
    file = LintFile(parse(TEXT.encode()), LintContext(target="C"))
    (target,) = targets_of_build(file)
    assert [each.index for each in needed(file, target)] == [0, 1, 2]
    assert [each.index for each in lineage(file.stages[1])] == [0, 1]


def test_a_target_that_is_not_there_is_none():
    for text, name in ((TEXT, "nowhere"), ("ARG a\n", "")):
        assert targets_of_build(LintFile(parse(text.encode()), LintContext(target=name))) == ()
