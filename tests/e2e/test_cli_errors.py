"""Failures through the command line: one clear message, a documented status, a store as it was."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.command import Cli, add_box
from other_user import becoming, interpreter, somebody

CASES = {
    "a syntax error": (
        "FROM box\nRUM echo hi\n",
        3,
        ["Dockerfile:2", "| >>> RUM echo hi", "ERROR: ", "unknown instruction", "hint: "],
    ),
    "a flag that does not exist": (
        "FROM box\nCOPY --chwon=1 a b\n",
        3,
        ["Dockerfile:2", "--chwon", "hint: "],
    ),
    "an unknown stage": (
        "FROM box AS builder\nFROM box\nCOPY --from=bulder /a /b\n",
        4,
        ["Dockerfile:3", "bulder", "hint: "],
    ),
    "a missing source": (
        "FROM box\nCOPY apps.txt /\n",
        4,
        ["Dockerfile:2", "| >>> COPY apps.txt /", "`/apps.txt`", "not found", "hint: "],
    ),
    "a source that is ignored": (
        "FROM box\nCOPY ignored.txt /\n",
        4,
        ["Dockerfile:2", "`/ignored.txt`", ".dockerignore", "hint: "],
    ),
    "a missing source in a stage": (
        "FROM box AS a\nFROM box\nCOPY --from=a /nothing /\n",
        4,
        ["Dockerfile:3", "`/nothing`", "not found"],
    ),
    "a failing command": (
        "FROM box\nRUN echo before && false\n",
        1,
        ["Dockerfile:2", "before", "exit code: 1", "hint: "],
    ),
    "a command that is not there": (
        "FROM box\nRUN no-such-program --flag\n",
        1,
        ["Dockerfile:2", "no-such-program", "exit code: 127"],
    ),
    "an unknown user": (
        "FROM box\nUSER stranger\nRUN id\n",
        4,
        ["Dockerfile:3", "stranger"],
    ),
    "a circle of stages": ("FROM b AS a\nFROM a AS b\n", 3, []),
    "an empty Dockerfile": ("# nothing\n", 3, ["ERROR: "]),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_wrong_in_a_dockerfile_is_told_with_its_place(cli: Cli, case: str):
    text, status, parts = CASES[case]
    if case == "a circle of stages":
        text, parts = text.replace("FROM b AS", "FROM box AS b2\nFROM b AS"), ["ERROR: "]
        status = 4  # `b` is no stage yet, so it is an image's name
    files = {"app.txt": "", "ignored.txt": "", ".dockerignore": "ignored*\n", "Dockerfile": text}
    before = state(cli)
    said = cli.attempt("build", "-t", "never", "--offline", cli.context(files))
    assert said.returncode == status, said.all
    assert said.stderr.count("\nERROR: ") + said.stderr.startswith("ERROR: ") == 1
    for part in parts:
        assert part in said.stderr, said.stderr
    assert "never" not in cli("images").stdout
    assert state(cli) == before


def test_an_unknown_image_is_told_with_its_place(cli: Cli):
    context = cli.context({"Dockerfile": "FROM 127.0.0.1:9/no/such:image\n"})
    said = cli.attempt("build", context)
    assert said.returncode == 4
    for part in ("Dockerfile:1", ">>> FROM 127.0.0.1:9/no/such:image", "ERROR: ", "hint: "):
        assert part in said.stderr
    assert cli.attempt("build", "--offline", context).returncode == 4


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--nonsense", "."], ["unknown flag `--nonsense`"]),
        (["--tga", "x", "."], ["`--tga`", "did you mean `--tag`"]),
        (["--progress", "loud", "."], ["`loud`", "plain"]),
        ([], ["needs PATH"]),
        (["-t", "Upper", "."], ["Upper", "lowercase"]),
        (["--build-arg", "=x", "."], ["--build-arg"]),
        (["--secret", "src=/no/such", "."], ["/no/such"]),
        (["--network", "loud", "."], ["loud"]),
        (["--shm-size", "large", "."], ["large"]),
        (["--push", "."], ["-t"]),
        (["--isolation", "magic", "--no-cache", "."], ["magic"]),
    ],
)
def test_wrong_flags_are_told(cli: Cli, arguments: list[str], parts: list[str]):
    context = cli.context({"Dockerfile": "FROM box\nRUN echo not reached by flags > /f\n"})
    said = cli.attempt("build", *arguments, cwd=context)
    assert said.returncode in {125, 4}, said.all
    assert "ERROR: " in said.stderr
    for part in parts:
        assert part in said.stderr, said.stderr


def test_a_missing_context_or_dockerfile_is_told(cli: Cli):
    said = cli.attempt("build", "/no/such/directory")
    assert said.returncode == 4
    assert "/no/such/directory" in said.stderr
    said = cli.attempt("build", cli.context({"x": ""}))
    assert said.returncode == 4
    assert "Dockerfile" in said.stderr


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["bild"], ["unknown command `jettison bild`", "did you mean `jettison build`?"]),
        (["commit"], ["no `jettison commit`", "Dockerfile"]),
        (["image", "lss"], ["unknown command `jettison image lss`", "`jettison image ls`"]),
        (["help", "nothing"], ["unknown command `jettison nothing`"]),
        (["tag", "box"], ["needs TARGET_IMAGE"]),
        (["inspect", "-f", "{{range}}", "box"], ["missing value for range", "{{.Name}}"]),
    ],
)
def test_wrong_commands_are_told(cli: Cli, arguments: list[str], parts: list[str]):
    said = cli.attempt(*arguments)
    assert (said.returncode, said.stdout) == (125, "")
    for part in parts:
        assert part in said.stderr


def test_help_is_shown_without_a_command(cli: Cli):
    assert "Commands:" in cli().stdout
    assert cli("help").stdout == cli("--help").stdout
    assert cli("help", "build").stdout == cli("build", "--help").stdout
    assert "ls " in cli("image").stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_command_lines_are_completed(cli: Cli, shell: str):
    assert "_JETTISON_COMPLETE" in cli("completion", shell).stdout
    given = {"_JETTISON_COMPLETE": "bash_complete", "COMP_WORDS": "jettison bui", "COMP_CWORD": "1"}
    assert cli(env=given).stdout.split() == ["plain,build"]
    given |= {"COMP_WORDS": "jettison build --no-cache", "COMP_CWORD": "2"}
    assert cli(env=given).stdout.split() == ["plain,--no-cache", "plain,--no-cache-filter"]


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 24 MB."""
    place = Path(tempfile.mkdtemp(prefix="jettison-full-"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", place], check=True)
    yield place
    subprocess.run(["umount", "-l", place], check=True)
    place.rmdir()


@pytest.mark.needs_root
def test_a_full_disk_is_told_and_the_store_stays_usable(small_disk: Path, need):
    import sys  # noqa: PLC0415

    cli = Cli(small_disk, [], sys.executable)
    add_box(cli, need("busybox"))
    step = "dd if=/dev/zero of=/big bs=1M count=40"
    contexts = {
        "run": cli.context({"Dockerfile": f"FROM box\nRUN {step}\n"}),
        "copy": cli.context({"Dockerfile": "FROM box\nCOPY . /\nRUN cp /part /p2; cp /part /p3\n"}),
    }
    (contexts["copy"] / "part").write_bytes(b"x" * (5 << 20))
    before = state(cli)
    for name, status in (("run", 1), ("copy", 1)):
        said = cli.attempt("build", "-t", "big", contexts[name])
        assert said.returncode == status or said.returncode == 5, said.all
        assert "No space left on device" in said.all or "full" in said.all
        assert re.search(r"^ERROR: ", said.stderr, re.MULTILINE)
    said = cli.attempt("save", "-o", small_disk / "box.tar", "box", "box")
    assert said.returncode in {0, 5, 6}
    cli("prune", "-af")
    assert state(cli) == before
    assert cli("run", "box").stdout == "this is the box\n"


@pytest.mark.needs_root
def test_a_context_that_this_user_may_not_read_is_told_as_what_it_is(tmp_path: Path):
    user = somebody()
    become = becoming(user)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        os.chown(work, user.pw_uid, user.pw_gid)
        cli = Cli(work, become, interpreter(become))
        (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
        for flags in ((), ("-f", tmp_path / "Dockerfile")):
            said = cli.attempt("build", *flags, tmp_path)
            assert said.returncode == 4
            assert "permission denied" in said.stderr
            assert "--root" not in said.stderr


def state(cli: Cli) -> dict[str, object]:
    """Return what the store shows: images and half-made things."""
    root = Path(cli.env["JETTISON_ROOT"])
    making = [name for name in os.listdir(root / "tmp") if not name.endswith(".lock")]
    return {"images": cli("images", "-a", "-q").stdout, "making": making}
