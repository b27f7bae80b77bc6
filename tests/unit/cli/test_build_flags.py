"""Docker's flags become the request that they mean, and wrong ones say how they are written."""

from __future__ import annotations

import pytest

from jettison.api.request import SecretRequest
from jettison.cli.run import environment
from jettison.cli.values import (
    build_arguments,
    fields,
    pairs,
    parse_secret,
)
from jettison.errors import UsageError
from jettison.settings import parse_size


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id=a", SecretRequest("a")),
        ("a", SecretRequest("a")),
        ("id=a,src=/f", SecretRequest("a", source="/f")),
        ("id=a,source=/f", SecretRequest("a", source="/f")),
        ("src=/dir/f", SecretRequest("f", source="/dir/f")),
        ("id=a,env=B", SecretRequest("a", env="B")),
        ("type=env,id=a", SecretRequest("a", env="a")),
    ],
)
def test_secrets_are_read_as_docker_reads_them(text, expected):
    assert parse_secret(text) == expected


def test_an_unknown_field_of_a_secret_is_refused():
    with pytest.raises(UsageError, match="malformed"):
        parse_secret("id=a,colour=red")


def test_a_bare_build_argument_comes_from_the_environment(monkeypatch):
    monkeypatch.setenv("GIVEN", "1")
    monkeypatch.delenv("MISSING", raising=False)
    found = build_arguments(["GIVEN", "MISSING", "A=b=c", "EMPTY="])
    assert found == {"GIVEN": "1", "A": "b=c", "EMPTY": ""}


def test_a_build_argument_without_a_name_is_refused():
    with pytest.raises(UsageError, match="no name"):
        build_arguments(["=x"])


def test_pairs_need_a_name_and_a_value():
    assert pairs("--build-context", ["a=b=c"]) == {"a": "b=c"}
    with pytest.raises(UsageError, match="--build-context"):
        pairs("--build-context", ["a"])


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("", 0),
        ("0", 0),
        ("64", 64),
        ("1k", 1024),
        ("64m", 64 << 20),
        ("1.5g", 3 << 29),
        ("2GB", 2 << 30),
        ("5b", 5),
    ],
)
def test_sizes(text, size):
    assert parse_size("--memory", text) == size


@pytest.mark.parametrize("text", ["x", "-1", "1x", "1 2"])
def test_wrong_sizes_name_the_flag(text):
    with pytest.raises(UsageError, match="--memory"):
        parse_size("--memory", text)


def test_fields_keep_quoted_commas():
    assert fields("-o", 'a=1,"b=2,3"') == {"a": "1", "b": "2,3"}


def test_env_files_come_before_flags(tmp_path, monkeypatch):
    monkeypatch.setenv("HERE", "yes")
    file = tmp_path / "env"
    file.write_text("# comment\nA=1\n\nHERE\n")
    assert environment(["B=2"], [str(file)]) == ("A=1", "HERE=yes", "B=2")
    with pytest.raises(UsageError, match="env file"):
        environment([], [str(tmp_path / "none")])
