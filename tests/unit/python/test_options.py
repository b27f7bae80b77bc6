"""Keyword arguments are the fields of requests, and a wrong one is told by name."""

from __future__ import annotations

import typing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jettison.api.request import BuildRequest
from jettison.container.request import RunRequest
from jettison.errors import UsageError
from jettison.exporter.outputs import OciOutput
from jettison.python.options import BuildOptions, RunOptions, build_request, run_request


@pytest.mark.parametrize(
    ("options", "request_type", "positional"),
    [
        (BuildOptions, BuildRequest, {"context", "stdin"}),
        (RunOptions, RunRequest, {"image", "argv", "remove", "detach"}),
    ],
)
def test_options_are_the_fields_of_the_request(
    options: Any, request_type: type[msgspec.Struct], positional: set[str]
) -> None:
    fields = set(request_type.__struct_fields__)
    assert set(options.__annotations__) == fields - positional


@pytest.mark.parametrize(
    ("options", "request_type"), [(BuildOptions, BuildRequest), (RunOptions, RunRequest)]
)
def test_an_option_takes_what_its_field_holds(
    options: Any, request_type: type[msgspec.Struct]
) -> None:
    """A plain type is the same; of a tuple any sequence of the same, of a set any iterable."""
    fields = typing.get_type_hints(request_type)
    for name, taken in typing.get_type_hints(options).items():
        held = fields[name]
        if typing.get_origin(held) in {tuple, frozenset}:
            assert typing.get_args(taken)[0] == typing.get_args(held)[0], name
        elif name != "dockerfile":
            assert taken == held, name


def test_lists_and_paths_do() -> None:
    request = build_request(Path("ctx"), None, {"tags": ["a"], "dockerfile": Path("D")})
    assert request == BuildRequest(context="ctx", dockerfile="D", tags=("a",))


def test_without_a_context_it_is_here() -> None:
    assert build_request(None, None, {}).context == "."


def test_a_dockerfile_as_text_has_no_files_unless_a_context_is_given() -> None:
    assert build_request(None, "FROM a\n", {}) == BuildRequest(context="-", stdin=b"FROM a\n")
    assert build_request("x", "FROM a\n", {}) == BuildRequest(
        context="x", dockerfile="-", stdin=b"FROM a\n"
    )


def test_options_change_a_request() -> None:
    request = BuildRequest(context="x", tags=("a",), outputs=(OciOutput("d"),))
    assert build_request(request, None, {}) is request
    changed = build_request(request, None, {"tags": ["b"]})
    assert changed == msgspec.structs.replace(request, tags=("b",))


def test_a_request_runs_its_own_command_unless_one_is_given() -> None:
    request = RunRequest(image="a", argv=("x",))
    assert run_request(request, (), {}).argv == ("x",)
    assert run_request(request, ["y"], {"user": "1"}) == RunRequest("a", argv=("y",), user="1")


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        ((None, None, {"tagz": ["a"]}), "there is no option `tagz`", "did you mean `tags`?"),
        ((None, None, {"jobs": 3}), "there is no option `jobs`", None),
        (
            (None, None, {"tags": "a"}),
            "option `tags`: expected `array`, got `str`",
            'give a list: `tags=["…"]`',
        ),
        ((None, None, {"pull": "yes"}), "option `pull`: expected `bool`, got `str`", None),
        ((3, None, {}), "option `context`: expected `str`, got `int`", None),
        (
            ("x", "FROM a", {"dockerfile": "D"}),
            "`dockerfile` and `dockerfile_text` cannot be given together",
            "`dockerfile` is a path; leave one of them out",
        ),
        (
            (BuildRequest(context="x"), "FROM a", {}),
            "a request has its Dockerfile already",
            "set its `stdin`",
        ),
    ],
)
def test_a_wrong_option_is_told(arguments: Any, message: str, hint: str | None) -> None:
    with pytest.raises(UsageError) as raised:
        build_request(*arguments)
    assert (raised.value.message, raised.value.hint) == (message, hint)


def test_a_command_is_a_list() -> None:
    with pytest.raises(UsageError, match="`command` must be a list"):
        run_request("a", "echo hello", {})
