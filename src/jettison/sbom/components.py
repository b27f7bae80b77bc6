"""Components of a root file system, from what its databases say.

In:  ``PackageRecord`` values.
Out: ``Component`` values: those of one identity together, sorted, with package URLs, licences and
     edges.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

import msgspec

from jettison.analysis.os_release import OsRelease
from jettison.analysis.packages.base import Owned, PackageRecord
from jettison.linux.text import printable
from jettison.sbom.edges import edges
from jettison.sbom.licence import Licence, parse_licence
from jettison.sbom.model import Component, Reach
from jettison.sbom.purl import package_url

_NOT_ALLOWED = re.compile(r"[^A-Za-z0-9.]+")
_MAX_NAME = 60

_Identity = tuple[str, str, str, str, tuple[tuple[str, str], ...], bool]

Origin = Callable[[PackageRecord], tuple[str, int]]
"""Tells the stage or base image that a package came from, and a line."""


def components(
    records: Iterable[PackageRecord],
    distribution: OsRelease,
    *,
    prefix: str,
    licence_of: Callable[[PackageRecord], Licence | None] = lambda _: None,
    reached: frozenset[str] | None = None,
    origin: Origin | None = None,
) -> tuple[Component, ...]:
    """Return the components of a root file system.

    Args:
        records: Of its packages.
        distribution: What it is.
        prefix: Of the components' names in the document.
        licence_of: Finds a licence that the database does not have.
        reached: Paths of it that reached the image; None if that is not asked.
        origin: Tells where a package came from.
    """
    found = list(records)
    groups: dict[_Identity, list[int]] = {}
    for index, each in enumerate(found):
        groups.setdefault(_identity(each), []).append(index)
    ordered = sorted(groups)
    places = [groups[identity] for identity in ordered]
    position = [0] * len(found)
    for number, indexes in enumerate(places):
        for index in indexes:
            position[index] = number
    needed = edges(found)
    licences: dict[str, Licence] = {}
    made = []
    for number, (identity, indexes) in enumerate(zip(ordered, places, strict=True)):
        same = [found[index] for index in indexes]
        record = _together(same)
        licence = licences.get(record.licence)
        if licence is None:
            licence = licences[record.licence] = parse_licence(record.licence)
        if not licence.expression:
            licence = licence_of(record) or licence
        needs = {position[other] for index in indexes for other in needed[index]} - {number}
        came_from, line = origin(record) if origin is not None else ("", 0)
        made.append(
            Component(
                msgspec.structs.replace(record, path=printable(record.path)),
                f"{prefix}{_name(identity)}",
                package_url(record, distribution),
                licence,
                tuple(sorted(needs)),
                len(same),
                _reach(record, reached) if reached is not None else None,
                came_from,
                line,
            )
        )
    return tuple(made)


def _identity(record: PackageRecord) -> _Identity:
    return (
        record.kind,
        record.name,
        record.version,
        record.architecture,
        record.qualifiers,
        record.is_declared,
    )


def _name(identity: _Identity) -> str:
    kind, name, version, *_ = identity
    text = _NOT_ALLOWED.sub("-", f"{kind}-{name}-{version}")[:_MAX_NAME].strip("-")
    return f"{text}-{sha256(msgspec.msgpack.encode(identity)).hexdigest()[:12]}"


def _together(records: Sequence[PackageRecord]) -> PackageRecord:
    """Return what is known of a package at several places."""
    first = records[0]
    owned = Owned(
        sum(each.owned.bytes for each in records),
        sum(each.owned.files for each in records),
        sum(each.owned.reached for each in records),
        next((each.owned.sample for each in records if each.owned.sample), ""),
    )
    # What it depends on and may be called is in the edges by now.
    return msgspec.structs.replace(first, owned=owned, needs=(), gives=(), scope="")


def _reach(record: PackageRecord, reached: frozenset[str]) -> Reach:
    owned = record.owned
    if owned.files:
        if owned.reached == owned.files:
            return Reach.ALL
        return Reach.PART if owned.reached else Reach.NONE
    return Reach.ALL if (owned.sample or record.path) in reached else Reach.NONE
