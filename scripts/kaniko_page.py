#!/usr/bin/env python3
"""Write ``docs/reference/kaniko.md`` from the table of kaniko's flags."""

from __future__ import annotations

from pathlib import Path

from project_python import enter

enter()

from jettison.cli.kaniko.page import page  # noqa: E402 - found through sys.path

PLACE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "kaniko.md"

if __name__ == "__main__":
    PLACE.write_text(page())
