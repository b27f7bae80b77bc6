"""Licences as databases write them, as expressions of SPDX."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jettison.sbom.licence import all_of, parse_licence
from jettison.sbom.licence_ids import IDS


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("MIT", "MIT"),
        ("mit", "MIT"),
        ("GPLv2+", "GPL-2.0-or-later"),
        ("GPL-2+", "GPL-2.0-or-later"),
        ("GPL-2", "GPL-2.0-only"),
        ("LGPL-2.1-or-later", "LGPL-2.1-or-later"),
        ("LGPLv2.1", "LGPL-2.1-only"),
        ("LGPL-2.1+", "LGPL-2.1-or-later"),
        ("GPL-2.0", "GPL-2.0-only"),
        ("AGPLv3+", "AGPL-3.0-or-later"),
        ("ASL 2.0", "Apache-2.0"),
        ("Apache-2.0 WITH LLVM-exception", "Apache-2.0 WITH LLVM-exception"),
        ("GPL-2.0-with-classpath-exception", "GPL-2.0-with-classpath-exception"),
        ("MIT AND (BSD-2-Clause or ISC)", "MIT AND (BSD-2-Clause OR ISC)"),
        ("(MIT OR CC0-1.0)", "(MIT OR CC0-1.0)"),
        ("GPLv2+ and Public", "GPL-2.0-or-later AND LicenseRef-Public"),
        ("", ""),
        ("UNKNOWN", ""),
        ("see the file", "LicenseRef-see-the-file"),
        ("MIT WITH ISC", "LicenseRef-MIT-WITH-ISC"),
        ("(MIT", "LicenseRef-MIT-81cb5ffc"),
        ("LicenseRef-Mine", "LicenseRef-Mine"),
    ],
)
def test_expressions(text: str, expression: str) -> None:
    found = parse_licence(text)
    assert found.expression == expression
    assert all(f"{name} " in f"{expression} ".replace(")", " ") for name, _ in found.texts)


def test_what_was_written_is_kept() -> None:
    assert parse_licence("GPL-2+ and odd one").texts == (
        ("LicenseRef-GPL-2-and-odd-one-1f952433", "GPL-2+ and odd one"),
    )
    assert parse_licence("Same Thing!").texts != parse_licence("Same-Thing?").texts


def test_several_apply_together() -> None:
    found = all_of(("GPL-2+ or Artistic", "Expat", "Expat"))
    assert found.expression == "(GPL-2.0-or-later OR Artistic-1.0) AND MIT"
    assert all_of(("MIT and ISC", "ISC", "MIT")).expression == "MIT AND ISC"
    assert all_of(("MIT or ISC",)).expression == "MIT OR ISC"
    assert all_of(()).expression == ""


@given(st.text(max_size=60))
def test_any_text_is_an_expression_of_proper_names(text: str) -> None:
    found = parse_licence(text)
    for word in found.expression.replace("(", " ").replace(")", " ").split():
        plain = word.removesuffix("+")
        assert (
            word in {"AND", "OR", "WITH"}
            or IDS.get(plain.lower()) == plain
            or (word.startswith("LicenseRef-") and all(c.isalnum() or c in ".-" for c in word))
        )
