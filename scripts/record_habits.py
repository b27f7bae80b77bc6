#!/usr/bin/env python3
"""Records what docker prints for the lines of tests/e2e/habits, and what we print where we differ.

    JETTISON_DOCKER="docker" scripts/record_habits.py REGISTRY    run docker and us
    scripts/record_habits.py --ours REGISTRY                      run us only

Docker's daemon must have no images and no build cache: the lines remove both. REGISTRY
(`127.0.0.1:5000`) must take pushes without credentials. The lines are those of `habits.json` and
of the files that are named after the registry, one a line. An outcome that is not equal needs a
note, which is written by hand.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests")]

from e2e.habits.stage import DATA, habits, make, plain  # noqa: E402 - found through sys.path


def main() -> None:
    """Run the lines; write the file."""
    arguments = [each for each in sys.argv[1:] if each != "--ours"]
    registry, *files = arguments
    rows = habits() if DATA.exists() else []
    known = {row["line"] for row in rows}
    new = [line for file in files for line in Path(file).read_text().splitlines() if line]
    rows += [{"line": line} for line in new if line not in known]
    if "--ours" not in sys.argv[1:]:
        for row, found in zip(rows, docker(rows, registry), strict=True):
            row["docker"] = answer(row, found, registry)
    for row, found in zip(rows, ours([row["line"] for row in rows], registry), strict=True):
        compare(row, answer(row, found, registry))
    DATA.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")


def answer(row: dict[str, Any], found: tuple[int, str, str], registry: str) -> dict[str, Any]:
    """Return what was printed in the form of the file."""
    status, out, err = found
    loose = row.get("loose", [])
    kept: dict[str, Any] = {"status": status, "out": plain(out, registry, loose)}
    if status or row.get("outcome") in {"noted", "refused"}:
        kept["err"] = plain(err, registry, ["ids", "times"]).strip().split("\n")[0]
    return kept


def compare(row: dict[str, Any], mine: dict[str, Any]) -> None:
    """Note what we print where it is not what docker prints."""
    theirs = row["docker"]
    same = mine["out"] == theirs["out"] and (mine["status"] == 0) is (theirs["status"] == 0)
    if same and (row.get("outcome", "equal") == "equal" or row.get("note") == "?"):
        row["outcome"] = "equal"
        for name in ("ours", "note"):
            row.pop(name, None)
        return
    if row.get("outcome", "equal") == "equal":
        row["outcome"] = "refused" if mine["status"] == 125 else "noted"
        row["note"] = "?"  # somebody has to say why
    row["ours"] = mine
    sys.stderr.write(f"{row['outcome']}: {row['line']}\n  docker {theirs}\n  ours   {mine}\n")


def docker(rows: list[dict[str, Any]], registry: str) -> list[tuple[int, str, str]]:
    """Run the lines with docker."""
    command = os.environ.get("JETTISON_DOCKER", "docker")
    if run(f"{command} images -q", Path.cwd(), {})[1].strip():
        sys.exit("docker has images, which the lines would remove: use an empty one")
    with tempfile.TemporaryDirectory() as work:
        make(Path(work))
        environment = {"DOCKER_CONFIG": f"{work}/config"}
        script = f'docker() {{ {command} "$@"; }}\n'
        return [
            run(script + row["line"].replace("REGISTRY", registry), Path(work), environment)
            for row in rows
        ]


def ours(lines: list[str], registry: str) -> list[tuple[int, str, str]]:
    """Run the lines with Jettison."""
    with tempfile.TemporaryDirectory() as work:
        make(Path(work))
        environment = {"DOCKER_CONFIG": f"{work}/config", "JETTISON_ROOT": f"{work}/store"}
        asked = json.dumps([line.replace("REGISTRY", registry) for line in lines])
        driver = ROOT / "tests" / "e2e" / "habits" / "driver.py"
        done = subprocess.run(
            [sys.executable, driver],
            cwd=work,
            env={**os.environ, **environment},
            input=asked,
            capture_output=True,
            text=True,
            check=True,
        )
        return list(json.loads(done.stdout))


def run(script: str, work: Path, environment: dict[str, str]) -> tuple[int, str, str]:
    """Run a line of shell; return its status, output and errors."""
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=work,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


if __name__ == "__main__":
    main()
