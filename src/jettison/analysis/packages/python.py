"""Python distributions: ``*.dist-info`` and ``*.egg-info``.

Source: the PyPA specification "Recording installed projects"; setuptools' egg-info before it.
"""

from __future__ import annotations

import posixpath

from jettison.analysis.files import Files
from jettison.analysis.packages.base import (
    MAX_DATABASE,
    Measure,
    Owned,
    Package,
    fields,
    package,
    text,
)

_HEAD = 64 << 10


def is_metadata(path: str) -> bool:
    """Tell whether a path is the metadata of a distribution."""
    parent, _, name = path.rpartition("/")
    return (
        (name == "METADATA" and parent.endswith(".dist-info"))
        or (name == "PKG-INFO" and parent.endswith(".egg-info"))
        or (name.endswith(".egg-info") and name != ".egg-info")
    )


def python_package(files: Files, measure: Measure, path: str) -> Package | None:
    """Return the distribution whose metadata is at a path."""
    data = files.read(path, _HEAD, whole=False)
    if data is None:
        return None
    known = fields(text(data).replace("\r\n", "\n").partition("\n\n")[0])
    owned = _owned(files, measure, path)
    return package("python", known.get("Name", ""), known.get("Version", ""), owned)


def _owned(files: Files, measure: Measure, path: str) -> Owned:
    directory = path.rpartition("/")[0]
    record = files.read(f"{directory}/RECORD", MAX_DATABASE)
    if record is not None:
        site = directory.rpartition("/")[0]
        names = (line.rsplit(",", 2)[0].strip('"') for line in text(record).splitlines())
        return measure.of_paths(posixpath.normpath(f"{site}/{name}") for name in names if name)
    installed = files.read(f"{directory}/installed-files.txt", MAX_DATABASE)
    listed = text(installed or b"").splitlines()
    return measure.of_paths(posixpath.normpath(f"{directory}/{name}") for name in listed if name)
