"""Debian packages: ``/var/lib/dpkg/status``, and ``status.d`` of images without a dpkg.

Source: dpkg(1), deb-control(5); ``status.d`` as distroless images have it, one file a package with
the list of files beside it (``NAME.md5sums``).
"""

from __future__ import annotations

from collections.abc import Iterator

from jettison.analysis.files import Files
from jettison.analysis.packages.base import (
    MAX_DATABASE,
    MAX_DOCUMENT,
    Measure,
    Package,
    fields,
    package,
    paragraphs,
    text,
)

_DIRECTORY = "/var/lib/dpkg"


def deb_packages(files: Files, measure: Measure) -> Iterator[Package]:
    """Yield installed packages; those that left their configuration only are not."""
    data = files.read(f"{_DIRECTORY}/status", MAX_DATABASE)
    for paragraph in paragraphs(data or b""):
        known = fields(paragraph)
        if known.get("Status", "").split()[-1:] != ["installed"]:
            continue
        name = known.get("Package", "")
        lists = (name, f"{name}:{known.get('Architecture', '')}")
        found = package("deb", name, known.get("Version", ""), _owned(files, measure, lists))
        if found is not None:
            yield found
    yield from _without_dpkg(files, measure)


def _owned(files: Files, measure: Measure, lists: tuple[str, ...]) -> tuple[int, int]:
    for each in lists:
        if "/" not in each:
            data = files.read(f"{_DIRECTORY}/info/{each}.list", MAX_DATABASE)
            if data is not None:
                return measure.of_paths(text(data).split("\n"))
    return 0, 0


def _without_dpkg(files: Files, measure: Measure) -> Iterator[Package]:
    for path in files.below(f"{_DIRECTORY}/status.d"):
        data = None if path.endswith(".md5sums") else files.read(path, MAX_DOCUMENT)
        known = fields(text(data or b""))
        sums = files.read(f"{path}.md5sums", MAX_DATABASE) or b""
        owned = ("/" + line[34:].lstrip("./") for line in text(sums).split("\n") if line[34:])
        name, version = known.get("Package", ""), known.get("Version", "")
        found = package("deb", name, version, measure.of_paths(owned))
        if found is not None:
            yield found
