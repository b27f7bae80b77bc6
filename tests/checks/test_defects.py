"""Each defect is built for real, found where it is, and gone once its fix is applied."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from checks.rig import HERE, Checked, Expected, errors, of_rule
from jettison.check.runner import FAULT
from jettison.findings.fix import apply_fix, machine_fixes

DEFECTS = sorted(path.parent for path in (HERE / "defects").glob("*/expect.json"))
GOOD = sorted(path.parent for path in (HERE / "good").glob("*/Dockerfile"))

pytestmark = pytest.mark.xdist_group("checks")


@pytest.fixture
def context(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of a fixture's folder."""
    folder: Path = request.param
    return Path(shutil.copytree(folder, tmp_path / folder.name, symlinks=True))


@pytest.mark.parametrize("context", DEFECTS, ids=lambda path: path.name, indirect=True)
def test_a_defect_is_found_and_its_fix_ends_it(checked: Checked, context: Path) -> None:
    wanted = msgspec.json.decode((context / "expect.json").read_bytes(), type=Expected)
    assert context.name.startswith(wanted.rule.lower() + "-")
    tag, built = checked.build(context, **wanted.options)
    found = [
        each
        for each in of_rule(built.findings, wanted.rule)
        if (each.line, each.path) == (wanted.line, wanted.path)
    ]
    assert [each.severity.value for each in found] == [wanted.severity], built.findings
    assert not errors(built.findings, but=wanted.rule)
    assert not any(FAULT in each.detail for each in built.findings)
    if wanted.fails:
        status, said = checked.run(tag, wanted.run)
        assert status != wanted.status, said

    if wanted.fixed == "file":
        text = (context / "Fixed.Dockerfile").read_text()
    else:
        text = apply_fix((context / "Dockerfile").read_text(), machine_fixes(found[0].fixes)[0])
    tag, built = checked.build(context, text, **wanted.options)
    assert not of_rule(built.findings, wanted.rule), text
    assert not errors(built.findings), text
    if wanted.fails:
        status, said = checked.run(tag, wanted.run)
        assert status == wanted.status, f"{text}\n{said}"
        assert wanted.output in said


@pytest.mark.parametrize("context", GOOD, ids=lambda path: path.name, indirect=True)
def test_a_good_image_is_not_found_fault_with(checked: Checked, context: Path) -> None:
    _, built = checked.build(context)
    assert not [each for each in built.findings if each.severity.value != "note"]
    assert not any(FAULT in each.detail for each in built.findings)
