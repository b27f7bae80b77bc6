"""What the conformance tests do without the larger corpora, and what of them is measured."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conformance import cases, corpora
from coverage_rig import unmeasured

_OWN = {case["name"] for kind in cases.KINDS for case in corpora.own_cases(kind)}


@pytest.fixture(autouse=True)
def _measured_by_the_own_corpus(
    request: pytest.FixtureRequest,
) -> Iterator[None]:
    """Measure no coverage of the larger corpora: the own one covers the same, in less time."""
    parameters = getattr(getattr(request.node, "callspec", None), "params", {})
    case = parameters.get("case")
    with unmeasured(when=isinstance(case, dict) and case.get("name") not in _OWN):
        yield


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out tests that only have cases of the larger corpora; test_corpus says so once."""
    if corpora.has_larger():
        return
    alone = [item for item in items if item.get_closest_marker("larger_corpora")]
    if alone:
        config.hook.pytest_deselected(items=alone)
        items[:] = [item for item in items if item not in alone]
