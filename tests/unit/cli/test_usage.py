"""Command lines: switches with values as docker takes them, what wrong ones are told."""

from __future__ import annotations

import click
import pytest

from jettison.cli.flags import DockerCommand
from jettison.cli.main import LazyGroup, jettison, run
from jettison.cli.names import COMMANDS, GROUPS, SYNONYMS
from jettison.cli.usage import ABSENT, near_misses, unknown_command
from jettison.errors import UsageError


def command(*, interspersed: bool = True) -> tuple[DockerCommand, list]:
    """Return a command that notes what it got."""
    got = []

    @click.command(
        "x", cls=DockerCommand, context_settings={"allow_interspersed_args": interspersed}
    )
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    @click.option("--rm", is_flag=True)
    @click.option("-i", "--interactive", is_flag=True)
    @click.option("-e", "--env", multiple=True)
    def x(arguments, rm, interactive, env):
        got.append((rm, interactive, env, arguments))

    return x, got


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("--rm=true a", (True, False, (), ("a",))),
        ("--rm=false -i=x a", None),
        ("--rm=False --interactive=1 a", (False, True, (), ("a",))),
        ("-e --rm=true a", (False, False, ("--rm=true",), ("a",))),
        ("-ie --rm=true a", (False, True, ("--rm=true",), ("a",))),
        ("-eA --rm=t a", (True, False, ("A",), ("a",))),
        ("--env --rm=true a --rm=true", (False, False, ("--rm=true",), ("a", "--rm=true"))),
        ("a --rm=true", (False, False, (), ("a", "--rm=true"))),
        ("--rm=true -- --rm=false", (True, False, (), ("--rm=false",))),
        ("- --rm=true", (False, False, (), ("-", "--rm=true"))),
    ],
)
def test_switches_may_have_values_up_to_the_first_argument(line, expected):
    x, got = command(interspersed=False)
    if expected is None:
        with pytest.raises((click.UsageError, UsageError)):
            x.main(line.split(), standalone_mode=False)
        return
    x.main(line.split(), standalone_mode=False)
    assert got == [expected]


def test_switches_may_have_values_behind_arguments_where_those_may_follow():
    x, got = command()
    x.main(["a", "--rm=true", "b", "-i"], standalone_mode=False)
    assert got == [(True, True, (), ("a", "b"))]


def test_a_switch_takes_no_other_value():
    x, _ = command()
    with pytest.raises(UsageError, match="`maybe` is neither true nor false"):
        x.main(["--rm=maybe"], standalone_mode=False)


def test_every_command_of_the_tables_exists():
    context = click.Context(jettison, info_name="jettison")
    for name in COMMANDS:
        assert isinstance(jettison.get_command(context, name), click.Command), name
    for group, aliases in GROUPS.items():
        found = jettison.get_command(context, group)
        assert isinstance(found, LazyGroup)
        for name in aliases:
            assert isinstance(found.get_command(context, name), click.Command), (group, name)
    for group, name in SYNONYMS:
        found = jettison if group == "jettison" else jettison.get_command(context, group)
        assert isinstance(found.get_command(context, name), click.Command), (group, name)
        assert name not in found.list_commands(context)
    assert not set(ABSENT) & (set(COMMANDS) | set(GROUPS))


def test_an_absent_command_says_why_and_an_unknown_one_what_was_meant():
    assert "run -d" in unknown_command("jettison", "create", ["push"]).message
    assert unknown_command("jettison", "pusch", ["push"]).hint == "did you mean `jettison push`?"
    assert unknown_command("jettison image", "zzz", ["ls"]).hint == "run `jettison image --help`"


@pytest.mark.parametrize("line", ["build --nonsense", "nonsense", "--nonsense", "image nonsense"])
def test_a_wrong_command_line_is_one_message_with_a_hint(line, capsys):
    assert run(line.split()) == 125
    said = capsys.readouterr()
    assert said.out == ""
    lines = said.err.splitlines()
    assert [text.split(":")[0] for text in lines] == ["ERROR", "hint"]


@pytest.mark.parametrize(
    ("wrong", "known", "near"),
    [
        ("bild", ["build", "builder"], ["build"]),
        ("--tga", ["--tag", "--target"], ["--tag"]),
        ("--gpus", ["--cpus", "--pull"], []),
        ("--dns", ["--env", "--net"], []),
        ("--root", ["--mount", "--rm"], []),
        ("--build-agrs", ["--build-arg"], ["--build-arg"]),
        ("--tags", ["--tag", "--tag"], ["--tag", "--tag"]),
        ("px", ["pull", "push"], []),
    ],
)
def test_only_slips_are_taken_for_what_there_is(wrong, known, near):
    assert near_misses(wrong, known) == near


@pytest.mark.parametrize(
    "line",
    [
        "--root {} images",
        "images --root {}",
        "image ls -q --root={}",
        "debug shell --list --root {}",
    ],
)
def test_the_store_is_named_anywhere_on_the_line(line, tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("JETTISON_ROOT", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "usual"))
    root = tmp_path / "named"
    assert run(line.format(root).split()) == 0
    capsys.readouterr()
    assert (root / "state.db").exists() or (root / "blobs").is_dir()
    assert not (tmp_path / "usual").exists()


def test_arguments_of_a_container_are_its_own():
    group = jettison.get_command(click.Context(jettison), "run")
    context = group.make_context("run", ["image", "--root", "x", "-D"])
    assert context.params["argv"] == ("--root", "x", "-D")


def test_a_switch_that_is_on_can_be_turned_off():
    got = []

    @click.command("x", cls=DockerCommand)
    @click.option("-H", "--human/--no-human", default=True)
    def x(human):
        got.append(human)

    for line in ("", "--human=false", "-H=0", "--human=true", "--no-human"):
        x.main(line.split(), standalone_mode=False)
    assert got == [True, False, False, True, False]
