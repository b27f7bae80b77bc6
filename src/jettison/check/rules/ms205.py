"""MS205: copies of what nobody needs at run time.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from jettison.check.layer_facts import Marks
from jettison.check.rule import Rule
from jettison.check.steps import copies, image_bytes, marked_files
from jettison.check.subject import Subject
from jettison.check.units import MEGABYTE, counted, size
from jettison.findings.finding import Finding, Severity
from jettison.findings.fix import advice

_BYTECODE = "bytecode of Python"
"""Some compile it to start faster: worth a note, however much it is."""
_JUNK = (
    ("objects of a compiler", r"\.(?:o|obj|lo|d|gcno|gcda)$", "*.o"),
    (
        "caches of tools",
        r"/node_modules/\.cache/|/\.cache/|/\.(?:mypy|pytest|ruff)_cache/",
        ".cache",
    ),
    (_BYTECODE, r"/__pycache__/|\.pyc$", "**/__pycache__"),
    (
        "incremental builds",
        r"/target/[^/]+/(?:deps|incremental|build)/|/\.gradle/|/\.next/cache/",
        "",
    ),
    ("tests", r"/(?:tests?|__tests__|spec)/", ""),
)
_ANY = re.compile("|".join(f"(?:{pattern})" for _, pattern, _ in _JUNK))
_MARKED = Marks(f"for builds {_ANY.pattern}", lambda path, _mode: _ANY.search(path) is not None)
_SHARE = 0.05


class MS205(Rule):
    r"""Copies of what nobody needs at run time.

    ## What it does
    Finds files of a COPY that serve builds only: objects of compilers, caches of tools, Python's
    bytecode, tests, from 1 MB on or a twentieth of the image.

    ## Why is this bad
    They are pulled with the image and serve nothing. They mostly come with a directory that is
    copied as a whole.

    ## Example
        FROM busybox AS build
        RUN mkdir -p /src/obj && head -c 2000000 /dev/zero > /src/obj/a.o && echo x > /src/app
        FROM busybox
        COPY --from=build /src /app

    ## Use instead
        FROM busybox AS build
        RUN mkdir -p /src/obj && head -c 2000000 /dev/zero > /src/obj/a.o && echo x > /src/app
        FROM busybox
        COPY --from=build /src/app /app/app
    """

    id = "MS205"
    title = "Copies have what the image needs"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield kinds of needless files that a copy brought, with their bytes."""
        whole = 0
        for step in copies(subject):
            sums: dict[int, list[int]] = {}
            for path, count in marked_files(subject, step, _MARKED):
                for kind, (_, pattern, _) in enumerate(_JUNK):
                    if re.search(pattern, path):
                        sums.setdefault(kind, []).append(count)
                        break
            for kind, sizes in sums.items():
                total = sum(sizes)
                whole = whole or subject.fact(image_bytes)
                if total < MEGABYTE and total < max(_SHARE * whole, MEGABYTE / 20):
                    continue
                what, _, pattern = _JUNK[kind]
                is_much = total >= 10 * MEGABYTE and what != _BYTECODE
                fix = f"COPY --exclude={pattern}" if pattern else "copy the paths that are wanted"
                yield self.finding(
                    Severity.WARNING if is_much else Severity.NOTE,
                    f"{size(total)} of {what} were copied ({counted(len(sizes), 'file')})",
                    span=step.span,
                    stage=step.stage.label,
                    fixes=advice(f"name what is needed: {fix}"),
                )
