"""A step that fails is explained on the terminal, in events and in the exception of a program."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

import pytest

from scratch_rig import Scratch

pytestmark = pytest.mark.needs_root


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory, need: Callable[[str], str]) -> Scratch:
    """One store for all: what is below a step that fails is built once."""
    return Scratch(tmp_path_factory.mktemp("explained"), need("busybox"))


ALPINE = "FROM busybox\nRUN printf 'ID=alpine\\nPRETTY_NAME=\"Alpine Linux v3.20\"\\n' > /etc/os-release\n"


def failed(scratch: Scratch, text: str, *flags: str) -> list[str]:
    done = scratch.build(text, *flags)
    assert done.returncode == 1, done.stderr
    return [
        line
        for line in done.stderr.splitlines()
        if line.startswith(("ERROR", "cause", "why", "hint"))
    ]


def test_a_missing_program_is_named_with_its_package_and_at_most_three_lines(
    scratch: Scratch,
) -> None:
    error, cause, why, hint = failed(scratch, f"{ALPINE}RUN git clone x\n")
    assert error.startswith("ERROR: process `/bin/sh -c git clone x` did not complete")
    assert cause == "cause: the program `git` is not in the stage"
    assert "Alpine Linux v3.20" in why
    assert hint.startswith(
        "hint: install it in an earlier step: `RUN apk add --no-cache git`; `jettison debug shell`"
    )


def test_what_is_not_recognised_stays_unsaid(scratch: Scratch) -> None:
    error, hint = failed(scratch, "FROM busybox\nRUN echo of our own; exit 9\n")
    assert error.endswith("exit code: 9")
    assert hint.startswith("hint: its last output is above")


def test_the_rule_that_hid_a_file_is_named_for_run_and_for_copy(scratch: Scratch) -> None:
    (scratch.context / "conf.txt").write_text("x")
    (scratch.context / ".dockerignore").write_text("*.txt\n")
    text = "FROM busybox\nWORKDIR /app\nCOPY . .\nRUN cat conf.txt\n"
    _, cause, why, hint = failed(scratch, text)
    assert cause == "cause: `conf.txt` is not in the stage"
    assert why == "why: the ignore file excludes it with `*.txt`"
    assert "add `!conf.txt` after that rule" in hint
    copied = scratch.build("FROM busybox\nCOPY conf.txt /\n")
    (scratch.context / ".dockerignore").unlink()
    assert copied.returncode == 4
    assert "cause: the ignore file excludes it with `*.txt`" in copied.stderr


def test_users_and_limits_are_facts_of_the_explanation(scratch: Scratch) -> None:
    people = "FROM busybox\nRUN echo 'app:x:7:7::/:/bin/sh' > /etc/passwd && mkdir -m 700 /own\nUSER app\n"
    _, cause, *_ = failed(scratch, f"{people}RUN mkdir /own/x\n")
    assert "the user `app` may not do that" in cause
    _, cause, _, hint = failed(
        scratch,
        "FROM busybox\nRUN (sleep 9 & sleep 9 & sleep 9 & sleep 9 & wait)\n",
        "--pids-limit=3",
    )
    assert cause == "cause: it had as many processes as a step may have"
    assert "`--pids-limit`" in hint


def test_events_have_the_cause_and_the_error(scratch: Scratch) -> None:
    done = scratch.build("FROM busybox\nRUN git\n", "--progress=rawjson")
    events = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    ended = next(each for each in events if each["event"] == "end" and each["outcome"] == "failed")
    assert ended["cause"]["id"] == "command-not-found"
    last = events[-1]
    assert last["event"] == "failed"
    assert last["code"] == "JE0501"
    assert last["exit_status"] == 1
    assert last["cause"] == ended["cause"]
    assert set(last["cause"]) == {"id", "what", "why", "fix"}
    assert last["span"]["line"]


def test_a_secret_is_in_no_explanation(scratch: Scratch) -> None:
    (scratch.directory / "token").write_text("a-very-secret-token")
    text = "FROM busybox\nRUN --mount=type=secret,id=token $(cat /run/secrets/token)\n"
    for flags in ((), ("--progress=rawjson",)):
        done = scratch.build(text, "--secret", f"id=token,src={scratch.directory}/token", *flags)
        assert done.returncode == 1
        said = done.stderr + "".join(
            base64.b64decode(json.loads(line).get("data", "")).decode()
            for line in done.stderr.splitlines()
            if line.startswith("{")
        )
        assert "a-very-secret-token" not in said
        assert "***" in said


@pytest.mark.parametrize("file", ["\\xff\\xfe", "ID=\\033[2J", "$(head -c 9000 /dev/zero)"])
def test_a_hostile_release_file_and_program_are_only_looked_at(scratch: Scratch, file: str) -> None:
    text = f"FROM busybox\nRUN printf '{file}' > /etc/os-release; ln -s /dev/zero /tool; mkfifo /pipe\nRUN /pipe\n"
    done = scratch.build(text)
    assert done.returncode == 1
    assert "\x1b" not in done.stderr
    assert (
        scratch.build(
            "FROM busybox\nRUN ln -s ../../../../etc/shadow /etc/os-release\nRUN git\n"
        ).returncode
        == 1
    )
