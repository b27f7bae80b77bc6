#!/usr/bin/env python3
"""Write ``docs/reference/failures.md`` from the docstrings of the causes."""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path

from project_python import enter

enter()

from jettison.failure.base import Explain  # noqa: E402
from jettison.failure.explain import CAUSES  # noqa: E402 - found through sys.path

PLACE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "failures.md"

_HEAD = """\
# Failures that are explained

Made by `scripts/failure_page.py` of the modules in `jettison.failure.causes`; a test keeps it so.

When a RUN fails, Jettison looks at the end of its output, its exit status and facts of its sandbox:
the distribution of the stage, the platform, USER, the network, limits, what the ignore file hides,
free disk. What it recognises it says in three lines below the error; what it does not recognise
stays unsaid:

```text
ERROR: process `/bin/sh -c git clone …` did not complete successfully: exit code: 127
cause: the program `git` is not in the stage
why: the base `python:3.12-alpine` (Alpine Linux v3.20) comes without it; the package `git` has it
hint: install it in an earlier step: `RUN apk add --no-cache git`
```

Programs find the same with `--progress=rawjson`: the events `end` of the step and `failed` of the
build have a `cause` with `id`, `what`, `why` and `fix`, as has the exception of a Python program. A
COPY whose file the ignore file hides, a full disk and a registry that limits pulls have causes,
too. The ids stay what they are.

| id | what happened |
|---|---|
"""

_TAIL = """
## How often it knows, and how often it is right

Measured with the two public collections of logs of builds that failed, which are no part of the
project: Shipwright (2020) and the study of flaky docker builds, FlakiDock (2024). Counted are logs
of a RUN that failed; logs of images that could not be pulled and of Dockerfiles that could not be
parsed are not counted, since these have errors of their own here. The logs say neither what a
stage's `/etc/os-release` holds nor what its files are, so less was known than in a build.

{numbers}
"""

_NUMBERS = """\
| collection | logs of a RUN | named | |
|---|--:|--:|--:|
| Shipwright | 4,979 | 3,882 | 78 % |
| FlakiDock | 1,787 | 1,583 | 89 % |
| both | 6,766 | 5,465 | 81 % |

Whether the name is right was judged by reading 100 named logs that were drawn at random: the end of
the output, the instruction and the base beside what was said; one reader, who wrote the causes,
too. A name counts as wrong also where the kind is right and what it names is not. The causes were
corrected by what each sample showed, and then a new one was drawn: 89, 95 and, with the causes as
they are but for the corrections of that sample, 98 of 100 were right. Many logs are alike: a fifth
of a sample are distributions that have reached their end.

A failed step costs 3 ms for a usual log and 14 ms to load the causes once (processor time); the
slowest of all these logs took 0.2 s on a busy machine.
"""


def page() -> str:
    """Return the page."""
    rows = "".join(sorted(map(_row, CAUSES)))
    return _HEAD + rows + _TAIL.format(numbers=_NUMBERS.strip())


def _row(cause: Explain) -> str:
    module = sys.modules[cause.__module__]
    ids = dict.fromkeys(re.findall(r'Cause\(\s*"([a-z-]+)"', inspect.getsource(module)))
    what = (inspect.getdoc(module) or "").partition("\n")[0].rstrip(".")
    return f"| {', '.join(f'`{each}`' for each in ids)} | {what} |\n"


if __name__ == "__main__":
    PLACE.write_text(page())
