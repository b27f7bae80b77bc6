"""Shell text, read as far as checks need it."""

from __future__ import annotations

import time

import pytest

from jettison.frontend.dockerfile.parser import parse
from jettison.frontend.dockerfile.shell import (
    MAX_TEXT,
    commands,
    reads_other_scripts,
    script_of,
    set_variables,
    used_variables,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a && b || c ; d | e & f\ng", [(each,) for each in "abcdefg"]),
        ("apt-get install \\\n  'a b' \"c d\"", [("apt-get", "install", "a b", "c d")]),
        ("if [ -f x ]; then sudo make; fi", [("[", "-f", "x", "]"), ("make",), ("fi",)]),
        ("A=1 B='x y' env C=2 go build", [("go", "build")]),
        ("(cd a && make)", [("cd", "a"), ("make",)]),
        ("echo a # && make\nmake", [("echo", "a"), ("make",)]),
        ("echo a#b", [("echo", "a#b")]),
        ("echo $(a; b) >x 2>&1", [("echo", "$(a; b)", ">x", "2>&1")]),
        ("", []),
    ],
)
def test_a_text_has_commands(text, expected):
    assert commands(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$A ${B} $B", ("A", "B")),
        ("'$A' \\$B $1 $? $$", ()),
        ("\"'$A'\" \"it's\" '$B'", ("A",)),
        ("${A:-x} ${B-x} ${C:=x} ${D:+x} ${E:?x}", ()),
        ("${A%x} ${B#x} ${#C} ${D/x/y}", ("A", "B", "C", "D")),
        ('$(echo "$A")', ("A",)),
    ],
)
def test_variables_are_used_outside_of_single_quotes(text, expected):
    assert used_variables(text) == expected


def test_variables_are_set_in_many_ways():
    text = "A=1; B+=2; for C in x; do :; done; export D E=1; read -r F; local G; : ${H:=1} ${I=2}"
    assert set_variables(text) == frozenset("ABCDEFGHI")
    assert set_variables("echo A=$B --opt=C; test x=y") == {"A", "x"}


def test_other_scripts_may_set_anything():
    assert reads_other_scripts("cd /x && . ./env && make")
    assert reads_other_scripts("source ~/.profile")
    assert reads_other_scripts('eval "$(ssh-agent)"')
    assert not reads_other_scripts("cp . /x; echo source x; find . -name x")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RUN a && \\\n  b", "a &&   b"),
        ('RUN ["sh", "-c", "x"]', ""),
        ("RUN <<EOF\na\nb\nEOF", "a\nb\n"),
        ("RUN <<EOF\n#!/usr/bin/python\nimport x\nEOF", ""),
        ("RUN cat <<EOF > x\na\nEOF", "cat <<EOF > x\na\n"),
    ],
)
def test_the_script_of_a_run_is_what_its_shell_gets(text, expected):
    assert script_of(parse(f"FROM a\n{text}\n".encode()).instructions[1]) == expected


@pytest.mark.parametrize(
    "part", ["$(", '"$(', "${", "'\"", "<&", "a=", "read ", "`", "\\\n", "((("]
)
def test_reading_takes_no_longer_than_the_text_is_long(part):
    text = part * MAX_TEXT
    began = time.process_time()
    commands(text)
    used_variables(text)
    set_variables(text)
    reads_other_scripts(text)
    assert time.process_time() - began < 5
