"""Wrappers, interpreters' files and scripts on the way of what an image starts."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from jettison.analysis.entry.arguments import Call, Kind, call_of
from jettison.analysis.entry.reached import Command, How, Reached
from jettison.analysis.entry.script import Parameters, steps
from jettison.analysis.entry.search import LookupContext
from jettison.analysis.entry.shell import shell_text
from jettison.analysis.entry.walk import reached
from jettison.analysis.files import Files
from jettison.oci.config import ContainerConfig, Healthcheck
from unit.analysis.tree_rig import ELF, files_of

_SYSTEM: dict[str, bytes | str] = {
    "bin/sh": ELF,
    "bin/bash": ELF,
    "usr/bin/env": ELF,
    "usr/bin/tini": ELF,
    "usr/bin/python3": ELF,
    "usr/bin/node": ELF,
}
_REDIS = """#!/bin/sh
set -e
# first arg is `-f` or `--some-option`
if [ "${1#-}" != "$1" ] || [ "${1%.conf}" != "$1" ]; then
\tset -- redis-server "$@"
fi
if [ "$1" = 'redis-server' -a "$(id -u)" = '0' ]; then
\tfind . \\! -user redis -exec chown redis '{}' +
\texec gosu redis "$0" "$@"
fi
um="$(umask)"
if [ "$um" = '0022' ]; then umask 0077; fi
exec "$@"
"""
_NODE = """#!/bin/sh
set -e
if [ "${1#-}" != "${1}" ] || [ -z "$(command -v "${1}")" ] || { [ -f "${1}" ] && ! [ -x "${1}" ]; }; then
  set -- node "$@"
fi
exec "$@"
"""


def _reached(root: Path, contents: dict[str, bytes | str], config: ContainerConfig) -> Reached:
    tree = {**_SYSTEM, **contents}
    modes = {path: 0o755 for path, content in tree.items() if not str(content).startswith("->")}
    return reached(files_of(root, tree, modes), config)


def _shown(found: Reached) -> list[str]:
    """Return uses as text: ``!`` is a problem, ``!!`` one that decides."""
    return [
        ("" if use.problem is None else "!!" if use.is_certain else "!") + (use.path or use.name)
        for use in found.uses
    ]


@pytest.mark.parametrize(
    ("argv", "call"),
    [
        (("tini", "-g", "--", "app", "-x"), Call(Kind.STARTS, "app", ("-x",))),
        (("gosu", "www", "app"), Call(Kind.STARTS, "app")),
        (("timeout", "-s", "KILL", "5", "app"), Call(Kind.STARTS, "app")),
        (("env", "PATH=/b", "A=1", "app"), Call(Kind.STARTS, "app", (), "/b")),
        (("python3.11", "-u", "-W", "error", "a.py", "b"), Call(Kind.READS, "a.py", ("b",))),
        (("python3", "-m", "app"), None),
        (("python3",), None),
        (("node", "--require", "x", "--inspect", "a"), Call(Kind.READS, "a")),
        (("java", "-Xmx1g", "-cp", "x", "-jar", "a.jar", "b"), Call(Kind.READS, "a.jar", ("b",))),
        (("java", "-cp", "x", "Main"), None),
        (("dotnet", "a.dll"), Call(Kind.READS, "a.dll")),
        (("dotnet", "run"), None),
        (("bash", "-euo", "pipefail", "-c", "x", "y"), Call(Kind.SHELL_TEXT, "x", ("y",))),
        (("sh", "run.sh", "a"), Call(Kind.SHELL_FILE, "run.sh", ("a",))),
        (("bash", "-l", "-c", "x"), Call(Kind.SHELL_TEXT, "x", login=True)),
        (("sh", "-s"), None),
        (("tini", "--unknown", "app"), None),
        (("app", "x"), None),
    ],
)
def test_what_programs_do_with_arguments(argv: tuple[str, ...], call: Call | None) -> None:
    found = call_of(argv[0], argv[1:])
    if found is not None and call is not None and call.endings == ():
        assert (found.kind, found.operand, found.arguments) == (
            call.kind,
            call.operand,
            call.arguments,
        )
        assert (found.path, found.login) == (call.path, call.login)
    else:
        assert found == call


def test_text_of_the_shell_form_is_read(tmp_path: Path) -> None:
    config = ContainerConfig(cmd=("/bin/sh", "-c", "cd /srv && python3 app.py --port $PORT"))
    found = _reached(tmp_path, {"srv/app.py": "x"}, config)
    assert _shown(found) == ["/bin/sh", "/usr/bin/python3", "/srv/app.py"]
    assert [use.how for use in found.uses] == [How.STARTED, How.COMMAND, How.READ]


def test_a_file_that_an_interpreter_lacks_decides(tmp_path: Path) -> None:
    config = ContainerConfig(cmd=("python3", "app.py"), working_dir="/srv")
    assert _shown(_reached(tmp_path, {}, config)) == ["/usr/bin/python3", "!!app.py"]
    volume = ContainerConfig(cmd=("python3", "/srv/a.py"), volumes={"/srv": {}})
    assert _shown(_reached(tmp_path, {}, volume)) == ["/usr/bin/python3", "!/srv/a.py"]


def test_node_finds_files_without_their_ending_and_directories(tmp_path: Path) -> None:
    tree: dict[str, bytes | str] = {"srv/server.js": "x", "srv/app/index.js": "x"}
    for name in ("server", "app", "."):
        config = ContainerConfig(cmd=("node", name), working_dir="/srv")
        assert not list(_reached(tmp_path, tree, config).problems()), name


def test_scripts_of_images_pass_their_arguments_on(tmp_path: Path) -> None:
    tree: dict[str, bytes | str] = {
        "usr/local/bin/docker-entrypoint.sh": _REDIS,
        "usr/local/bin/gosu": ELF,
        "usr/local/bin/redis-server": ELF,
        "usr/bin/find": ELF,
    }
    config = ContainerConfig(entrypoint=("docker-entrypoint.sh",), cmd=("redis-server",))
    found = _reached(tmp_path, tree, config)
    assert not list(found.problems())
    assert "/usr/local/bin/redis-server" in found
    assert "/usr/local/bin/gosu" in found
    way = found.way("/usr/local/bin/redis-server")
    assert way[-1].command is Command.CMD


def test_arguments_that_a_script_may_replace_decide_only_if_they_are_a_program(
    tmp_path: Path,
) -> None:
    tree: dict[str, bytes | str] = {"usr/local/bin/docker-entrypoint.sh": _NODE}
    entrypoint = ("docker-entrypoint.sh",)
    there = ContainerConfig(entrypoint=entrypoint, cmd=("node", "server.js"))
    assert _shown(_reached(tmp_path, tree, there))[-2:] == ["/usr/bin/node", "!!server.js"]
    file = ContainerConfig(entrypoint=entrypoint, cmd=("server.js",))
    assert _shown(_reached(tmp_path, {}, file))[-1] == "!server.js"


def test_the_line_of_a_script_that_names_what_is_missing(tmp_path: Path) -> None:
    tree: dict[str, bytes | str] = {
        "run.sh": "#!/bin/bash -e\nexport PATH=/opt/bin:$PATH\n\nmigrate\nexec serve\n",
        "opt/bin/migrate": ELF,
    }
    found = _reached(tmp_path, tree, ContainerConfig(entrypoint=("/run.sh",)))
    (problem,) = found.problems()
    assert (problem.name, problem.by, problem.line) == ("serve", "/run.sh", 5)
    assert problem.is_certain
    assert _shown(found)[:3] == ["/run.sh", "/bin/bash", "/opt/bin/migrate"]


def test_a_file_that_a_shell_executes_needs_no_first_line(tmp_path: Path) -> None:
    tree: dict[str, bytes | str] = {"a": "#!/bin/sh\nexec /b\n", "b": "echo b\n"}
    assert not list(_reached(tmp_path, tree, ContainerConfig(cmd=("/a",))).problems())


def test_applets_of_a_busybox_are_no_files(tmp_path: Path) -> None:
    tree: dict[str, bytes | str] = {
        "bin/busybox": ELF + b"\0cat\0ls\0",
        "bin/sh": "->busybox",
    }
    files = files_of(tmp_path, tree, {"bin/busybox": 0o755})
    shown = [
        _shown(reached(files, ContainerConfig(cmd=("/bin/sh", "-c", name)))) for name in ("ls", "x")
    ]
    assert shown == [["/bin/busybox"], ["/bin/busybox", "!!x"]]


def test_a_health_check_in_shell_form_is_read_with_the_shell_of_the_image(tmp_path: Path) -> None:
    check = Healthcheck(("CMD-SHELL", "curl -f localhost || exit 1"))
    config = ContainerConfig(healthcheck=check, shell=("/bin/bash", "-c"))
    found = _reached(tmp_path, {}, config)
    assert _shown(found) == ["/bin/bash", "!!curl"]
    assert found.uses[1].command is Command.HEALTHCHECK


def test_scripts_that_execute_themselves_end(tmp_path: Path) -> None:
    tree: dict[str, bytes | str] = {
        "a": '#!/bin/sh\nexec /b "$@"\n',
        "b": "#!/bin/sh\n/a x\n/a y\n/b\n. /a\n",
    }
    found = _reached(tmp_path, tree, ContainerConfig(cmd=("/a",)))
    assert found.is_whole
    assert len(found.uses) < 20


def test_a_script_without_end_is_bounded(tmp_path: Path) -> None:
    many = "#!/bin/sh\n" + "python3 x.py\n" * 5_000
    found = _reached(tmp_path, {"a": many}, ContainerConfig(cmd=("/a",)))
    assert len(found.uses) <= 4_010
    large = "#!/bin/sh\n" + "#" * (1 << 20)
    assert not _reached(tmp_path, {"a": large}, ContainerConfig(cmd=("/a",))).is_whole


_WORDS = (
    *("", "sh", "-c", "/bin/sh", "env", "-S", "tini", "--", "python3", "a.py", "./a", "$@", "\0"),
    *("..", "'", "\udcff", "a=b", "$(", "&&", "exec"),
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Files:
    contents: dict[str, bytes | str] = {
        **_SYSTEM,
        "a": '#!/usr/bin/env -S sh -e\n. ./b\nexec "$0" "$@"\n',
        "b": "#!/a\n\xff\n",
        "c": "->c",
    }
    modes = {path: 0o755 for path, content in contents.items() if not str(content).startswith("->")}
    return files_of(tmp_path_factory.mktemp("tree"), contents, modes)


def test_any_config_is_followed_to_an_end(tree: Files) -> None:
    for seed in range(300):
        chosen = random.Random(seed)

        def words(most: int, chosen: random.Random = chosen) -> tuple[str, ...]:
            return tuple(chosen.choice(_WORDS) for _ in range(chosen.randrange(most)))

        cmd = words(5)
        config = ContainerConfig(
            entrypoint=words(7),
            cmd=cmd,
            env=(f"PATH={chosen.choice(_WORDS)}:/bin:/usr/bin:/",),
            working_dir=chosen.choice(_WORDS),
            healthcheck=Healthcheck(("CMD-SHELL", " ".join(cmd))),
        )
        assert all(use.name or use.problem for use in reached(tree, config).uses)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('A=x; "$A/b" c', [("x/b", "c")]),
        ("A=$(f); $A/b; c", [("c",)]),
        ('set -- a "$@"; exec "$@"', [("a", "1", "2")]),
        ('shift; "$@"', [("2",)]),
        ("$2 $1", [("2", "1")]),
        ("cd $X; ./a", [("./a",)]),
        ("exec -a n b", [("b",)]),
        ("command -v x; command y", [("y",)]),
        ("${UNSET:-d} e", [("d", "e")]),
        ("f() { g; }; f; echo h; export I=1", [("g",)]),
        ('if t; then set -- z; fi; exec "$@"', [("t",), ("1", "2")]),
    ],
)
def test_what_shell_text_executes(text: str, words: list[tuple[str, ...]]) -> None:
    context = LookupContext(env={"HOME": "/root"})
    found = steps(shell_text(text), Parameters("run", ("1", "2")), context)
    assert [step.words for step in found] == words
