"""The layers that a build made, and what they brought.

In:  a ``Subject``.
Out: entries of its own layers that are seen in the image; fixes for what a copy brought.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator

import msgspec

from jettison.check.layer_facts import LayerFact
from jettison.check.subject import Subject
from jettison.check.written import at_line, removal, replacement, text_of, with_flag
from jettison.errors import Span
from jettison.findings.finding import Fix
from jettison.findings.fix import advice
from jettison.frontend.dockerfile.syntax import Add, Copy
from jettison.provenance.record import StackLayer

_LARGEST_FOREIGN = 2000
"""A bottom layer of more entries is an operating system."""

_DATABASES = (
    "/var/lib/dpkg/status",
    "/lib/apk/db/installed",
    "/usr/lib/apk/db/installed",
    "/var/lib/rpm/rpmdb.sqlite",
    "/var/lib/rpm/Packages",
    "/var/lib/rpm/Packages.db",
    "/usr/lib/sysimage/rpm/rpmdb.sqlite",
    "/usr/lib/sysimage/rpm/Packages.db",
)


class OwnEntry(msgspec.Struct, frozen=True):
    """Something that a layer of the build brought and the image shows.

    Args:
        path: Absolute.
        mode: Type and permission bits.
        position: Number of the layer.
        layer: It.
    """

    path: str
    mode: int
    position: int
    layer: StackLayer


def own_entries(subject: Subject, marked: LayerFact[list[int]]) -> Iterator[OwnEntry]:
    """Yield what the image's own layers show of what is marked, by layer."""
    for entry in shown_entries(subject, marked):
        if not entry.layer.is_base:
            yield entry


def shown_entries(subject: Subject, marked: LayerFact[list[int]]) -> Iterator[OwnEntry]:
    """Yield what the image shows of what is marked, by layer."""
    files = subject.provenance.image
    for position, layer in enumerate(files.layers):
        entries = subject.of_layer(marked, subject.record.target, position)
        listing = files.listing(position) if entries else None
        if entries is None or listing is None:
            continue
        for entry in entries:
            path = listing.paths[entry]
            seen = files.visible.entries.get(path)
            if seen is not None and seen.layer == position:
                yield OwnEntry(path, listing.modes[entry], position, layer)


def own_files(
    subject: Subject, marked: LayerFact[list[int]]
) -> Iterator[tuple[str, int, Span | None]]:
    """Yield path, size and instruction of each regular file of ``own_entries``.

    Further names of one file are left out.
    """
    files = subject.provenance.image
    for each in own_entries(subject, marked):
        listing = files.visible.layers[each.position]
        entry = files.visible.entries[each.path].entry
        if stat.S_ISREG(each.mode) and entry not in listing.links:
            yield each.path, listing.size(entry), span_of_layer(subject, each.position)


def is_system(subject: Subject, position: int) -> bool:
    """Tell whether a layer is an operating system: the first that has a database of packages.

    What it has is the distribution's, as if the image were FROM it.
    """
    files = subject.provenance.image
    for number in range(position + 1):
        listing = files.listing(number)
        if listing is not None and any(path in listing.index for path in _DATABASES):
            return number == position
    return False


def mode_below(subject: Subject, path: str, position: int) -> int:
    """Return the mode that a path has in the layers below one; 0 if it is in none of them."""
    files = subject.provenance.image
    for lower in range(position - 1, -1, -1):
        listing = files.listing(lower)
        entry = None if listing is None else listing.index.get(path)
        if listing is not None and entry is not None:
            return listing.modes[entry]
    return 0


def searched_layers(subject: Subject) -> list[int]:
    """Return the numbers of layers that are searched for what looks like a secret.

    These are the layers that the build made, of an image from elsewhere all that are not large
    and at the bottom; none is an operating system.
    """
    files = subject.provenance.image
    numbers = [number for number, layer in enumerate(files.layers) if not layer.is_base]
    if not subject.was_built:
        listing = files.listing(0) if files.layers else None
        begin = 0 if listing is not None and len(listing.paths) <= _LARGEST_FOREIGN else 1
        numbers = list(range(begin, len(files.layers)))
    return [number for number in numbers if not is_system(subject, number)]


def hidden_by(subject: Subject, path: str, position: int) -> StackLayer | None:
    """Return the later layer that took a path away, None if the image shows it."""
    visible = subject.provenance.image.visible
    for each in visible.hidden:
        if each.path == path and each.seen.layer == position:
            return subject.provenance.image.layers[each.by]
    return None


def span_of_layer(subject: Subject, position: int) -> Span | None:
    """Return the instruction that made a layer, None if it is not in the Dockerfile."""
    step = subject.provenance.image.layers[position].instruction
    return Span(step.line, end_line=step.end_line) if step.line else None


def without_fix(subject: Subject, position: int, path: str, otherwise: str) -> tuple[Fix, ...]:
    """Return what keeps a path out of a layer.

    Args:
        subject: The image.
        position: Number of the layer.
        path: In it.
        otherwise: What to do where no edit of the instruction does it.
    """
    layer = subject.provenance.image.layers[position]
    instruction = at_line(subject.record, layer.instruction.line)
    if not isinstance(instruction, Copy | Add):
        return advice(otherwise)
    _, origin = subject.provenance.link(subject.record.target, position, path)
    if origin is None or origin.member or instruction.heredocs:
        return advice(otherwise)
    below = origin.path[len(origin.source.root.rstrip("/")) :].lstrip("/")
    if below:
        return (with_flag(subject.record, instruction, f"--exclude={below}"), *advice(otherwise))
    if len(instruction.sources) == 1:
        return (removal(instruction.span), *advice(otherwise))
    name = origin.path.rpartition("/")[2]
    words = [each for each in instruction.sources if each.rstrip("/").rpartition("/")[2] == name]
    text = text_of(subject.record, instruction.span)
    if len(words) == 1 and text.count(words[0]) == 1:
        edited = text.replace(f"{words[0]} ", "", 1)
        return (replacement(instruction.span, edited), *advice(otherwise))
    return advice(otherwise)
