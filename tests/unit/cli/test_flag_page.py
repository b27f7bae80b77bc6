"""Every flag of docker and podman is known: it works, is accepted, noted or refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jettison.cli.compat.accepted import ACCEPTED, WARNED
from jettison.cli.compat.lookup import REFUSED, reason_of, refusal
from jettison.cli.flag_page import commands, find, missing, names_of, page, rows_of
from jettison.cli.main import run
from jettison.cli.report_flags import OPTIONAL_VALUES
from jettison.cli.usage import unknown_command

RECORDED = json.loads((Path(__file__).parent / "compat" / "flags.json").read_text())
COMMANDS = commands(RECORDED)
ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "reference" / "docker-flags.md"


@pytest.mark.parametrize("command", COMMANDS, ids=lambda name: name or "global")
def test_every_flag_has_an_answer(command: str) -> None:
    rows = list(rows_of(RECORDED, command, COMMANDS[command]))
    assert [row.names for row in rows if not row.here] == []
    assert [row.names for row in rows if row.here != "works" and not row.note] == []


@pytest.mark.parametrize("command", COMMANDS, ids=lambda name: name or "global")
def test_flags_that_work_take_values_and_have_short_names_as_docker_s_do(command: str) -> None:
    ours = names_of(find(command))
    for path in COMMANDS[command]:
        for flag, text in RECORDED["docker"]["commands"].get(path, {}).items():
            if flag not in ours:
                continue
            short, _, value = text.rpartition(" ") if text.startswith("-") else ("", "", text)
            short, value = (value, "") if not short and value.startswith("-") else (short, value)
            if flag not in OPTIONAL_VALUES:
                assert bool(value) is not bool(ours[flag].is_flag), (path, flag)
            assert not short or short in ours, (path, flag, short)


def test_no_table_names_a_flag_that_nobody_has_or_says_no_to_one_that_works() -> None:
    theirs: dict[str, set[str]] = {}
    for name, paths in COMMANDS.items():
        for tool in RECORDED.values():
            for path in paths:
                for flag, text in tool["commands"].get(path, {}).items():
                    theirs.setdefault(name, set()).update(
                        {flag, *(each for each in text.split() if each.startswith("-"))}
                    )
    everybody_s = set().union(*theirs.values())
    for command, reasons in REFUSED.items():
        names = [name for each in reasons for name in each.split()]
        assert sorted(names) == sorted(set(names)), command
        assert set(names) <= everybody_s, (command, set(names) - everybody_s)
        assert not set(names) & names_of(find(command)).keys(), command
    for notes in (ACCEPTED, WARNED):
        for command, flags in notes.items():
            assert flags.keys() <= names_of(find(command)).keys(), command


def test_commands_that_are_not_there_say_why() -> None:
    for path in missing(RECORDED):
        first, _, rest = path.partition(" ")
        said = unknown_command(f"jettison {first}", rest.split()[0], ())
        assert said.message.startswith("there is no "), path


@pytest.mark.parametrize(
    ("line", "flag"),
    [
        ("image ls --tree", "--tree"),
        ("build -v /a:/b .", "-v"),
        ("buildx build --creds=a:b .", "--creds"),
        ("-H tcp://x images", "-H"),
        ("run --pod x box", "--pod"),
        ("login --get-login", "--get-login"),
    ],
)
def test_a_known_flag_that_is_not_here_says_the_reason_of_the_page(
    line: str, flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(line.split()) == 125
    words = line.split()
    path = "jettison" if words[0].startswith("-") else " ".join(["jettison", *words[:2]])
    why = refusal(path, flag)
    assert why is not None
    said = capsys.readouterr().err
    assert said.splitlines()[0].endswith(f"has no `{flag}`: {why[0]}")
    assert said.splitlines()[1] == f"hint: {why[1]}"
    assert f"{why[0]}; {why[1]}".replace("|", "\\|") in PAGE.read_text()


def test_an_unknown_flag_is_unknown() -> None:
    assert reason_of("images", "--nonsense") is None
    assert refusal("jettison nonsense", "--tree") is None


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text() == page(RECORDED), "run scripts/flag_pages.py"
