"""How a container's runtime finds a program: PATH, rights, links."""

from __future__ import annotations

from pathlib import Path

from jettison.analysis.entry.reached import Problem
from jettison.analysis.entry.search import Found, LookupContext, find_file, find_program, look
from unit.analysis.tree_rig import ELF, files_of


def test_what_nobody_may_execute_is_passed_by(tmp_path: Path) -> None:
    files = files_of(tmp_path, {"a/app": ELF, "b/app": ELF}, {"b/app": 0o755})
    both = LookupContext(path="/a:/b")
    assert find_program(files, "app", both) == Found("/b/app", "/b/app")
    assert find_program(files, "app", LookupContext(path="/a")) == Found(
        "/a/app", "/a/app", Problem.NOT_EXECUTABLE
    )


def test_nothing_is_said_of_what_cannot_be_known(tmp_path: Path) -> None:
    files = files_of(tmp_path, {"a/app": ELF})
    assert find_program(files, "app", LookupContext(path=None)) is None
    assert find_program(files, "./app", LookupContext(cwd="")) is None
    assert find_program(files, "app", LookupContext(cwd="", path="bin:/a")) is None
    assert find_file(files, "app", LookupContext(cwd="")) is None


def test_a_path_without_end_is_looked_through_in_part(tmp_path: Path) -> None:
    files = files_of(tmp_path, {"a/app": ELF}, {"a/app": 0o755})
    long = ":".join(f"/{number}" for number in range(100_000))
    assert find_program(files, "app", LookupContext(path=f"/a:{long}")) == Found("/a/app", "/a/app")
    assert find_program(files, "app", LookupContext(path=f"{long}:/a")) is None
    same = ":".join(["/b"] * 500)
    assert find_program(files, "app", LookupContext(path=f"{same}:/a")) == Found("/a/app", "/a/app")


def test_what_is_read_needs_no_right_to_execute(tmp_path: Path) -> None:
    files = files_of(tmp_path, {"a/app.py": "x"})
    assert find_file(files, "app.py", LookupContext(cwd="/a")) == Found("/a/app.py", "/a/app.py")


def test_the_link_that_leads_to_nothing_is_the_last_one(tmp_path: Path) -> None:
    links = {"bin": "->usr/bin", "usr/bin/app": "->../lib/app", "usr/lib/app": "->/opt/app/run"}
    files = files_of(tmp_path, links)
    assert look(files, "/bin/app").link == "/usr/lib/app"
    assert look(files, "/bin/other").link == ""
