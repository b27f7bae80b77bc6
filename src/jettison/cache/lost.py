"""Layers that caches elsewhere said to have, and that turned out to be gone or wrong.

In:  a layer, from whoever read it: a build or a later command.
Out: whether a cache's word for it counts.

A cache goes on saying so: without this each build would take its word again, and nothing that only
a later command reads would ever be made.
"""

from __future__ import annotations

import time

from jettison.cache.record import AnswerMemo
from jettison.oci.digest import Digest, sha256_digest
from jettison.store.database import Database
from jettison.store.layer import LayerId

_SECONDS = 24 * 3600
"""Then a cache may have been mended."""


def note_lost(database: Database, layer: LayerId) -> None:
    """Remember that no cache elsewhere has a layer."""
    AnswerMemo(database).keep(_question(layer), str(int(time.time())).encode())


def is_lost(database: Database, layer: LayerId) -> bool:
    """Tell whether a layer was found to be lost lately."""
    noted = AnswerMemo(database).find(_question(layer))
    return noted is not None and time.time() - int(noted) < _SECONDS


def _question(layer: LayerId) -> Digest:
    return sha256_digest(b"lost layer\0" + layer.encode())
