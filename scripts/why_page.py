#!/usr/bin/env python3
"""Write ``docs/reference/why.md``: the causes, and edits with what is said of them."""

from __future__ import annotations

import html
import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from project_python import enter

enter()

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests")]

from jettison.why.explanation import CAUSES  # noqa: E402 - found through sys.path
from why_rig import EDITS, Edit, edits  # noqa: E402 - found through sys.path

PLACE = ROOT / "docs" / "reference" / "why.md"

_HEAD = """\
# Why steps run: causes, and edits beside BuildKit

Made by `scripts/why_page.py` of `jettison.why.explanation`, `tests/engine/why/edits.toml` and what
was recorded of both builders; tests keep it so. How to use it is in the [guide](../guides/why.md).

## Causes

The JSON of `jettison why --json` (schema `why/v1`), events of `--progress=rawjson` and reports name
causes by these words, which stay what they are:

| cause | meaning |
|---|---|
"""

_EDITS = """
## {count} edits

Each project was built, edited, and built again: with `jettison build --explain`, and with the
BuildKit of {version} by `docker buildx build --progress=plain`. Shown is what is said of steps,
without times; of BuildKit's lines those of steps, without its own transfers and what steps wrote.
It says which steps ran, and nowhere why. Unless an edit says otherwise it starts from this
Dockerfile, whose first stage makes a shell of a static busybox:

<!-- run by: tests/engine/test_why_edits.py -->
```dockerfile
{dockerfile}```
"""

_VERSION = "docker 28.5"
_STEPS = re.compile(r"#\d+ (?:\[(?!internal|context )|CACHED$|DONE|ERROR)")
_KEYS = (
    ("write", "{} is written"),
    ("remove", "{} is removed"),
    ("rename", "{} is renamed"),
    ("chmod", "{} gets another mode"),
    ("link", "{} becomes a link"),
    ("xattr", "{} gets an attribute"),
)


def page() -> str:
    """Return the page."""
    project, all_of_them = edits()
    ours, theirs = (
        json.loads((EDITS.parent / f"{name}.json").read_text()) for name in ("jettison", "buildkit")
    )
    text = _HEAD + "".join(f"| `{cause}` | {meaning} |\n" for cause, meaning in CAUSES.items())
    text += _EDITS.format(
        count=len(all_of_them),
        version=_VERSION,
        dockerfile=project["dockerfile"].lstrip("\n"),
    )
    for edit in all_of_them:
        title = edit["title"]
        text += "\n".join(_section(edit, ours[title], theirs[title])) + "\n"
    return text


def _section(edit: Edit, ours: Sequence[str], theirs: Sequence[str] | None) -> Iterator[str]:
    yield f"\n### {edit['title'][0].upper()}{edit['title'][1:]}\n"
    done = list(_done(edit))
    if done:
        yield "; ".join(done) + ".\n"
    left = [line for line in ours if "`test`" not in line and "npm test" not in line]
    left = [line for line in left if "--target test" not in line]
    yield "<table><tr><th>Jettison</th><th>BuildKit</th></tr><tr><td><pre>"
    yield html.escape("\n".join(left), quote=False)
    yield "</pre></td><td><pre>"
    yield html.escape("\n".join(_of_steps(theirs)), quote=False)
    yield "</pre></td></tr></table>"


def _done(edit: Edit) -> Iterator[str]:
    for key, text in _KEYS:
        if key in edit:
            yield text.format(", ".join(f"`{name}`" for name in edit[key]))
    for old, new in edit.get("replace", ()):
        if len(old) + len(new) < 120:
            shown = (each.strip().replace("\n", "⏎") for each in (old, new))
            yield " becomes ".join(f"`{each}`" if each else "nothing" for each in shown)
    if "flags" in edit:
        yield f"the second build has `{' '.join(edit['flags'])}`"


def _of_steps(lines: Sequence[str] | None) -> list[str]:
    """Return the lines of steps; with the title of each only where it is new."""
    if lines is None:
        return ["(not recorded: it would have emptied the cache of the builder that was asked)"]
    numbers = {line.split()[0] for line in lines if re.match(r"#\d+ \[(?!internal|context )", line)}
    return [line for line in lines if line.split(" ")[0] in numbers and _STEPS.match(line)]


if __name__ == "__main__":
    PLACE.write_text(page())
