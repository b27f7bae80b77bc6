"""Alpine packages: ``/lib/apk/db/installed`` or, in newer ones, ``/usr/lib/apk/db/installed``.

Source: apk-tools, the format of its database: ``P`` name, ``V`` version, ``A`` architecture, ``L``
licence, ``o`` origin, ``m`` maintainer, ``D`` dependencies, ``p`` what it provides, ``F``
directory, ``R`` file in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from jettison.analysis.packages.base import (
    MAX_DATABASE,
    Details,
    PackageRecord,
    Reading,
)

DATABASES = ("/lib/apk/db/installed", "/usr/lib/apk/db/installed")
_OPERATOR = re.compile(r"[<>=~@]")


def apk_packages(reading: Reading) -> Iterator[PackageRecord]:
    """Yield installed packages."""
    for path in dict.fromkeys(filter(None, map(reading.files.find, DATABASES))):
        for paragraph in reading.paragraphs(path, reading.read(path, MAX_DATABASE)):
            known: dict[str, str] = {}
            directory = ""
            owned = []
            for line in paragraph.split("\n"):
                match line[:2]:
                    case "F:":
                        directory = line[2:].strip("/")
                    case "R:":
                        owned.append(f"/{directory}/{line[2:]}" if directory else f"/{line[2:]}")
                    case key:
                        known.setdefault(key, line[2:].strip())
            name, origin = known.get("P:", ""), known.get("o:", "")
            details = Details(
                architecture=known.get("A:", ""),
                source=origin if origin != name else "",
                licence=known.get("L:", ""),
                supplier=known.get("m:", ""),
                needs=_names(known.get("D:", "")),
                gives=_names(known.get("p:", "")),
            )
            found = reading.record(
                "apk", name, known.get("V:", ""), path, reading.owned(owned), details
            )
            if found is not None:
                yield found


def _names(line: str) -> list[str]:
    """Return the names of a list such as ``so:libz.so.1 busybox>=1.3``, conflicts left out."""
    return [_OPERATOR.split(each, maxsplit=1)[0] for each in line.split() if each[0] != "!"]
