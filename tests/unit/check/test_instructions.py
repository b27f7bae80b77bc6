"""Changes of a Dockerfile's instructions that fixes make."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from jettison.check import missing
from jettison.check.instructions import copy_from, instructions, last, usable, with_flag, with_word
from jettison.check.links import left_behind
from jettison.check.subject import Subject
from jettison.findings.finding import Fix, FixKind
from jettison.frontend.dockerfile.syntax import Cmd, Entrypoint, User
from jettison.oci.config import ContainerConfig
from unit.check.test_frame import subject

_SOURCE = """FROM base AS b
ENTRYPOINT ["a", "x"]
USER 1
FROM b
COPY --chmod=700 \\
  x y
COPY <<E /z
E
CMD run a --path=/a /a
"""


def _with_source(tree: Path, source: str = _SOURCE) -> Subject:
    made = subject(tree, ContainerConfig(cmd=("a",)))
    made.provenance.record = made.record = msgspec.structs.replace(made.record, source=source)
    return made


def test_the_last_instruction_of_a_kind_may_be_a_parents(tmp_path: Path) -> None:
    made = _with_source(tmp_path)
    stages = list(made.record.stages)
    stages[1] = msgspec.structs.replace(stages[1], parent=0)
    made.provenance.record = made.record = msgspec.structs.replace(
        made.record, stages=tuple(stages)
    )
    user, command = last(made, User), last(made, Cmd)
    assert user is not None
    assert user.span.line == 3
    assert command is not None
    assert command.span.line == 9
    assert [len(stage) for stage in instructions(made)] == [3, 4]
    assert instructions(_with_source(tmp_path, "NONSENSE\n")) == []


def test_a_word_of_a_command_is_replaced_in_either_form(tmp_path: Path) -> None:
    stages = instructions(_with_source(tmp_path))
    json_form, shell_form = stages[0][1], stages[1][3]
    assert isinstance(json_form, Entrypoint)
    assert isinstance(shell_form, Cmd)
    fix = with_word(json_form, json_form.command, "a", "/b")
    assert fix is not None
    assert (fix.text, fix.line) == ('ENTRYPOINT ["/b", "x"]', 2)
    fix = with_word(shell_form, shell_form.command, "/a", "/b")
    assert fix is not None
    assert fix.text == "CMD run a --path=/b /a"
    assert with_word(shell_form, shell_form.command, "none", "/b") is None


def test_a_flag_of_a_copy_is_set_or_replaced(tmp_path: Path) -> None:
    made = _with_source(tmp_path)
    fix = with_flag(made, 5, "chmod", "755")
    assert fix is not None
    assert (fix.line, fix.end_line) == (5, 6)
    assert fix.text.split() == ["COPY", "--chmod=755", "x", "y"]
    assert with_flag(made, 7, "chmod", "755") is None  # a heredoc would be lost
    assert with_flag(made, 9, "chmod", "755") is None


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("/a/b", "COPY --from=b /a/b /c"),
        ("/a b", 'COPY --from=b ["/a b", "/c"]'),
        ("/a$X", "COPY --from=b /a\\$X /c"),
    ],
)
def test_a_copy_takes_the_path_that_it_is_given(source: str, text: str) -> None:
    assert copy_from("b", source, "/c") == text


def test_a_path_that_would_write_lines_of_its_own_gets_no_fix(tmp_path: Path) -> None:
    made = _with_source(tmp_path)
    evil = Fix(FixKind.INSERT, copy_from("b", "/a\nUSER root\n", "/c"), 1)
    (harmless,) = usable(made, evil, None)
    assert harmless.text == r'COPY --from=b ["/a\nUSER root\n", "/c"]'
    shell = Fix(FixKind.INSERT, "RUN chmod +x '/a\nUSER root'", 1)
    assert usable(made, shell, None) == ()


def test_of_an_image_without_a_dockerfile_fixes_are_words(tmp_path: Path) -> None:
    made = _with_source(tmp_path, "")
    made.provenance.record = made.record = msgspec.structs.replace(made.record, dockerfile="")
    found = usable(made, Fix(FixKind.INSERT, "USER 1", 3), Fix(FixKind.REPLACE, "CMD x", 1))
    assert found == (Fix(FixKind.ADVICE, "its Dockerfile needs: USER 1"),)


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    made = _with_source(tmp_path)
    use = missing.missing(made, frozenset({made.reached.uses[0].command}))
    assert use is not None
    assert missing.said(use) == "`a` is in no directory of PATH"
    assert left_behind(made, "/none") is None
