"""MS511: one name of a base image means several images.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from jettison.check.rule import Rule
from jettison.check.subject import Subject
from jettison.check.written import stages_of
from jettison.errors import Span
from jettison.findings.finding import Finding, Severity
from jettison.findings.fix import advice
from jettison.frontend.dockerfile.syntax import From
from jettison.provenance.record import StepKind
from jettison.store.layer import Stack


class _Base(msgspec.Struct, frozen=True):
    """What a FROM means."""

    line: int
    written: str
    layers: Stack
    platform: str

    @property
    def name(self) -> str:
        return self.written.partition("@")[0]

    @property
    def digest(self) -> str:
        return self.written.partition("@")[2]


class MS511(Rule):
    r"""One name of a base image means several images.

    ## What it does
    Compares the images that FROM lines of one build resolved to: two with the same name and tag
    should be one image. It also notes bases without a tag, or with `latest`.

    ## Why is this bad
    The builder and the image then have other versions of libraries, mostly since one of two pinned
    digests was updated and the other one was not. What is not pinned at all changes without a
    change of the Dockerfile.

    ## Example
        FROM debian:bookworm-slim@sha256:aaaa… AS build
        FROM debian:bookworm-slim@sha256:bbbb…

    ## Use instead
        ARG BASE=debian:bookworm-slim@sha256:bbbb…
        FROM ${BASE} AS build
        FROM ${BASE}
    """

    id = "MS511"
    title = "A name of a base image means one image"
    hadolint = frozenset({"DL3006", "DL3007"})

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield a warning for each FROM that differs from the first of its name, and notes."""
        first: dict[tuple[str, str], _Base] = {}
        for base in _bases(subject):
            other = first.setdefault((base.name, base.platform), base)
            if other.layers != base.layers:
                yield self.finding(
                    Severity.WARNING,
                    f"`{base.name}` is another image here than in line {other.line}",
                    span=Span(base.line),
                    cause=(
                        f"line {other.line}: {other.digest or 'what the tag means now'}",
                        f"line {base.line}: {base.digest or 'what the tag means now'}",
                    ),
                    fixes=advice("pin both to one digest, in one ARG before the first FROM"),
                )
        for base in first.values():
            tag = base.name.rpartition("/")[2].partition(":")[2]
            if not base.digest and tag in {"", "latest"}:
                yield self.finding(
                    Severity.NOTE,
                    f"`{base.written}` has no {'tag' if not tag else 'tag that says a version'}",
                    span=Span(base.line),
                    fixes=advice("name a version, or a digest"),
                )


def _bases(subject: Subject) -> list[_Base]:
    """Return the images that FROM lines name, in their order."""
    record = subject.record
    written = {
        each.span.line: each
        for stage in stages_of(record)
        for each in stage
        if isinstance(each, From)
    }
    found = []
    for stage in record.stages:
        if not stage.needed or stage.parent >= 0 or not stage.steps or stage.line not in written:
            continue
        step = record.steps[stage.steps[0].step]
        if step.kind is StepKind.IMAGE:
            platform = written[stage.line].platform
            found.append(_Base(stage.line, stage.base_name, step.layers, platform))
    return found
