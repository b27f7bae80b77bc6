"""Each edit of a project is named as the cause of what runs after it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from jettison.cli.why import explanation_text
from jettison.why.explanation import CAUSES
from why_rig import Builder, Edit, Project, edits

PROJECT, EDITS = edits()


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory, need: Callable[[str], str]) -> Builder:
    return Builder(tmp_path_factory.mktemp("why"), need("busybox"))


def flags_of(edit: Edit, builder: Builder) -> list[str]:
    flags = []
    for name in edit.get("contexts", ()):
        flags += ["--build-context", f"{name}=oci-layout://{builder.layout(name)}"]
    return flags


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit["title"].replace(" ", "-"))
def test_the_edit_is_the_cause(edit: Edit, builder: Builder, tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.set_up(PROJECT, edit)
    more = flags_of(edit, builder)
    builder.build(project, *more, *edit.get("before", ()), fails="fails" in edit)
    if "moves" in edit:
        builder.layout(edit["moves"], more="another")
    if "gives" in edit:
        builder.layout(edit["gives"], owner="1000:1000")
    try:
        project.change(edit)
    except OSError as error:
        pytest.skip(f"no extended attributes here: {error}")
    if edit.get("prune"):
        assert builder.run("builder", "prune", "-af").returncode == 0
    flags = edit.get("flags", edit.get("before", ()))
    found = builder.build(project, *more, *flags)
    text = explanation_text(found)
    assert [each.line for each in found.steps] == edit["ran"], text
    if not edit["cause"]:
        assert found.roots == (), text
        return
    causes = edit.get("causes", dict.fromkeys(map(str, edit["ran"]), edit["cause"]))
    named = {str(each.line): found.roots[each.root].cause for each in found.steps}
    assert named == causes, text
    assert set(named.values()) <= set(CAUSES)
    assert [told for told in edit["told"] if told not in text] == [], text
    assert [word for word in edit.get("never", ()) if word in text] == []
    if "causes" in edit:
        return
    (root,) = (found.roots[index] for index in {each.root for each in found.steps})
    assert root.steps == tuple(each.vertex for each in found.steps)
    assert root.cost_ns == sum(each.duration_ns for each in found.steps)
    if "line" in edit:
        assert root.line == edit["line"], text
    if "files_changed" in edit:
        assert [f"{each.change} {each.path}" for each in root.files] == edit["files_changed"]


def test_there_are_forty_edits_and_more_of_all_kinds() -> None:
    assert len(EDITS) >= 40
    causes = {edit["cause"] for edit in EDITS}
    elsewhere = {"first-build", "key-format", "failed", "not-reached", "file-time", "download"}
    elsewhere |= {"git", "files", "unknown", "", "file-added"}
    assert set(CAUSES) <= causes | elsewhere
    assert os.fspath(PROJECT["dockerfile"])
