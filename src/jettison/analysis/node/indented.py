r"""Lock files that are written by indentation: Yarn's of both forms, and pnpm's.

In:  the text of a lock file.
Out: maps in maps, their ends text.

These files are made by programs, in a form that is a small part of YAML or near to it; lists and
what is in braces are of no interest here and are left out.

Security: lines and depth are bounded; what is not understood is skipped.

>>> parse_indented('a@^1, "b@2":\n  version "1.0"\n  dependencies:\n    c "^3"\n')
{'a@^1, "b@2"': {'version': '1.0', 'dependencies': {'c': '^3'}}}
>>> parse_indented("packages:\n  '@a/b@1':\n    dev: true\n    x: {integrity: y}\n")
{'packages': {'@a/b@1': {'dev': 'true', 'x': '{integrity: y}'}}}
"""

from __future__ import annotations

import re

MAX_LINES = 1_000_000
_MAX_DEPTH = 20
_LINE = re.compile(
    r"( *)"
    r"(?:('(?:[^']|'')*'|\"(?:[^\"\\]|\\.)*\")(?=:|\s)|([^\s:'\"#\-][^\s]*?)(?=:\s|:$|\s))"
    r"(?::\s*|\s+)(.*)$"
)
_HEAD = re.compile(r"( *)([^\s#\-].*):$")

Map = dict[str, object]


def parse_indented(text: str) -> Map:
    """Return what a lock file says."""
    root: Map = {}
    stack: list[tuple[int, Map]] = [(-1, root)]
    for each in text.split("\n", MAX_LINES)[:MAX_LINES]:
        line = each.rstrip()
        head = _HEAD.match(line)
        found = _LINE.match(line) if head is None else None
        if head is None and found is None:
            continue
        indent = len((head or found)[1])  # type: ignore[index]
        while len(stack) > 1 and stack[-1][0] >= indent:
            stack.pop()
        if head is not None:
            inner: Map = {}
            stack[-1][1][_plain(head[2])] = inner
            if len(stack) < _MAX_DEPTH:
                stack.append((indent, inner))
        elif found is not None:
            stack[-1][1][_plain(found[2] or found[3])] = _plain(found[4])
    return root


def child(known: object, name: str) -> Map:
    """Return a map in a map, empty if there is none."""
    found = known.get(name) if isinstance(known, dict) else None
    return found if isinstance(found, dict) else {}


def word(known: object, name: str) -> str:
    """Return text in a map, empty if there is none."""
    found = known.get(name) if isinstance(known, dict) else None
    return found if isinstance(found, str) else ""


def _plain(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" and text.count(text[0]) == 2:
        return text[1:-1]
    return text
