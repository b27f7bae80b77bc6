"""docs/dockerfile.md holds what the code knows, all of it, and its examples mean what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from jettison.errors import FrontendError
from jettison.frontend.dockerfile.flags import FLAGS
from jettison.frontend.dockerfile.instructions import INSTRUCTIONS
from jettison.frontend.dockerfile.lines import DIRECTIVES
from jettison.frontend.dockerfile.mounts import KEYS
from jettison.frontend.dockerfile.reference import BUILDKIT_VERSION, DOCKERFILE_VERSION
from jettison.frontend.dockerfile.scope import ENGINE_NAMES, PROXY_NAMES, platform_arguments
from jettison.oci.platform import parse_platform

PAGE = (Path(__file__).parents[4] / "docs/dockerfile.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[dict[str, str]]:
    """Return the rows of the table below a heading."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    names, _, *body = [[cell.strip() for cell in line] for line in lines]
    return [dict(zip(names, line, strict=True)) for line in body]


def codes(rows: list[dict[str, str]], column: str) -> list[str]:
    """Return what is in backticks in a column."""
    return [code for row in rows for code in re.findall(r"`([^`]+)`", row[column])]


INSTRUCTION_ROWS = rows("Instructions and flags")
MOUNT_ROWS = rows("Options of RUN --mount")
WORD_ROWS = rows("Words")


def test_the_reference_is_named_as_in_the_code():
    assert f"Dockerfile {DOCKERFILE_VERSION} with BuildKit {BUILDKIT_VERSION} " in PAGE


def test_every_instruction_and_flag_has_one_row():
    known = [*INSTRUCTIONS, *(f"{name} --{flag}" for name, each in FLAGS.items() for flag in each)]
    assert sorted(codes(INSTRUCTION_ROWS, "what")) == sorted(known)


def test_every_option_of_mounts_has_one_row():
    assert sorted(codes(MOUNT_ROWS, "option")) == sorted(KEYS)


def test_every_directive_has_one_row():
    assert sorted(codes(rows("Parser directives"), "directive")) == sorted(DIRECTIVES)


def test_every_argument_has_one_place():
    amd64 = parse_platform("linux/amd64")
    automatic = platform_arguments(amd64, amd64, "")
    known = {*ENGINE_NAMES, *map(str.upper, PROXY_NAMES), *automatic}
    assert sorted(codes(rows("Build arguments that mean something"), "argument")) == sorted(known)


@pytest.mark.parametrize("row", INSTRUCTION_ROWS, ids=lambda row: row["what"])
def test_examples_of_instructions_are_of_them_and_compile_where_it_says_so(row, plan_for):
    [example] = codes([row], "example")
    [what] = codes([row], "what")
    instruction, _, flag = what.partition(" ")
    assert example.startswith(instruction)
    assert flag in example
    if row["here"].startswith("no:"):
        with pytest.raises(FrontendError):
            plan_for(f"FROM scratch\n{example}\n")
        return
    plan_for(f"FROM scratch\n{example}\n")


@pytest.mark.parametrize("row", MOUNT_ROWS, ids=lambda row: row["option"])
def test_examples_of_mounts_compile(row, plan_for):
    [example] = codes([row], "example")
    for option in codes([row], "option"):
        written = re.sub(rf"\b{codes([row], 'option')[0]}\b", option, example, count=1)
        assert option in written
        plan_for(f"FROM scratch\nRUN --mount={written} make\n")


@pytest.mark.parametrize("row", WORD_ROWS, ids=lambda row: row["form"])
def test_examples_of_words_compile(row, plan_for):
    [example] = codes([row], "example")
    plan_for(
        f"FROM scratch\nARG b=xx/yy\n{example}\ntext\nEOF\n"
        if "<<" in example
        else f"FROM scratch\nARG b=xx/yy\n{example}\n"
    )
