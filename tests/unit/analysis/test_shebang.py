"""The ``#!`` line, as the kernel reads it, and what ``env`` makes of its argument."""

from __future__ import annotations

import pytest

from jettison.analysis.shebang import EnvCall, Script, env_call, env_words, script_of


@pytest.mark.parametrize(
    ("head", "script"),
    [
        (b"#!/bin/sh\n", Script("/bin/sh")),
        (b"#!/bin/sh", Script("/bin/sh")),
        (b"#! \t/bin/sh -e -u \t\necho\n", Script("/bin/sh", "-e -u")),
        (b"#!/bin/sh\r\n", Script("/bin/sh\r")),
        (b"#!/usr/bin/env python3\r\n", Script("/usr/bin/env", "python3\r")),
        (b"#!/a\tb\n", Script("/a", "b")),
        (b"#!\n", Script("")),
        (b"#!  \n", Script("")),
        (b"#!\xff\n", Script("\udcff")),
        (b"\x7fELF", None),
        (b" #!/bin/sh\n", None),
        (b"", None),
    ],
)
def test_the_line_is_read_as_the_kernel_reads_it(head: bytes, script: Script | None) -> None:
    assert script_of(head) == script


def test_a_name_that_does_not_end_where_the_kernel_looks_is_none() -> None:
    assert script_of(b"#!/" + b"a" * 300) == Script("")
    found = script_of(b"#!/bin/sh " + b"a" * 300)
    assert found is not None
    assert found.interpreter == "/bin/sh"


@pytest.mark.parametrize(
    ("head", "has"),
    [(b"#!/bin/sh\r\n", True), (b"#!/bin/sh -e\r\n", True), (b"#!/bin/sh -e\n", False)],
)
def test_a_carriage_return_is_seen(head: bytes, has: bool) -> None:
    script = script_of(head)
    assert script is not None
    assert script.has_carriage_return is has


def test_a_template_is_no_script_as_yet() -> None:
    script = script_of(b"#!@PERL@\n")
    assert script is not None
    assert script.is_template


@pytest.mark.parametrize(
    ("argument", "call"),
    [
        ("python3", EnvCall(("python3",))),
        ("python3 -u", EnvCall(("python3 -u",))),
        ("-S python3 -u", EnvCall(("python3", "-u"), splits=True)),
        ("-Spython3 -u", EnvCall(("python3", "-u"), splits=True)),
        ("--split-string=a 'b c'", EnvCall(("a", "b c"), splits=True)),
        ("-S -i PATH=/b X=1 a", EnvCall(("a",), "/b", splits=True)),
        ("-S A='b", EnvCall(splits=True, is_known=False)),
        ("--frobnicate", EnvCall(is_known=False)),
        ("", EnvCall()),
    ],
)
def test_env_gets_one_argument_and_splits_it_when_asked(argument: str, call: EnvCall) -> None:
    assert env_call(argument) == call


def test_splitting_without_end_ends() -> None:
    assert env_words(["-S"] * 5_000) == EnvCall(splits=True, is_known=False)
    assert not env_call("-S " * 80).is_known


def test_words_of_a_command_that_begins_with_env() -> None:
    assert env_words(["-u", "HOME", "A=1", "app", "B=2"]) == EnvCall(("app", "B=2"))
    assert env_words(["-S", "a b", "c"]).words == ("a", "b", "c")
    assert env_words(["--", "app"]).words == ("app",)
