"""Packages of NuGet that a program of .NET was published with: its ``*.deps.json``.

Source: .NET's "runtime configuration files": libraries with their type, targets with what each
library needs and has.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from jettison.analysis.packages.base import (
    MAX_LIST,
    Details,
    PackageRecord,
    Reading,
    as_names,
    as_text,
)

SUFFIX = ".deps.json"
_PACKAGES = frozenset({"package", "runtimepack"})
_RUNTIME_PACK = "runtimepack."
_ASSETS = ("runtime", "native", "runtimeTargets", "resources")


class _Dependencies(msgspec.Struct):
    """What counts of the document; what may be of any type is looked at later."""

    targets: dict[str, Any] = {}
    libraries: dict[str, Any] = {}


def dotnet_packages(reading: Reading, path: str) -> Iterator[PackageRecord]:
    """Yield the packages that a list beside a program names; projects are none."""
    try:
        known = msgspec.json.decode(reading.read(path, MAX_LIST), type=_Dependencies)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    directory = path.rpartition("/")[0]
    targets = [each for each in known.targets.values() if isinstance(each, dict)]
    for key, library in known.libraries.items():
        if not isinstance(library, dict) or as_text(library.get("type")) not in _PACKAGES:
            continue
        name, _, version = key.partition("/")
        needs: list[str] = []
        assets: list[str] = []
        for target in targets:
            about = target.get(key)
            if isinstance(about, dict):
                needs += as_names(about.get("dependencies"))
                assets += [each for kind in _ASSETS for each in as_names(about.get(kind))]
        details = Details(needs=dict.fromkeys(needs), scope=path)
        owned = reading.owned(_places(directory, assets))
        name = name.removeprefix(_RUNTIME_PACK)
        found = reading.record("nuget", name, version, path, owned, details)
        if found is not None:
            yield found


def _places(directory: str, assets: list[str]) -> Iterator[str]:
    """Yield where published files are: beside the program, or as the package has them."""
    for each in dict.fromkeys(assets):
        yield f"{directory}/{each.rpartition('/')[2]}"
        if "/" in each:
            yield f"{directory}/{each}"
