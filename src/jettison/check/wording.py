"""What rules say of programs that do not start: who disagrees with whom, and since when.

In:  a ``Subject``, ``Load`` values.
Out: sentences.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from jettison.check.alignment import base_stage
from jettison.check.loads import Load, here, there
from jettison.check.subject import Subject
from jettison.errors import Span

if TYPE_CHECKING:
    from jettison.analysis.packages.owner import Owner

_MAX_NAMES = 4


def span_of(subject: Subject, load: Load) -> Span | None:
    """Return the instruction that brought a program, or that is to blame for it."""
    if load.copied is not None and load.copied.line:
        return load.copied.span
    return subject.span_of(load.path)


def sides(subject: Subject, load: Load) -> tuple[str, ...]:
    """Return what the image is, and what the stage is that a program came from, a line each."""
    found = [f"the image: {here(subject)}"]
    other = there(subject, load.copied)
    if load.copied is not None and other is not None:
        base = base_stage(subject, load.copied.stage).base_name
        said = f"stage `{load.copied.name}`"
        found.append(f"{said}, from {base}: {other}" if base else f"{said}: {other}")
    if load.copied is not None and not load.copied.is_context and other is None:
        found.append(f"copied from `{load.copied.name}`")
    return tuple(found)


def owner_there(subject: Subject, load: Load, name: str) -> tuple[str, Owner | None]:
    """Return where a library is in the stage that a program came from, and its package there."""
    copied = load.copied
    root = subject.stage(copied.stage) if copied is not None and copied.stage >= 0 else None
    loaded = (
        next((each for each in load.there.loaded if each.name == name), None)
        if load.there
        else None
    )
    if root is None or loaded is None:
        return "", None
    from jettison.analysis.packages.owner import owner_of  # noqa: PLC0415 - of what is missing

    return loaded.path, owner_of(root.files, loaded.path)


def grouped(
    subject: Subject, found: Iterable[Load], key: Callable[[Load], object]
) -> Iterator[tuple[Load, int]]:
    """Yield programs with how many others one COPY brought that fail for the same reason.

    What the image starts stands by itself.
    """
    groups: dict[object, list[Load]] = {}
    for load in found:
        line = load.copied.line if load.copied is not None else 0
        own = load.path if load.is_entry or not line else ""
        groups.setdefault((own, line, load.severity, key(load)), []).append(load)
    for group in groups.values():
        yield group[0], len(group) - 1


def subject_of(load: Load, by: str, others: int) -> str:
    """Return who needs something: the program, or a library that it loads."""
    name = f"`{load.path}`"
    if others:
        name += f" (and {others} more file{'s' if others > 1 else ''} of this COPY)"
    return name if by == load.path else f"{name} loads `{by}`, which"


def listed(names: Iterable[str]) -> str:
    """Return names for a sentence; of many the first."""
    found = [f"`{each}`" for each in names]
    more = f" and {len(found) - _MAX_NAMES} more" if len(found) > _MAX_NAMES else ""
    return ", ".join(found[:_MAX_NAMES]) + more
