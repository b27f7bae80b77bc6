"""Python distributions: ``*.dist-info`` and ``*.egg-info``.

Source: the PyPA specifications "Recording installed projects" and "Core metadata"; setuptools'
egg-info before them.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from jettison.analysis.packages.base import (
    MAX_LIST,
    NOTHING,
    Details,
    Owned,
    PackageRecord,
    Reading,
    fields,
    text,
)

_HEAD = 64 << 10
_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)", re.ASCII)
_EXTRA = re.compile(r"\bextra\s*==")
_CLASSIFIER = "License :: "
_NO_LICENCE = frozenset({"", "UNKNOWN", "unknown"})
_MAX_LICENCE_NAME = 100


def is_metadata(path: str) -> bool:
    """Tell whether a path is the metadata of a distribution."""
    parent, _, name = path.rpartition("/")
    return (
        (name == "METADATA" and parent.endswith(".dist-info"))
        or (name == "PKG-INFO" and parent.endswith(".egg-info"))
        or (name.endswith(".egg-info") and name != ".egg-info")
    )


def python_package(reading: Reading, path: str) -> PackageRecord | None:
    """Return the distribution whose metadata is at a path."""
    data = reading.files.read(path, _HEAD, whole=False)
    if data is None:
        return None
    head = text(data).replace("\r\n", "\n").partition("\n\n")[0]
    known = fields(head)
    name = known.get("Name", "")
    details = Details(
        licence=_licence(known, head),
        needs=_needs(head),
        gives=(canonical_name(name),),
        scope=_site(path),
    )
    return reading.record(
        "python", name, known.get("Version", ""), path, _owned(reading, path), details
    )


def canonical_name(name: str) -> str:
    """Return the name by which a distribution is compared (PEP 503).

    >>> canonical_name("Flask_SQLAlchemy")
    'flask-sqlalchemy'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def _site(path: str) -> str:
    parent, _, name = path.rpartition("/")
    return parent if name.endswith(".egg-info") else parent.rpartition("/")[0]


def _needs(head: str) -> Iterator[str]:
    """Yield the names of ``Requires-Dist``; those of extras need not be there."""
    for line in head.split("\n"):
        if line.startswith("Requires-Dist:") and not _EXTRA.search(line):
            found = _NAME.match(line.removeprefix("Requires-Dist:"))
            if found is not None:
                yield canonical_name(found[1])


def _licence(known: dict[str, str], head: str) -> str:
    """Return the expression, a short name, or the last part of the only classifier."""
    expression = known.get("License-Expression", "")
    if expression:
        return expression
    named = known.get("License", "")
    if named not in _NO_LICENCE and len(named) <= _MAX_LICENCE_NAME:
        return named
    found = [
        line.rpartition(" :: ")[2].strip()
        for line in head.split("\n")
        if line.startswith(f"Classifier: {_CLASSIFIER}")
    ]
    return found[0] if len(found) == 1 else ""


def _owned(reading: Reading, path: str) -> Owned:
    directory = path.rpartition("/")[0]
    if f"{directory}/RECORD" in reading.files.entries:
        data = reading.read(f"{directory}/RECORD", MAX_LIST)
        site = directory.rpartition("/")[0]
        names = (line.rsplit(",", 2)[0].strip('"') for line in reading.lines(path, data))
        return reading.owned(posixpath.normpath(f"{site}/{name}") for name in names if name)
    if f"{directory}/installed-files.txt" not in reading.files.entries:
        return NOTHING
    listed = reading.lines(path, reading.read(f"{directory}/installed-files.txt", MAX_LIST))
    return reading.owned(posixpath.normpath(f"{directory}/{name}") for name in listed if name)
