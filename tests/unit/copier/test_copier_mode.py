"""--chmod."""

from __future__ import annotations

import stat

import pytest

from jettison.copier.mode import parse_mode
from jettison.errors import FrontendError

FILE = stat.S_IFREG
DIRECTORY = stat.S_IFDIR


@pytest.mark.parametrize(
    ("text", "mode", "expected"),
    [
        ("755", FILE | 0o600, FILE | 0o755),
        ("0", FILE | 0o600, FILE),
        ("4755", FILE | 0o600, FILE | 0o4755),
        ("u=rwX,go=rX", FILE | 0o600, FILE | 0o644),
        ("u=rwX,go=rX", FILE | 0o700, FILE | 0o755),
        ("u=rwX,go=rX", DIRECTORY | 0o700, DIRECTORY | 0o755),
        ("a=,u=rwX", DIRECTORY | 0o500, DIRECTORY | 0o700),
        ("a=,u=rwX", FILE | 0o755, FILE | 0o700),
        ("+x", FILE | 0o644, FILE | 0o755),
        ("-w", FILE | 0o666, FILE | 0o444),
        ("u+s,g-r", FILE | 0o644, FILE | 0o4604),
        ("go=u", FILE | 0o755, FILE | 0o777),
        ("g=u,o-r", FILE | 0o644, FILE | 0o660),
        ("+t", DIRECTORY | 0o777, DIRECTORY | 0o1777),
        ("o+t", DIRECTORY | 0o777, DIRECTORY | 0o777),
        ("u+rw,g+r,o-x,o+w", DIRECTORY | 0o124, DIRECTORY | 0o766),
        ("u+r-w", FILE | 0o200, FILE | 0o400),
    ],
)
def test_a_mode_becomes_what_chmod_makes_of_it(text: str, mode: int, expected: int) -> None:
    assert oct(parse_mode(text).apply(mode)) == oct(expected)


def test_a_link_has_no_mode_to_change() -> None:
    assert parse_mode("600").apply(stat.S_IFLNK | 0o777) == stat.S_IFLNK | 0o777


@pytest.mark.parametrize("text", ["", "64a", "10000", "u", "u+q", "+x,", "rwx", "u=rwx;", "8"])
def test_anything_else_is_an_error(text: str) -> None:
    with pytest.raises(FrontendError, match="invalid chmod parameter"):
        parse_mode(text)
