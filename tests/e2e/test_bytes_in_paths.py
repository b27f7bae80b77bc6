"""Paths are bytes: contexts and files whose names are not UTF-8."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jettison.cli.main import run

NAME = os.fsdecode(b"caf\xe9")


@pytest.mark.needs_root
def test_a_context_whose_name_is_not_utf_8_is_built_and_found_in_the_cache(tmp_path: Path, capsys):
    context = tmp_path / NAME
    context.mkdir()
    (context / "Dockerfile").write_text("FROM scratch\nCOPY a /\n")
    (context / "a").write_text("a")
    argv = ["--root", str(tmp_path / "store"), "build", "--progress=plain", str(context)]
    assert run(argv) == 0, capsys.readouterr().err
    assert run(argv) == 0
    assert "CACHED" in capsys.readouterr().err
    assert run([*argv[:-1], f"{context}-not"]) == 4
