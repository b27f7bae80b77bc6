"""Alpine packages: ``/lib/apk/db/installed`` or, in newer ones, ``/usr/lib/apk/db/installed``.

Source: apk-tools, the format of its database: ``P`` name, ``V`` version, ``F`` directory, ``R``
file in it.
"""

from __future__ import annotations

from collections.abc import Iterator

from jettison.analysis.files import Files
from jettison.analysis.packages.base import MAX_DATABASE, Measure, Package, package, paragraphs

_DATABASES = ("/lib/apk/db/installed", "/usr/lib/apk/db/installed")


def apk_packages(files: Files, measure: Measure) -> Iterator[Package]:
    """Yield installed packages."""
    for path in dict.fromkeys(filter(None, map(files.find, _DATABASES))):
        for paragraph in paragraphs(files.read(path, MAX_DATABASE) or b""):
            name = version = directory = ""
            owned = []
            for line in paragraph.split("\n"):
                match line[:2]:
                    case "P:":
                        name = line[2:]
                    case "V:":
                        version = line[2:]
                    case "F:":
                        directory = line[2:].strip("/")
                    case "R:":
                        owned.append(f"/{directory}/{line[2:]}" if directory else f"/{line[2:]}")
                    case _:
                        pass
            found = package("apk", name, version, measure.of_paths(owned))
            if found is not None:
                yield found
