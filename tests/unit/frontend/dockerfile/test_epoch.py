"""What ``SOURCE_DATE_EPOCH`` names, before anybody is asked for a time."""

from __future__ import annotations

import pytest

from jettison.errors import DockerfileSyntaxError
from jettison.frontend.base import CompileRequest, LocalContext
from jettison.frontend.dockerfile.blocks import split
from jettison.frontend.dockerfile.epoch import EPOCH, is_number, named_source, parse_epoch
from jettison.frontend.dockerfile.parser import parse
from jettison.oci.platform import parse_platform

AMD64 = parse_platform("linux/amd64")
TEXT = (
    b"FROM scratch AS src\nADD https://host.invalid/a.git#v1 /\nFROM scratch\nCOPY --from=src / /\n"
)


def request(text: bytes = TEXT, **fields: object) -> CompileRequest:
    return CompileRequest(text, AMD64, AMD64, **fields)  # type: ignore[arg-type]


def test_a_stage_stands_for_the_url_that_it_adds() -> None:
    asked = request(build_args={EPOCH: "SRC"})
    assert named_source(asked) == ("SRC", "https://host.invalid/a.git#v1")
    assert named_source(request(b"ARG SOURCE_DATE_EPOCH=src\n" + TEXT)) == (
        "src",
        "https://host.invalid/a.git#v1",
    )


def test_a_context_of_the_name_comes_first() -> None:
    contexts = {"src": LocalContext()}
    asked = request(build_args={EPOCH: "src"}, contexts=contexts)
    assert named_source(asked) == ("src", "")
    assert parse_epoch("src", asked) is None


@pytest.mark.parametrize("value", ["7", "-7", ""])
def test_numbers_name_nothing(value: str) -> None:
    assert named_source(request(build_args={EPOCH: value} if value else {})) == ("", "")
    assert is_number(value) == bool(value)


def test_a_stage_whose_time_is_not_known_is_an_error() -> None:
    with pytest.raises(DockerfileSyntaxError, match="invalid SOURCE_DATE_EPOCH: src") as raised:
        parse_epoch("src", request())
    assert "FROM scratch" in str(raised.value.hint)
    assert parse_epoch("src", request(source_times={"src": 5})) == 5


def test_a_file_is_split_at_each_from() -> None:
    header, blocks = split(parse(b"ARG A\nARG B\nFROM x\nRUN a\nFROM y\n"))
    assert len(header) == 2
    assert [(first.image, len(body)) for first, body in blocks] == [("x", 1), ("y", 0)]
