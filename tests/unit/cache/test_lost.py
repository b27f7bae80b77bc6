"""What was found to be lost counts as lost for a day."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from jettison.cache.lost import is_lost, note_lost
from jettison.store.layer import LayerId
from jettison.store.store import Store

LAYER, OTHER = LayerId("content:sha256:" + "a" * 64), LayerId("content:sha256:" + "b" * 64)


def test_a_layer_is_lost_once_somebody_has_noted_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.open(tmp_path / "store") as store:
        assert not is_lost(store.database, LAYER)
        note_lost(store.database, LAYER)
        assert is_lost(store.database, LAYER)
        assert not is_lost(store.database, OTHER)
        later = time.time() + 25 * 3600
        monkeypatch.setattr(time, "time", lambda: later)
        assert not is_lost(store.database, LAYER)
