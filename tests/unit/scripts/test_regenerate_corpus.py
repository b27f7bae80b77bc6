"""The script that makes goldens, with our own command line in place of BuildKit's."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from host_tools import tool

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "regenerate_corpus.py"
COPY = "=== one\n--- Dockerfile\nFROM scratch\nCOPY f /f\n--- f\ntext\n"
REFUSED = """#1 [internal] load build definition from Dockerfile
#1 DONE 0.0s
Dockerfile:3
--------------------
   3 | >>> CPOY f /f
--------------------
ERROR: failed to build: failed to solve: dockerfile parse error on line 3: unknown instruction: CPOY (did you mean COPY?)
"""

_spec = importlib.util.spec_from_file_location("regenerate_corpus", SCRIPT)
assert _spec is not None
assert _spec.loader is not None
regenerate_corpus = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(regenerate_corpus)


def regenerate(corpus: Path, *flags: str, builder: str = "") -> subprocess.CompletedProcess[str]:
    """Run the script on a corpus; `builder` is the command line that it builds with."""
    tool("busybox")
    ours = f"{sys.executable} -m jettison --root {corpus.parent / 'store'}"
    command = [sys.executable, str(SCRIPT), "--corpus", str(corpus), "--buildx", builder or ours]
    source = SCRIPT.parents[1] / "src"
    environ = {**os.environ, "PYTHONPATH": str(source), "JETTISON_BUILDX_OPTIONS": ""}
    return subprocess.run(
        [*command, *flags], env=environ, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    place = tmp_path / "corpus"
    (place / "build").mkdir(parents=True)
    (place / "build/topic.txt").write_text(COPY)
    return place


@pytest.mark.needs_root
def test_goldens_are_made_kept_and_compared(corpus: Path) -> None:
    made = regenerate(corpus)
    assert made.returncode == 0, made.stderr
    assert "build/topic one: is new" in made.stdout
    goldens = json.loads((corpus / "build/topic.json").read_text())
    tree = goldens["one"]["expected"]["tree"]
    assert [(each["path"], each["size"]) for each in tree] == [("f", 5)]

    # What did not change is not built: this builder would fail.
    kept = regenerate(corpus, builder="/bin/false")
    assert (kept.returncode, kept.stdout) == (0, "0 goldens differ from those that there were\n")

    goldens["one"]["expected"]["tree"][0]["mode"] = "0600"
    (corpus / "build/topic.json").write_text(json.dumps(goldens))
    compared = regenerate(corpus, "--all", "--check", "build/topic")
    assert compared.returncode == 1, compared.stderr
    assert "build/topic one: tree was" in compared.stdout
    assert json.loads((corpus / "build/topic.json").read_text()) == goldens


@pytest.mark.needs_root
def test_a_builder_that_cannot_be_asked_makes_no_golden(corpus: Path) -> None:
    done = regenerate(corpus, builder="/bin/false")
    assert done.returncode == 2
    assert "no message in" in done.stderr
    assert not (corpus / "build/topic.json").exists()


def test_a_refused_build_is_told_with_the_line_that_is_shown(tmp_path: Path) -> None:
    message = "dockerfile parse error on line 3: unknown instruction: CPOY (did you mean COPY?)"
    golden = {"error": True, "message": message, "line": 3}
    assert regenerate_corpus._failure({"name": "x"}, REFUSED, tmp_path) == golden
    with pytest.raises(regenerate_corpus.BuilderError):
        regenerate_corpus._failure({"name": "x"}, "#1 DONE 0.0s\n", tmp_path)
