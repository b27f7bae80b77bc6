"""Where programs of the host are."""

from __future__ import annotations

from pathlib import Path

from jettison.linux.programs import find_program


def program(path: Path, mode: int = 0o755) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(mode)
    return path


def test_the_first_directory_that_has_it_counts(tmp_path):
    program(tmp_path / "b/tool")
    first = program(tmp_path / "a/tool")
    path = [f"{tmp_path}/none", f"{tmp_path}/a", f"{tmp_path}/b"]
    assert find_program("tool", path) == first
    assert find_program("tool", path[2:]) == tmp_path / "b/tool"
    assert find_program("other", path) is None


def test_directories_and_files_that_are_not_executable_are_none(tmp_path):
    (tmp_path / "a/tool").mkdir(parents=True)
    program(tmp_path / "b/tool", 0o644)
    last = program(tmp_path / "c/tool")
    path = [f"{tmp_path}/{name}" for name in "abc"]
    assert find_program("tool", path) == last


def test_an_absolute_path_is_taken_as_it_is(tmp_path):
    tool = program(tmp_path / "tool")
    assert find_program(str(tool), []) == tool
    assert find_program(str(program(tmp_path / "text", 0o644)), []) is None
    assert find_program(f"{tmp_path}/missing") is None


def test_where_path_lacks_them_usual_places_are_looked_at(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    assert find_program("env") == Path("/usr/bin/env")
    assert find_program("env", ["/nonexistent"]) is None
