"""What the conformance tests do without the larger corpora: there are fewer of them."""

from __future__ import annotations

import pytest

from conformance import corpora


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out tests that only have cases of the larger corpora; test_corpus says so once."""
    if corpora.has_larger():
        return
    alone = [item for item in items if item.get_closest_marker("larger_corpora")]
    if alone:
        config.hook.pytest_deselected(items=alone)
        items[:] = [item for item in items if item not in alone]
