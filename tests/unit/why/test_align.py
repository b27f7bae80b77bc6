"""Instructions and stages find what they were before."""

from __future__ import annotations

from jettison.why.align import align, pair_instructions, pair_stages
from jettison.why.trace import StageTrace, Trace, Written


def body(*texts: str) -> tuple[Written, ...]:
    return tuple(
        Written(text.partition(" ")[0], text, line) for line, text in enumerate(texts, start=1)
    )


def stage(index: int, name: str, *texts: str) -> StageTrace:
    return StageTrace(index, name, "scratch", 1, True, "", "", body("FROM scratch", *texts))


def pairs(now: tuple[Written, ...], then: tuple[Written, ...]) -> list[tuple[str, str]]:
    return [(now[one].text, then[other].text) for one, other in pair_instructions(now, then)]


def test_an_inserted_instruction_has_no_partner() -> None:
    assert pairs(body("RUN a", "RUN new", "RUN b"), body("RUN a", "RUN b")) == [
        ("RUN a", "RUN a"),
        ("RUN b", "RUN b"),
    ]


def test_a_changed_instruction_is_paired_with_what_reads_alike() -> None:
    now = body("RUN a", "COPY src /x", "RUN make --jobs 4 all", "RUN z")
    then = body("RUN a", "RUN make all", "RUN z")
    assert ("RUN make --jobs 4 all", "RUN make all") in pairs(now, then)
    assert "COPY src /x" not in {one for one, _ in pairs(now, then)}


def test_alone_between_two_pairs_an_instruction_was_changed_however_it_reads() -> None:
    assert ("RUN xyz", "RUN 123") in pairs(body("RUN a", "RUN xyz"), body("RUN a", "RUN 123"))
    assert pairs(body("COPY a b"), body("RUN a b")) == []


def test_very_long_files_are_paired_at_both_ends_only() -> None:
    now = body("RUN a", *(f"RUN {n}" for n in range(1100)), "RUN z")
    then = body("RUN a", *(f"COPY {n} x" for n in range(1100)), "RUN z")
    assert pairs(now, then) == [("RUN a", "RUN a"), ("RUN z", "RUN z")]


def test_a_renamed_stage_is_found_by_what_is_in_it() -> None:
    now = (stage(0, "compile", "RUN make", "RUN test"), stage(1, "", "RUN x"))
    then = (stage(0, "build", "RUN make", "RUN other"), stage(1, "", "RUN x"))
    found = pair_stages(now, then)
    assert {index: each.name for index, each in found.items()} == {0: "build", 1: ""}


def test_a_new_stage_is_no_old_one() -> None:
    now = (stage(0, "new", "RUN something"), stage(1, "build", "RUN make"), stage(2, "", "RUN x"))
    then = (stage(0, "build", "RUN make"), stage(1, "", "RUN x"))
    assert {index: each.index for index, each in pair_stages(now, then).items()} == {1: 0, 2: 1}


def test_what_stands_elsewhere_was_moved() -> None:
    one, two = Written("RUN", "RUN one", 2, "sha256:1"), Written("RUN", "RUN two", 3, "sha256:2")
    first = Written("FROM", "FROM scratch", 1)

    def trace(*instructions: Written) -> Trace:
        made = StageTrace(0, "", "scratch", 1, True, "", "", (first, *instructions))
        return Trace("1", "", "linux/amd64", {}, {}, {}, (), "", (made,), ())

    found = align(trace(two, one), trace(one, two))
    assert len(found.moved) == 1
    assert found.moved <= {"sha256:1", "sha256:2"}
