"""How numbers of a report are written, in every rendering alike.

In:  bytes, shares, seconds.
Out: text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from jettison.console.plain import size
from jettison.report.contents import Surface
from jettison.report.model import Image, Report, Stage

UNKNOWN = "?"

SURFACE = {
    "executables": "executables",
    "shells": "shells",
    "compilers": "compilers",
    "package_managers": "package managers",
    "setuid": "setuid/setgid",
    "capabilities": "file capabilities",
    "network_clients": "network clients",
    "interpreters": "interpreters",
    "debuggers": "debuggers",
    "world_writable": "world-writable",
}
"""Counts of a surface, in the order in which they are shown, and what they are called."""


def count(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun.

    >>> count(1, "layer"), count(1200, "file"), count(2, "entry", "entries")
    ('1 layer', '1,200 files', '2 entries')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def change(number: int) -> str:
    """Return a difference in bytes with its sign.

    >>> change(-12000), change(0), change(5)
    ('-12kB', '±0', '+5B')
    """
    return f"{'+' if number > 0 else '-'}{size(abs(number))}" if number else "±0"


def difference(number: int) -> str:
    """Return a difference of counts with its sign.

    >>> difference(-3), difference(0)
    ('-3', '±0')
    """
    return f"{number:+,}" if number else "±0"


def percent(share: float) -> str:
    """Return a share, 0 to 1; what is not quite all is not 100 %.

    >>> percent(0.5), percent(0.99999), percent(1.0), percent(0.0004)
    ('50%', '99.9%', '100%', '0.1%')
    """
    if 0 < share < 1:
        return f"{min(99.9, max(0.1, round(100 * share, 1))):g}%"
    return f"{100 * share:g}%"


def duration(seconds: float | None) -> str:
    """Return seconds as they are read best.

    >>> duration(None), duration(0.04), duration(11.43), duration(83)
    ('?', '0.0s', '11.4s', '1m23s')
    """
    if seconds is None:
        return UNKNOWN
    if seconds < 59.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return (f"{hours}h" if hours else "") + f"{minutes}m{whole % 60:02}s"


def some(texts: Iterable[str], most: int, more: int = 0) -> str:
    """Return the first few of a list, and how many there are besides.

    >>> some(["a", "b", "c"], 2), some(["a"], 2)
    ('a, b and 1 more', 'a')
    """
    listed = list(texts)
    rest = len(listed) - most + more if len(listed) > most else more
    return ", ".join(listed[:most]) + (f" and {rest:,} more" if rest > 0 else "")


def short_id(image: Image) -> str:
    """Return the beginning of an image's digest."""
    return (image.digest or image.id)[:19]


def shipped(image: Image) -> str:
    """Return what is shipped, in one line."""
    packed = "" if image.compressed is None else f" ({size(image.compressed)} compressed)"
    wasted = f"{size(image.wasted)} wasted"
    if image.wasted:
        wasted += f" ({percent(image.wasted / image.shipped)})"
    return f"{size(image.shipped)}{packed}, {count(len(image.layers), 'layer')}, {wasted}"


def single_stage(report: Report) -> str:
    """Return what would be shipped without stages, in one line; empty with one stage."""
    other = report.counterfactual
    if other is None:
        return ""
    saving = (
        f"this is {percent(other.saving)} smaller" if other.saving > 0 else "this is no smaller"
    )
    return f"would be {size(other.bytes)}, {saving} ({other.method}: {other.rule})"


def reached(stage: Stage) -> str:
    """Return what of a stage's own files is in the image, and through whom."""
    return size(stage.reached) + (f" via {some(stage.via, 2)}" if stage.via else "")


def surface_rows(report: Report) -> list[tuple[str, str, str]]:
    """Return (what, before, after) for all that one of both has; before is empty without one."""
    if report.surface is None:
        return []
    before, after = report.surface.before, report.surface.after
    rows: list[tuple[str, str, str]] = []
    kinds = sorted({*after.packages, *(before.packages if before else {})})
    rows += [(f"{each} packages", *_both(before, after, _packages, each)) for each in kinds]
    rows += [(name, *_both(before, after, _counts, field)) for field, name in SURFACE.items()]
    return [row for row in rows if row[1] not in {"", "0"} or row[2] != "0"]


def _both(
    before: Surface | None,
    after: Surface,
    counts: Callable[[Surface], Mapping[str, int]],
    name: str,
) -> tuple[str, str]:
    return (
        f"{counts(before).get(name, 0):,}" if before is not None else "",
        f"{counts(after).get(name, 0):,}",
    )


def _packages(surface: Surface) -> Mapping[str, int]:
    return surface.packages


def _counts(surface: Surface) -> Mapping[str, int]:
    return {name: getattr(surface, name) for name in SURFACE}
