"""Checks alone and as a part of builds, with real stores and contexts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from jettison.api.build import build
from jettison.api.check import Checked, check, outline, targets
from jettison.api.request import BuildRequest
from jettison.api.session import Session
from jettison.errors import LintError, StageGraphError, UsageError
from jettison.events import Event, Warned, discard
from jettison.lint import runner
from jettison.settings import Settings

SHELL_FORM = "FROM scratch AS A\nCMD run it\n"


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    with Session.open(Settings(root=str(tmp_path / "store")), os.environ) as opened:
        yield opened


@pytest.fixture
def context(tmp_path: Path) -> Path:
    path = tmp_path / "context"
    path.mkdir()
    return path


def request(context: Path, text: str, **fields) -> BuildRequest:
    (context / "Dockerfile").write_text(text)
    return BuildRequest(context=str(context), **fields)


def rules(checked: Checked) -> list[str]:
    return [each.rule for each in checked.findings]


def warnings_of(session: Session, asked: BuildRequest) -> list[str]:
    events: list[Event] = []
    build(session, asked, events.append)
    return [each.rule for each in events if isinstance(each, Warned)]


def test_a_check_finds_and_builds_nothing(session, context):
    checked = check(session, request(context, SHELL_FORM))
    assert rules(checked) == ["StageNameCasing", "JSONArgsRecommended"]
    assert checked.error is None
    assert session.store.images.all() == []


def test_a_check_needs_no_base_image(session, context):
    checked = check(session, request(context, "FROM nobody.invalid/has:this\nCMD run it\n"))
    assert (rules(checked), checked.error) == (["JSONArgsRecommended"], None)


def test_facts_of_named_contexts_count(session, context, tmp_path):
    (tmp_path / "files").mkdir()
    text = "FROM files\nCOPY $missing /\n"
    assert rules(check(session, request(context, text))) == []
    asked = request(context, text, contexts={"files": str(tmp_path / "files")})
    assert rules(check(session, asked)) == ["UndefinedVar"]


def test_sources_that_the_ignore_file_hides_are_found(session, context):
    (context / ".dockerignore").write_text("tmp\n!tmp/kept\n")
    text = "FROM scratch\nCOPY tmp/a /\nCOPY tmp/kept ./b /\nADD /tmp /\nCOPY . /\n"
    assert ignored_lines(session, context, text) == [2]  # nothing is there: tmp/kept may come
    (context / "tmp").mkdir()
    (context / "tmp/a").touch()
    assert ignored_lines(session, context, text) == [2, 4]
    (context / "tmp/kept").touch()
    assert ignored_lines(session, context, text) == [2]


def ignored_lines(session, context, text):
    checked = check(session, request(context, text))
    return [each.span.line for each in checked.findings if each.rule == "CopyIgnoredFile"]


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize(
    ("patterns", "source", "hidden"),
    [
        ("*\n!src/**", "src", False),
        ("*\n!src/**", "src/", False),
        ("*\n!src/**", "./src/main.c", False),
        ("*\n!src/**", "lib", True),
        ("*\n!src", "src", False),
        ("sub\n!sub/keep.txt", "sub", False),
        ("sub\n!sub/keep.txt", "sub/keep.txt", False),
        ("sub\n!sub/keep.txt", "sub/other.txt", True),
        ("sub", "sub", True),
        ("sub", "sub/keep.txt", True),
        ("*.txt\n!a.txt", "*.txt", False),
        ("*.txt\n!a.txt", "b.txt", True),
        ("*.txt\n!a.txt", "[ab].txt", False),
        ("*.txt", "*.txt", True),
        ("**/*.txt\n!sub/keep.txt", "s*b", False),
        ("*", "src", True),
    ],
)
def test_negations_and_the_files_that_are_there_count(
    session, context, patterns, source, hidden, there
):
    if there:
        for name in ("src/main.c", "lib/x", "sub/keep.txt", "sub/other.txt", "a.txt", "b.txt"):
            (context / name).parent.mkdir(exist_ok=True)
            (context / name).touch()
    (context / ".dockerignore").write_text(patterns)
    lines = ignored_lines(session, context, f"FROM scratch\nCOPY {source} /x/\n")
    assert lines == ([2] if hidden else [])


def test_matches_that_are_all_ignored_one_by_one_are_found(session, context):
    (context / ".dockerignore").write_text("a.txt\nb.txt\n")
    for name in ("a.txt", "b.txt"):
        (context / name).touch()
    assert ignored_lines(session, context, "FROM scratch\nCOPY *.txt /x/\n") == [2]
    (context / "c.txt").touch()
    assert ignored_lines(session, context, "FROM scratch\nCOPY *.txt /x/\n") == []


@pytest.mark.parametrize("source", [".", "./", "/", "./."])
def test_a_whole_context_that_is_ignored_is_found(session, context, source):
    text = f"FROM scratch\nCOPY {source} /x/\n"
    (context / "file").touch()
    (context / ".dockerignore").write_text("*\n!src/**\n")
    assert ignored_lines(session, context, text) == [2]
    (context / "src").mkdir()
    (context / "src/file").touch()
    assert ignored_lines(session, context, text) == []
    (context / ".dockerignore").write_text("*\n")
    assert ignored_lines(session, context, text) == [2]
    (context / ".dockerignore").write_text("file\n")
    assert ignored_lines(session, context, text) == []


def test_a_target_limits_the_check_to_what_it_needs(session, context):
    text = "FROM scratch AS one\nCMD a b\nFROM scratch AS two\nCMD a b\nFROM one AS three\n"
    lines = [e.span.line for e in check(session, request(context, text, target="three")).findings]
    assert lines == [2]


def test_what_cannot_be_built_is_told_besides_the_findings(session, context):
    checked = check(
        session, request(context, "FROM scratch AS A\nCOPY --from=later / /\nFROM A AS later\n")
    )
    assert rules(checked) == ["StageNameCasing"]
    assert checked.error is not None
    assert checked.error.source[0] == "Dockerfile"


def test_what_is_no_dockerfile_is_an_error_without_findings(session, context):
    checked = check(session, request(context, "FORM a\n"))
    assert "did you mean FROM" in checked.error.message
    assert checked.dockerfile.text == "FORM a\n"


def test_a_wrong_option_is_an_error_with_its_place(session, context):
    with pytest.raises(UsageError) as caught:
        check(session, request(context, "# check=nonsense=1\nFROM scratch\n"))
    assert caught.value.span.line == 1
    assert caught.value.source is not None


def test_a_build_tells_findings_of_the_stages_that_it_needs(session, context):
    text = "FROM scratch AS Unused\nCMD a b\nFROM scratch\nCOPY . /\nMAINTAINER me\n"
    assert warnings_of(session, request(context, text)) == [
        "StageNameCasing",
        "MaintainerDeprecated",
    ]


def test_findings_of_a_build_that_changes_nothing_are_kept(session, context, monkeypatch):
    asked = request(context, "FROM scratch AS A\nCOPY . /\n")
    assert warnings_of(session, asked) == ["StageNameCasing"]
    monkeypatch.setattr(runner, "check", None)
    assert warnings_of(session, asked) == ["StageNameCasing"]


def test_findings_about_ignored_files_follow_the_files(session, context):
    (context / ".dockerignore").write_text("*\n!src/**\n")
    asked = request(context, "FROM scratch\nCOPY . /\n")
    assert warnings_of(session, asked) == ["CopyIgnoredFile"]
    (context / "src").mkdir()
    (context / "src/file").touch()
    assert warnings_of(session, asked) == []


def test_the_build_argument_of_the_checks_counts_each_time(session, context):
    text = "FROM scratch AS A\nCOPY . /\n"
    assert warnings_of(session, request(context, text)) == ["StageNameCasing"]
    override = {"BUILDKIT_DOCKERFILE_CHECK": "skip=all"}
    assert warnings_of(session, request(context, text, build_args=override)) == []


def test_findings_that_are_errors_stop_a_build_before_anything_runs(session, context):
    asked = request(context, "# check=error=true\nFROM scratch AS A\nCOPY . /\n")
    for _ in range(2):
        with pytest.raises(LintError) as caught:
            build(session, asked, discard)
        assert caught.value.message == "lint violation found for rules: StageNameCasing"
        assert caught.value.span.line == 2
    assert list(session.layer_store.all()) == []


def test_outline_and_targets_describe_the_file(session, context):
    asked = request(
        context,
        "FROM scratch AS one\n# NAME who\nARG NAME=you\nFROM scratch\n",
        target="one",
        build_args={"NAME": "me"},
    )
    described, _ = outline(session, asked)
    assert [(a.name, a.value, a.description) for a in described.args] == [("NAME", "me", "who")]
    assert [each.name for each in targets(session, asked)[0]] == ["one", ""]


def test_an_outline_of_an_unknown_target_is_an_error(session, context):
    with pytest.raises(StageGraphError):
        outline(session, request(context, "FROM scratch\n", target="none"))
