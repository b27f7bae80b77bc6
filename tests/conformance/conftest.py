"""What the conformance tests do without the larger corpora, and what of them is measured."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from conformance import cases, corpora
from jettison.sandbox.helper import spawn

_BOOT = spawn._BOOT
_OWN = {case["name"] for kind in cases.KINDS for case in corpora.own_cases(kind)}


@pytest.fixture(autouse=True)
def _measured_by_the_own_corpus(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Measure no coverage of the larger corpora, nor of helpers: it takes half of the time again.

    The own corpus covers the same, and contract tests cover helpers.
    """
    monkeypatch.setattr(spawn, "_BOOT", _BOOT)
    parameters = getattr(getattr(request.node, "callspec", None), "params", {})
    case = parameters.get("case")
    measured = None
    if isinstance(case, dict) and case.get("name") not in _OWN and "coverage" in sys.modules:
        measured = sys.modules["coverage"].Coverage.current()
    if measured is not None:
        measured.stop()
    yield
    if measured is not None:
        measured.start()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out tests that only have cases of the larger corpora; test_corpus says so once."""
    if corpora.has_larger():
        return
    alone = [item for item in items if item.get_closest_marker("larger_corpora")]
    if alone:
        config.hook.pytest_deselected(items=alone)
        items[:] = [item for item in items if item not in alone]
