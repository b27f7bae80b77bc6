"""Each defect is built for real, found where it is, and gone once its fix is applied."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

import jettison
from checks.rig import HERE, Checked, Expected, errors, of_rule
from jettison.check.runner import FAULT
from jettison.findings.finding import Finding
from jettison.findings.fix import apply_fix, machine_fixes
from turns import has_turn

DEFECTS = sorted(path.parent for path in (HERE / "defects").glob("*/expect.json"))
BUILT = [path for path in DEFECTS if has_turn(path.name, 2)]
"""All are built by `scripts/check_tables.py`."""

GOOD = sorted(path.parent for path in (HERE / "good").glob("*/Dockerfile"))

pytestmark = pytest.mark.xdist_group("checks")


@pytest.fixture
def context(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of a fixture's folder."""
    folder: Path = request.param
    return Path(shutil.copytree(folder, tmp_path / folder.name, symlinks=True))


@pytest.mark.parametrize("context", BUILT, ids=lambda path: path.name, indirect=True)
def test_a_defect_is_found_and_its_fix_ends_it(checked: Checked, context: Path) -> None:
    wanted = msgspec.json.decode((context / "expect.json").read_bytes(), type=Expected)
    assert context.name.startswith(wanted.rule.lower() + "-")
    tag, said_of_it = found_in(checked, context, wanted)
    found = [
        each
        for each in of_rule(said_of_it, wanted.rule)
        if (each.line, each.path) == (wanted.line, wanted.path)
    ]
    assert [each.severity.value for each in found] == [wanted.severity], said_of_it
    assert not errors(said_of_it, but=wanted.rule)
    assert not any(FAULT in each.detail for each in said_of_it)
    if wanted.fails and not wanted.text:
        status, said = checked.run(tag, wanted.run)
        assert status != wanted.status, said

    if wanted.fixed == "file":
        text = (context / "Fixed.Dockerfile").read_text()
    else:
        text = apply_fix((context / "Dockerfile").read_text(), machine_fixes(found[0].fixes)[0])
    if wanted.text:
        assert not of_rule(checked.of_text(context, text), wanted.rule), text
        if not wanted.fails:
            return
        checked.need_bases(text)
        with pytest.raises(jettison.JettisonError):
            jettison.build(context, session=checked.session, progress="quiet")
    tag, built = checked.build(context, text, **wanted.options)
    assert not of_rule(built.findings, wanted.rule), text
    assert not errors(built.findings), text
    if wanted.fails:
        status, said = checked.run(tag, wanted.run)
        assert status == wanted.status, f"{text}\n{said}"
        assert wanted.output in said


def found_in(checked: Checked, context: Path, wanted: Expected) -> tuple[str, tuple[Finding, ...]]:
    """Return the name of a defect's image, if it is built to be checked, and what is found."""
    if wanted.text:
        return "", checked.of_text(context)
    tag, built = checked.build(context, **wanted.options)
    return tag, built.findings


@pytest.mark.parametrize("context", GOOD, ids=lambda path: path.name, indirect=True)
def test_a_good_image_is_not_found_fault_with(checked: Checked, context: Path) -> None:
    _, built = checked.build(context)
    assert not [each for each in built.findings if each.severity.value != "note"]
    assert not any(FAULT in each.detail for each in built.findings)
