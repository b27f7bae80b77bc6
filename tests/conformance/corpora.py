"""The corpora that tests read: the own one, and larger ones beside the project where they are.

In:  ``tests/conformance/corpus``; ``../shared/conformance``, which is no part of the project.
Out: cases as pytest parameters. Without the larger ones there are fewer cases, and one notice.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from conformance import cases as own

Json = dict[str, Any]

BESIDE = Path(
    os.environ.get("JETTISON_TEST_CORPORA")
    or Path(__file__).resolve().parents[3] / "shared" / "conformance"
)
"""Where the larger corpora are."""

NOTICE = f"the larger corpora are not at {BESIDE}: only the own corpus is read"


def has_larger() -> bool:
    """Tell whether the larger corpora are beside the project."""
    return BESIDE.is_dir()


@cache
def own_cases(kind: str) -> tuple[Json, ...]:
    """Return the cases of the own corpus of a kind."""
    return tuple(own.load(kind))


@cache
def larger_cases(name: str) -> tuple[Json, ...]:
    """Return the cases of the larger corpora's files of a name or glob; none without them."""
    paths = sorted(BESIDE.glob(name))
    return tuple(case for path in paths for case in json.loads(path.read_text()))


def build_cases() -> list[Json]:
    """Return all cases that are built: own ones, and the larger corpus's."""
    return [*own_cases("build"), *own_cases("ignore"), *larger_cases("build/*.json")]


def parameters(cases: Iterable[Json]) -> list[Any]:
    """Return cases as pytest parameters named by the cases."""
    return [pytest.param(case, id=case["name"]) for case in cases]


def texts(keep: Callable[[str], bool] = lambda _: True) -> list[Any]:
    """Return every Dockerfile text of every corpus, each once, as pytest parameters."""
    found: dict[str, str] = {}
    everything = [case for kind in own.KINDS for case in own_cases(kind)]
    for case in (*everything, *larger_cases("**/*.json")):
        for text in own.dockerfiles(case):
            found.setdefault(text, case["name"])
    return [pytest.param(text, id=name) for text, name in found.items() if keep(text)]


def syntax_errors() -> list[Any]:
    """Return the cases whose builds fail with a message of the parser."""
    everything = (*build_cases(), *own_cases("parser"), *own_cases("words"))
    return parameters(
        case
        for case in everything
        if "dockerfile parse error" in (case.get("expected", {}).get("message") or "")
    )
