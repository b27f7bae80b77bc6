"""Who runs a test that does the same for everybody: root or a user, by turns.

In:  names of tests, `JETTISON_TEST_LEVELS`.
Out: one user for each name, always the same one; with `JETTISON_TEST_LEVELS=all` all of them.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Sequence

ALL_LEVELS = os.environ.get("JETTISON_TEST_LEVELS") == "all"


def whose_turn(name: str, users: Sequence[str]) -> Sequence[str]:
    """Return those of some users who run a test.

    Args:
        name: Of the test, without that of a user.
        users: All.
    """
    return users if ALL_LEVELS else (users[zlib.crc32(name.encode()) % len(users)],)


def has_turn(name: str, of: int) -> bool:
    """Tell whether a case is among those that every run has: one of so many, always the same."""
    return ALL_LEVELS or zlib.crc32(name.encode()) % of == 0
