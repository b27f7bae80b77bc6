"""Colours: who has which, and that text on each of them can be read."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest

from jettison.report import html
from jettison.report.contents import Origin
from jettison.report.html.colors import BASES, STAGES, of_origins, of_stage

STYLE = (Path(html.__file__).parent / "templates" / "report.css").read_text()
READABLE = 4.5
"""Contrast of text that WCAG 2.2 asks for at level AA."""


def _scheme(name: str) -> dict[str, str]:
    """Return the custom properties of a scheme that are colours."""
    light, dark = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)[:2]
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", light if name == "light" else dark))


def _luminance(color: str) -> float:
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    brighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("name", ["light", "dark"])
def test_text_can_be_read_on_all_that_is_behind_it(name: str) -> None:
    scheme = _scheme(name)
    texts = ["text", "muted", "accent", "better", "worse", "warn"]
    pairs = list(product(texts, ["page", "panel"]))
    pairs += [("cell", f"s{n}") for n in range(STAGES)] + [("cell", f"b{n}") for n in range(BASES)]
    weak = {
        (one, other): round(_contrast(scheme[one], scheme[other]), 2)
        for one, other in pairs
        if _contrast(scheme[one], scheme[other]) < READABLE
    }
    assert weak == {}


def test_both_schemes_have_all_colors() -> None:
    assert set(_scheme("light")) == set(_scheme("dark"))
    assert len({_scheme("light")[f"s{n}"] for n in range(STAGES)}) == STAGES


def test_stages_have_colors_and_base_images_are_grey() -> None:
    origins = (
        Origin("debian", 1, True, 5, 1),
        Origin("build", 0, False, 5, 1),
        Origin("busybox", 1, True, 5, 1),
        Origin("final", 1, False, 5, 1),
    )
    assert of_origins(origins) == ("b0", "s0", "b1", "s1")
    assert of_stage(STAGES + 2) == of_stage(2)
