"""MS706: what a build context should leave out, and copies have.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.check.rule import Rule
from jettison.check.steps import (
    BuiltStep,
    amounts_in,
    context_copies,
    folders_of,
    listing_of,
    origins_of,
)
from jettison.check.subject import Subject
from jettison.check.units import MEGABYTE, counted, size
from jettison.findings.finding import Finding, Severity
from jettison.findings.fix import advice
from jettison.provenance.origin import CopyOrigins

_MADE = frozenset(
    {"node_modules", ".git", ".venv", "venv", ".tox", ".nox", "__pycache__", ".gradle",
     ".terraform", "bower_components", ".svn", ".hg", ".next", ".nuxt", ".parcel-cache", ".cache"}
)  # fmt: skip
"""Directories that tools make beside the sources."""

_LEAST_FILES = 100


class MS706(Rule):
    r"""what a build context should leave out, and copies have.

    ## What it does
    Finds COPY and ADD of directories which tools make beside the sources, such as
    `node_modules`, `.git` and `.venv`, from 1 MB or 100 files on.

    ## Why is this bad
    They are read and compared in each build, and change without the sources changing. What was
    installed on a laptop takes the place of what the image would install.

    ## Example
        FROM node:20
        COPY . /app

    ## Use instead
        FROM node:20
        COPY --exclude=node_modules --exclude=.git . /app
    """

    id = "MS706"
    title = "The context leaves out what tools make"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield copies of such directories, with their size."""
        for step in context_copies(subject):
            for name, (total, files) in _made(subject, step).items():
                if total >= MEGABYTE or files >= _LEAST_FILES:
                    yield self.finding(
                        Severity.NOTE,
                        f"`{name}` of the context is copied: {size(total)},"
                        f" {counted(files, 'file')}",
                        span=step.span,
                        stage=step.stage.label,
                        fixes=advice(f"write `{name}` into .dockerignore"),
                    )


def _made(subject: Subject, step: BuiltStep) -> dict[str, tuple[int, int]]:
    """Return bytes and number of files by directory of the context."""
    sums: dict[str, tuple[int, int]] = {}
    folders, origins = folders_of(subject, step), origins_of(subject, step)
    if folders is None or origins is None:
        return sums
    made = {folder: name for folder in folders if (name := _name(origins, folder))}
    listing = listing_of(subject, step) if made else None
    amounts = {} if listing is None else amounts_in(listing, made)
    for folder, (size_bytes, count) in amounts.items():
        total, files = sums.get(made[folder], (0, 0))
        sums[made[folder]] = total + size_bytes, files + count
    return sums


def _name(origins: CopyOrigins, folder: str) -> str:
    """Return which of such directories a folder of the layer came from, empty if from none."""
    origin = origins.find(f"{folder}/")
    parts = origin.path.rstrip("/").split("/")[1:] if origin is not None else []
    place = next((place for place, part in enumerate(parts) if part in _MADE), -1)
    return "/".join(parts[: place + 1])
