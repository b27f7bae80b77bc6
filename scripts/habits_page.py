#!/usr/bin/env python3
"""Write docs/reference/habits.md from the lines of tests/e2e/habits."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests")]

from e2e.habits.page import page  # noqa: E402 - found through sys.path
from e2e.habits.stage import habits  # noqa: E402

if __name__ == "__main__":
    (ROOT / "docs" / "reference" / "habits.md").write_text(page(habits()))
