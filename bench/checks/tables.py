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


class Image(msgspec.Struct):
    """A good image and what was found in it.

    Args:
        kind: ``base``, ``example``, ``fixture`` or ``project``.
        name: Of the image.
        findings: All of them.
        missing: Why it is not here; empty if it is.
    """

    kind: str
    name: str
    findings: tuple[Finding, ...] = ()
    missing: str = ""


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
    """Return the table of images: errors, warnings, notes."""
    lines = ["| image | errors | warnings | notes |", "|---|--:|--:|--:|"]
    for image in images:
        if not image.missing:
            kinds = Counter(each.severity for each in image.findings)
            counts = " | ".join(str(kinds[each]) for each in Severity)
            lines.append(f"| {image.kind}: {image.name} | {counts} |")
    return "\n".join(lines)


def false_ones(image: Image, right: Sequence[Right]) -> list[Finding]:
    """Return the errors and warnings about a good image that nobody looked at and found right."""
    return [
        each
        for each in image.findings
        if each.severity is not Severity.NOTE
        and not any(known.fits(image.name, each) for known in right)
    ]


def whole_text(
    defects: Sequence[Defect], images: Sequence[Image], right: Sequence[Right], rules: Sequence[str]
) -> str:
    """Return both tables, what is wrong, and what is not here."""
    parts = [
        ("Rules", rule_table(defects, images, right, rules)),
        ("Good images", image_table(images)),
        ("Missed and false", _list(wrong_ones(defects, images, right))),
        ("Not built", _list(f"{each.name}: {each.missing}" for each in images if each.missing)),
    ]
    return "\n".join(f"## {title}\n\n{text}\n" for title, text in parts if text)


def wrong_ones(
    defects: Sequence[Defect], images: Sequence[Image], right: Sequence[Right]
) -> list[str]:
    """Return a line for each defect that was missed, and for each finding that is false."""
    return [
        *(f"{each.name}: {each.trouble or 'not found'}" for each in defects if not each.is_found),
        *(f"{each.name}: {found.rule}: {found.detail}" for each in defects for found in each.other),
        *(
            f"{each.name}: {found.rule}: {found.detail}"
            for each in images
            for found in false_ones(each, right)
        ),
    ]


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {each}" for each in lines)
