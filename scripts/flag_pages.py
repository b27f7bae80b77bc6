#!/usr/bin/env python3
"""Write docs/reference/docker-flags.md from docker's and podman's flags and our commands."""

from __future__ import annotations

import json
from pathlib import Path

from project_python import enter

enter()

from jettison.cli.flag_page import page  # noqa: E402 - found through sys.path

ROOT = Path(__file__).resolve().parents[1]
FLAGS = ROOT / "tests" / "unit" / "cli" / "compat" / "flags.json"
PAGE = ROOT / "docs" / "reference" / "docker-flags.md"

if __name__ == "__main__":
    PAGE.write_text(page(json.loads(FLAGS.read_text())))
