"""Colours and sizes of the live view that the environment chooses.

In:  BUILDKIT_COLORS (``run=cyan:error=yellow:cancel=255,0,0:warning=blue``) and
     BUILDKIT_TTY_LOG_LINES.
Out: numbers of escape sequences by style, lines; what is malformed.

Source: BuildKit, ``docs/reference/environment-variables``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

COLORS = "BUILDKIT_COLORS"
LOG_LINES = "BUILDKIT_TTY_LOG_LINES"

USUAL = {"done": "34", "canceled": "33", "failed": "31", "warning": "33"}
"""Numbers of the escape sequence that begins each style that can be chosen."""
_STYLES = {"run": "done", "cancel": "canceled", "error": "failed", "warning": "warning"}
_NAMES = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_COLORS = {
    "default": "39",
    **{name: str(30 + number) for number, name in enumerate(_NAMES)},
    **{f"light-{name}": str(90 + number) for number, name in enumerate(_NAMES)},
    "light-gray": "37",
    "dark-gray": "90",
}
_NUMBERS = re.compile(r"(\d{1,3}),(\d{1,3}),(\d{1,3})")
_USUAL_LINES = 6
_MOST_LINES = 1000


def colors(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the numbers of all styles that can be chosen."""
    return USUAL | _chosen(environ.get(COLORS, ""))[0]


def log_lines(environ: Mapping[str, str]) -> int:
    """Return how many lines of output of a running step are shown."""
    text = environ.get(LOG_LINES, "")
    return int(text) if _is_count(text) else _USUAL_LINES


def problems(environ: Mapping[str, str]) -> list[str]:
    """Return what is wrong with the variables, as texts for people."""
    found = _chosen(environ.get(COLORS, ""))[1]
    lines = environ.get(LOG_LINES, "")
    if lines and not _is_count(lines):
        found.append(f"{LOG_LINES}: `{lines}` is no number of 1 to {_MOST_LINES}")
    return found


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 6 and 0 < int(text) <= _MOST_LINES


def _chosen(text: str) -> tuple[dict[str, str], list[str]]:
    styles: dict[str, str] = {}
    wrong: list[str] = []
    for each in filter(None, text.split(":")):
        name, equals, value = (part.strip() for part in each.partition("="))
        numbers = _NUMBERS.fullmatch(value)
        if name not in _STYLES or not equals:
            known = ", ".join(f"{name}=COLOR" for name in _STYLES)
            wrong.append(f"{COLORS}: `{each}` is none of {known}")
        elif value.lower() in _COLORS:
            styles[_STYLES[name]] = _COLORS[value.lower()]
        elif numbers is not None and max(map(int, numbers.groups())) < 256:
            styles[_STYLES[name]] = f"38;2;{value.replace(',', ';')}"
        else:
            wrong.append(f"{COLORS}: `{value}` is no color: write a name or RED,GREEN,BLUE")
    return styles, wrong
