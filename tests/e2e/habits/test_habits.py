"""Daily lines of docker's, run with Jettison: each does the same, is noted, or is refused.

What docker printed is in ``habits.json`` (``scripts/record_habits.py``). None is silent: where the
output is another, the file has ours with the reason, and it is compared exactly.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.habits.page import page
from e2e.habits.stage import OUTCOMES, PLACE, habits, make, plain
from registry_server import RegistryServer

ROWS = habits()
PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "habits.md"
REFUSED = 125


@pytest.fixture(scope="module")
def said() -> Iterator[dict[str, dict[str, Any]]]:
    """What each line printed, all of them run in their order in a store of their own."""
    with tempfile.TemporaryDirectory(prefix="jettison-habits-") as place:
        work = Path(place)
        make(work)
        with RegistryServer(work / "registry") as registry:
            lines = [row["line"].replace("REGISTRY", registry.host) for row in ROWS]
            done = subprocess.run(
                [sys.executable, PLACE / "driver.py"],
                cwd=work,
                env={
                    **os.environ,
                    "JETTISON_ROOT": f"{work}/store",
                    "JETTISON_CONFIG": os.devnull,
                    "DOCKER_CONFIG": f"{work}/config",
                },
                input=json.dumps(lines),
                capture_output=True,
                text=True,
                check=True,
                timeout=300,
            )
        found = {}
        for row, (status, out, err) in zip(ROWS, json.loads(done.stdout), strict=True):
            loose = row.get("loose", [])
            first = plain(err, registry.host, ["ids", "times"]).strip().split("\n")[0]
            found[row["line"]] = {
                "status": status,
                "out": plain(out, registry.host, loose),
                "err": first,
            }
        yield found


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["line"][7:60])
def test_a_line_does_what_the_table_says(
    row: dict[str, Any], said: dict[str, dict[str, Any]]
) -> None:
    mine, theirs = said[row["line"]], row["docker"]
    same = mine["out"] == theirs["out"] and (mine["status"] == 0) is (theirs["status"] == 0)
    if row["outcome"] == "equal":
        assert mine["out"] == theirs["out"]
        assert (mine["status"] == 0) is (theirs["status"] == 0), mine
        return
    assert {**mine, "err": mine["err"] if "err" in row["ours"] else ""} == {
        "err": "",
        **row["ours"],
    }
    if row["outcome"] == "refused":
        assert mine["status"] == REFUSED
        assert mine["err"].startswith("ERROR: ")
    else:
        assert not same or mine["err"].startswith("WARN: "), "it is equal"


def test_every_outcome_that_is_not_equal_says_why() -> None:
    assert {row["outcome"] for row in ROWS} == set(OUTCOMES)
    for row in ROWS:
        assert (row["outcome"] == "noted") <= bool(row.get("note")), row["line"]
        assert (row["outcome"] == "equal") is ("ours" not in row), row["line"]
    assert len({row["line"] for row in ROWS}) == len(ROWS) >= 120


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text() == page(ROWS), "run scripts/habits_page.py"
