"""What an image starts: which files are reached, in which order, and what is missing."""

from __future__ import annotations

from pathlib import Path

from jettison.analysis.entry.reached import Command, How, Problem, Reached
from jettison.analysis.entry.walk import reached
from jettison.oci.config import ContainerConfig, Healthcheck
from unit.analysis.tree_rig import ELF, files_of


def _reached(root: Path, contents: dict[str, bytes | str], config: ContainerConfig) -> Reached:
    modes = {path: 0o755 for path, content in contents.items() if not str(content).startswith("->")}
    return reached(files_of(root, contents, modes), config)


def _names(found: Reached) -> list[tuple[str, str, str]]:
    return [(use.name, use.path, use.problem or "") for use in found.uses]


def test_a_name_is_looked_up_on_the_path_of_the_config_in_its_order(tmp_path: Path) -> None:
    tree: dict[str, bytes | str] = {"a/app": ELF, "b/app": ELF, "usr/bin/app": ELF}
    config = ContainerConfig(cmd=("app",), env=("PATH=/b:/a",))
    assert _names(_reached(tmp_path, tree, config)) == [("app", "/b/app", "")]


def test_without_a_path_the_usual_directories_are_searched(tmp_path: Path) -> None:
    config = ContainerConfig(cmd=("app", "x"))
    found = _reached(tmp_path, {"usr/bin/app": ELF}, config)
    assert found.paths == ("/usr/bin/app",)
    assert found.uses[0].command is Command.CMD
    assert found.uses[0].how is How.STARTED
    assert found.uses[0].arguments == ("x",)


def test_a_name_with_a_slash_is_relative_to_the_working_directory(tmp_path: Path) -> None:
    tree: dict[str, bytes | str] = {"srv/bin/app": ELF}
    here = ContainerConfig(entrypoint=("./bin/app",), working_dir="/srv")
    assert _names(_reached(tmp_path, tree, here)) == [("./bin/app", "/srv/bin/app", "")]
    elsewhere = ContainerConfig(entrypoint=("bin/app",))
    assert _names(_reached(tmp_path, {}, elsewhere)) == [("bin/app", "", "missing")]


def test_a_link_to_nothing_is_named(tmp_path: Path) -> None:
    tree: dict[str, bytes | str] = {"app": "->bin/one", "bin/one": "->/opt/two"}
    found = _reached(tmp_path, tree, ContainerConfig(entrypoint=("/app",)))
    assert found.uses[0].problem is Problem.MISSING
    assert found.uses[0].link == "/bin/one"


def test_links_in_a_cycle_lead_to_nothing(tmp_path: Path) -> None:
    found = _reached(tmp_path, {"a": "->b", "b": "->a"}, ContainerConfig(cmd=("/a",)))
    assert found.uses[0].problem is Problem.MISSING


def test_what_is_no_program_says_why(tmp_path: Path) -> None:
    (tmp_path / "dir").mkdir()
    files = files_of(tmp_path, {"data": ELF, "text": "echo hello\n"}, {"text": 0o755})
    problems = [
        reached(files, ContainerConfig(cmd=(name,))).uses[0].problem
        for name in ("/dir", "/data", "/text", "/")
    ]
    assert problems == ["directory", "not executable", "no program", "directory"]


def test_interpreters_are_followed_through_env(tmp_path: Path) -> None:
    tree: dict[str, bytes | str] = {
        "app.py": "#!/usr/bin/env python3\n",
        "usr/bin/env": ELF,
        "usr/local/bin/python3": "->python3.11",
        "usr/local/bin/python3.11": ELF,
    }
    found = _reached(tmp_path, tree, ContainerConfig(cmd=("/app.py",)))
    assert found.paths == ("/app.py", "/usr/bin/env", "/usr/local/bin/python3.11")
    assert [use.name for use in found.way("/usr/local/bin/python3.11")] == ["/app.py", "python3"]
    assert found.uses[2].by == "/app.py"


def test_an_interpreter_that_is_missing_is_a_problem_of_the_script(tmp_path: Path) -> None:
    tree: dict[str, bytes | str] = {"a": "#!/bin/bash\n", "b": "#!/bin/sh\r\n", "bin/sh": ELF}
    found = _reached(tmp_path, tree, ContainerConfig(cmd=("/a",)))
    assert _names(found) == [("/a", "/a", ""), ("/bin/bash", "", "missing")]
    found = _reached(tmp_path, {}, ContainerConfig(cmd=("/b",)))
    assert _names(found) == [("/b", "/b", ""), ("/bin/sh\r", "", "missing")]


def test_the_env_of_busybox_splits_nothing(tmp_path: Path) -> None:
    tree: dict[str, bytes | str] = {
        "app": "#!/usr/bin/env -S node --check\n",
        "bin/busybox": ELF,
        "usr/bin/env": "->/bin/busybox",
        "usr/bin/node": ELF,
    }
    found = _reached(tmp_path, tree, ContainerConfig(cmd=("/app",)))
    assert [use.problem for use in found.problems()] == [Problem.NO_SPLIT]


def test_four_interpreters_in_a_row_may_be_scripts(tmp_path: Path) -> None:
    tree: dict[str, bytes | str] = {f"s{i}": f"#!/s{i - 1}\n" for i in range(1, 6)}
    tree |= {"s0": "#!/bin/sh\n", "bin/sh": ELF}
    assert not list(_reached(tmp_path, tree, ContainerConfig(cmd=("/s4",))).problems())
    deep = _reached(tmp_path, {}, ContainerConfig(cmd=("/s5",)))
    assert [use.problem for use in deep.problems()] == [Problem.TOO_DEEP]


def test_a_script_that_is_its_own_interpreter_ends(tmp_path: Path) -> None:
    found = _reached(tmp_path, {"a": "#!/a\n"}, ContainerConfig(cmd=("/a",)))
    assert [use.problem for use in found.problems()] == [Problem.TOO_DEEP]


def test_a_health_check_is_reached_unless_there_is_none(tmp_path: Path) -> None:
    tree: dict[str, bytes | str] = {"usr/bin/curl": ELF}
    direct = ContainerConfig(healthcheck=Healthcheck(("CMD", "curl", "-f", "localhost")))
    assert _reached(tmp_path, tree, direct).uses[0].command is Command.HEALTHCHECK
    none = ContainerConfig(healthcheck=Healthcheck(("NONE",)))
    assert _reached(tmp_path, {}, none).uses == ()
