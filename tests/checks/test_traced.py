"""Builds that note what their steps read, and the advice that follows from it."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from checks.rig import Checked, of_rule
from jettison.api.build import build
from jettison.api.request import BuildRequest
from jettison.events import Warned
from jettison.findings.fix import apply_fix

pytestmark = pytest.mark.xdist_group("checks")

TEXT = """FROM box
WORKDIR /app
COPY src/ .
RUN sleep 0.5; {}
CMD ["true"]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("names.txt", "a.txt", "b.txt", "c.txt", "sub/d.txt"):
        (tmp_path / "src" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "src" / name).write_text(name)
    return tmp_path


@pytest.mark.parametrize(
    ("command", "reads", "fixed"),
    [
        (
            "echo nothing > /made",
            0,
            "WORKDIR /app\nRUN sleep 0.5; echo nothing > /made\nCOPY src/ .\n",
        ),
        (
            "cat names.txt sub/d.txt",
            2,
            "COPY src/names.txt /app/\nCOPY src/sub/d.txt /app/sub/\nRUN sleep 0.5; cat names.txt sub/d.txt\n",
        ),
        ("cat *.txt", None, ""),
        ("ls sub", None, ""),
    ],
)
def test_a_step_that_reads_little_of_a_copy_comes_first(
    checked: Checked, folder: Path, command: str, reads: int | None, fixed: str
) -> None:
    (folder / "Dockerfile").write_text(TEXT.format(command))
    _, built = checked.build(folder, trace_inputs=True)
    found = of_rule(built.findings, "MS701")
    if reads is None:
        assert not found
        return
    (finding,) = found
    assert f"read {reads} of 5 files copied by line 3" in finding.detail
    assert fixed in apply_fix((folder / "Dockerfile").read_text(), finding.fixes[0])


def test_steps_that_did_not_run_are_told(checked: Checked, folder: Path) -> None:
    (folder / "Dockerfile").write_text(TEXT.format(f"cat names.txt > /{uuid.uuid4().hex}"))

    def warned(**options: bool) -> list[str]:
        events: list[object] = []
        request = BuildRequest(context=str(folder), **options)
        done = build(checked.session, request, events.append)
        texts = [each.message for each in events if isinstance(each, Warned) and not each.rule]
        return [*texts, *(each.detail for each in of_rule(done.findings, "MS701"))]

    checked.need_bases(TEXT)
    assert warned() == []
    (text,) = warned(trace_inputs=True)
    assert text.endswith("it was found in the cache; add `--no-cache` to run it")
    (proved,) = warned(trace_inputs=True, no_cache=True)
    assert "read 1 of 5 files" in proved
    assert warned() == [proved]  # what was noted stays with the record
