"""The Dockerfile corpora as data; tests skip without them, and fail in CI."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2] / "shared" / "conformance"


def cases(name: str) -> list[Any]:
    """Return the cases of a corpus as pytest parameters named by the cases."""
    path = ROOT / name
    if not path.exists():
        if os.environ.get("CI"):
            raise FileNotFoundError(path)
        reason = f"the corpus {name} is not here"
        return [pytest.param(None, marks=pytest.mark.skip(reason=reason))]
    return [pytest.param(case, id=case["name"]) for case in json.loads(path.read_text())]


def texts() -> list[Any]:
    """Return every Dockerfile text of every corpus, each once."""
    found: dict[str, str] = {}
    for path in sorted(ROOT.rglob("*.json")):
        for case in json.loads(path.read_text()):
            for part in (case, *case.get("steps", ()), *case.get("prereq", ())):
                if "dockerfile" in part:
                    found.setdefault(part["dockerfile"], case["name"])
    if not found and os.environ.get("CI"):
        raise FileNotFoundError(ROOT)
    return [pytest.param(text, id=name) for text, name in found.items()]


def failures() -> list[Any]:
    """Return the build cases that must fail with a message of the parser."""
    return [
        pytest.param(case, id=case["name"])
        for path in sorted(ROOT.glob("build/*.json"))
        for case in json.loads(path.read_text())
        if "dockerfile parse error" in (case.get("expected", {}).get("message") or "")
    ]
