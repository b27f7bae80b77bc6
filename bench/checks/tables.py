"""How right checks are: what they said of planted defects and of good images, as two tables.

In:  findings.
Out: Markdown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from bench.checks.sources import Right
from jettison.findings.finding import Finding, Severity

_MAX_WORDS = 120

_INTRODUCTION = """\
# How right the checks are

<!-- made by scripts/check_tables.py -->

Measured on {today} by one run of `scripts/check_tables.py`, on a machine that reaches registries of packages and none of
images: base images are stand-ins made of distribution packages ([bases](../../bench/checks/bases/Dockerfile),
[examples](../../examples/bases/README.md)). Alpine's packages are not to be had there: `apk add` adds nothing in the
stand-ins. What replaces each image is in
[images.toml](../../bench/checks/images.toml); the projects and their sources are not kept here.

{summary}

A finding counts as false if it is an error or a warning about a good image that nobody found right. Notes do not count.
A start is one of [`--probe`](../reference/probe.md), without a network: a program that wants a database, a setting or
an argument ends by itself, and its row says what it wants.

Rules that were wrong about these projects were mended: MS203 (the link to the host's time zone in copies of
`/usr/share/zoneinfo`), MS205 (bytecode of Python that was compiled on purpose), MS309 (a program of one's own named
`whoami`). The corpus is the same on which these were found.
"""  # noqa: E501 - as it is printed


class Start(msgspec.Struct):
    """What came of a start of an image.

    Args:
        text: What it did.
        ok: Whether that was wanted.
        ends: Why it may end otherwise; empty if it must not.
        refuted: Findings that it disproves.
    """

    text: str
    ok: bool
    ends: str = ""
    refuted: tuple[Finding, ...] = ()


class Image(msgspec.Struct):
    """A good image and what was found in it.

    Args:
        kind: ``base``, ``example``, ``fixture`` or ``project``.
        name: Of the image.
        findings: All of them.
        missing: Why it is not here; empty if it is.
        crosses: Whether it has files of other stages than those it is FROM.
        start: Of it; None if nobody started it.
    """

    kind: str
    name: str
    findings: tuple[Finding, ...] = ()
    missing: str = ""
    crosses: bool = False
    start: Start | None = None


class Defect(msgspec.Struct):
    """A planted defect.

    Args:
        name: Of its folder.
        rule: That must find it.
        is_found: Whether it did, at its line and path.
        other: Errors of other rules.
        trouble: Why it could not be built.
    """

    name: str
    rule: str
    is_found: bool = False
    other: tuple[Finding, ...] = ()
    trouble: str = ""


def rule_table(
    defects: Sequence[Defect], images: Sequence[Image], right: Sequence[Right], rules: Sequence[str]
) -> str:
    """Return the table of rules: true found, missed, false."""
    found = Counter(each.rule for each in defects if each.is_found)
    missed = Counter(each.rule for each in defects if not each.is_found)
    false = Counter(each.rule for image in images for each in false_ones(image, right))
    false += Counter(each.rule for defect in defects for each in defect.other)
    shown = sorted({*rules, *found, *missed, *false})
    lines = ["| rule | true found | missed | false |", "|---|--:|--:|--:|"]
    lines += [f"| {rule} | {found[rule]} | {missed[rule]} | {false[rule]} |" for rule in shown]
    sums = " | ".join(str(each.total()) for each in (found, missed, false))
    return "\n".join([*lines, f"| all | {sums} |"])


def image_table(images: Sequence[Image]) -> str:
    """Return the table of images: errors, warnings, notes, and what a start of each came to."""
    lines = [
        "| image | stages crossed | errors | warnings | notes | start |",
        "|---|---|--:|--:|--:|---|",
    ]
    for image in images:
        if not image.missing:
            kinds = Counter(each.severity for each in image.findings)
            counts = " | ".join(str(kinds[each]) for each in Severity)
            crossed = "yes" if image.crosses else ""
            lines.append(
                f"| {image.kind}: {image.name} | {crossed} | {counts} | {_words(image.start)} |"
            )
    return "\n".join(lines)


def right_table(images: Sequence[Image], right: Sequence[Right]) -> str:
    """Return the table of warnings that somebody looked at and found right."""
    lines = [
        f"| {image.name} | {found.rule} | `{found.path}` | {known.why} |"
        for image in images
        for found in image.findings
        if found.severity is not Severity.NOTE
        for known in [each for each in right if each.fits(image.name, found)][:1]
    ]
    head = ["| image | rule | file | why |", "|---|---|---|---|"]
    return "\n".join([*head, *lines]) if lines else ""


def summary(defects: Sequence[Defect], images: Sequence[Image]) -> str:
    """Return what the tables come to."""
    there = [each for each in images if not each.missing]
    projects = [each for each in there if each.kind == "project"]
    errors = sum(f.severity is Severity.ERROR for each in there for f in each.findings)
    starts = [each.start for each in there if each.start is not None]
    built = sum(not each.trouble for each in defects)
    good = sum(each.ok for each in starts)
    known = sum(bool(each.ends) and not each.ok for each in starts)
    crossing = sum(each.crosses for each in projects)
    found = sum(each.is_found for each in defects)
    lines = (
        f"{len(defects)} planted defects, {built} built; {found} found at their line and path.",
        f"{len(there)} good images built, {len(projects)} of them of public projects.",
        f"{crossing} of those of public projects ship files that another stage made.",
        f"Errors about good images: {errors}.",
        f"{len(starts)} of them started: {good} did what was wanted.",
        f"{known} ended for a reason that was known before.",
    )
    return _list(lines)


def false_ones(image: Image, right: Sequence[Right]) -> list[Finding]:
    """Return the errors and warnings about a good image that nobody looked at and found right."""
    return [
        each
        for each in image.findings
        if each.severity is not Severity.NOTE
        and not any(known.fits(image.name, each) for known in right)
    ]


def page(
    defects: Sequence[Defect],
    images: Sequence[Image],
    right: Sequence[Right],
    rules: Sequence[str],
    *,
    today: str,
) -> str:
    """Return both tables, what they come to, what is right or wrong, and what is not here."""
    parts = [
        ("Warnings that are right", right_table(images, right)),
        ("Rules", rule_table(defects, images, right, rules)),
        ("Good images", image_table(images)),
        ("Missed and false", _list(wrong_ones(defects, images, right))),
        ("Not built", _list(f"{each.name}: {each.missing}" for each in images if each.missing)),
    ]
    sections = [f"## {title}\n\n{text}\n" for title, text in parts if text]
    head = _INTRODUCTION.format(today=today, summary=summary(defects, images))
    return "\n".join([head, *sections])


def wrong_ones(
    defects: Sequence[Defect], images: Sequence[Image], right: Sequence[Right]
) -> list[str]:
    """Return a line for each defect missed, finding that is false, and start that is wrong."""
    return [
        *(f"{each.name}: {each.trouble or 'not found'}" for each in defects if not each.is_found),
        *(f"{each.name}: {found.rule}: {found.detail}" for each in defects for found in each.other),
        *(
            f"{each.name}: {found.rule}: {found.detail}"
            for each in images
            for found in false_ones(each, right)
        ),
        *(
            f"{each.name}: {each.start.text}"
            for each in images
            if each.start is not None and not (each.start.ok or each.start.ends)
        ),
        *(
            f"{each.name}: {found.rule} is refuted by a start"
            for each in images
            if each.start is not None
            for found in each.start.refuted
        ),
    ]


def _words(start: Start | None) -> str:
    if start is None:
        return ""
    text = start.text.replace("|", "\\|").replace("`", "'")
    short = text if len(text) <= _MAX_WORDS else f"{text[:_MAX_WORDS]}…"
    return f"{short} ({start.ends})" if start.ends and not start.ok else short


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {each}" for each in lines)
