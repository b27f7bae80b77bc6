"""Each edit of a project is named as the cause of what runs after it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jettison.why.explanation import CAUSES
from why_rig import EDITS as EDITS_FILE
from why_rig import Builder, Edit, edits, make_edit

PROJECT, EDITS = edits()
SHOWN = json.loads((EDITS_FILE.parent / "jettison.json").read_text())
"""What the page shows: `scripts/record_edits.py --ours` makes it."""


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory, need: Callable[[str], str]) -> Builder:
    return Builder(tmp_path_factory.mktemp("why"), need("busybox"))


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit["title"].replace(" ", "-"))
def test_the_edit_is_the_cause(edit: Edit, builder: Builder, tmp_path: Path) -> None:
    if "xattr" in edit and not keeps_attributes(tmp_path):
        pytest.skip("the file system keeps no attributes of users")
    found, text = make_edit(PROJECT, edit, tmp_path, builder)
    assert [each.line for each in found.steps] == edit["ran"], text
    assert text.splitlines() == SHOWN[edit["title"]], text
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


def keeps_attributes(directory: Path) -> bool:
    try:
        os.setxattr(directory, "user.test", b"1")
    except OSError:
        return False
    return True


def test_the_page_shows_all_edits_and_what_buildkit_prints_after_them() -> None:
    titles = [edit["title"] for edit in EDITS]
    assert list(SHOWN) == titles
    theirs = json.loads((EDITS_FILE.parent / "buildkit.json").read_text())
    assert list(theirs) == titles
    words = "content has changed|because|cause|invalidat|mode |0644|--build-arg|pruned"
    said = [line for lines in theirs.values() for line in lines or () if re.search(words, line)]
    assert [line for line in said if "[" not in line and "transferring" not in line] == []


def test_the_page_is_what_its_script_writes() -> None:
    scripts = Path(__file__).resolve().parents[2] / "scripts"
    program = "import sys, why_page; sys.stdout.write(why_page.page())"
    made = subprocess.run(
        [sys.executable, "-c", program], cwd=scripts, capture_output=True, text=True, check=True
    )
    assert (scripts.parent / "docs/reference/why.md").read_text() == made.stdout


def test_there_are_forty_edits_and_more_of_all_kinds() -> None:
    assert len(EDITS) >= 40
    causes = {edit["cause"] for edit in EDITS}
    elsewhere = {"first-build", "key-format", "failed", "not-reached", "file-time", "download"}
    elsewhere |= {"git", "files", "unknown", "", "file-added"}
    assert set(CAUSES) <= causes | elsewhere
