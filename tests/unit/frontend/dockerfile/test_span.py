"""Errors point at what they name."""

from __future__ import annotations

import pytest

from jettison.errors import FrontendError, Span
from jettison.frontend.base import CompileRequest
from jettison.frontend.dockerfile.compile import compile as compile_dockerfile
from jettison.frontend.dockerfile.span import excerpt, with_columns
from jettison.oci.platform import parse_platform

AMD64 = parse_platform("linux/amd64")


def pointed(text: str) -> str:
    request = CompileRequest(text=text.encode(), platform=AMD64, build_platform=AMD64)
    with pytest.raises(FrontendError) as caught:
        compile_dockerfile(request, {})
    span = caught.value.span
    lines = excerpt(text, span).split("\n")
    row = next(number for number, line in enumerate(lines) if line.lstrip("| ").startswith("^"))
    start = lines[row].index("^")
    return lines[row - 1][start : start + lines[row].count("^")]


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("FROM scratch\n  RUM x\n", "RUM"),
        ("FROM scratch\nCOPY --form=a b c\n", "--form"),
        ("FROM scratch\nENV a\n", "ENV"),
        ("FROM scratch\nENV a=b c\n", "c"),
        ("FROM scratch AS x\nCOPY --from=later a b\nFROM scratch AS later\nFROM x", "later"),
        ("FROM scratch\nEXPOSE 80/xyz\n", "80/xyz"),
        ("FROM $NONE\n", "$NONE"),
        ("# escape=x\nFROM a\n", "x"),
        ("FROM scratch\nRUN a \\\n  --b\nUSER\n", "USER"),
        ("FROM scratch\nCOPY --chmod=999 \\\n a b\n", "999"),
        ("RUN x\nFROM a\n", "RUN"),
    ],
)
def test_carets_stand_below_what_is_wrong(text, marked):
    assert pointed(text) == marked


def test_a_line_that_is_not_there_has_no_columns():
    assert with_columns("FROM a\n", Span(9), "x") == Span(9)


def test_a_place_of_several_lines_keeps_them():
    assert with_columns("RUN a \\\n b\n", Span(1, end_line=2), "x") == Span(1, 1, 2)


def test_thousands_of_literals_cost_little():
    line = "RUN " + "'a' " * 15_000
    assert with_columns(line, Span(1), line).column == 6


def test_a_path_is_found_though_messages_begin_it_at_the_root():
    assert with_columns("COPY gone /\n", Span(1), "`/gone` not found").column == 6


def test_a_word_is_preferred_to_a_part_of_another():
    assert with_columns("COPY b-a a /\n", Span(1), "`/a` not found") == Span(1, 10, 1, 11)
    assert with_columns("COPY a.b ./a /\n", Span(1), "`/a` not found") == Span(1, 12, 1, 13)


def test_an_image_is_found_though_messages_name_its_tag():
    message = "image `bulider:latest` is neither here nor there"
    assert with_columns("COPY --from=bulider /a /\n", Span(1), message) == Span(1, 13, 1, 20)
