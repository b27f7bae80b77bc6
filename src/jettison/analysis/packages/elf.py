"""Modules that programs say they were made of: Go's build information, Rust's audit data.

In:  programs.
Out: ``Package`` values.
"""

from __future__ import annotations

from collections.abc import Iterator

from jettison.analysis.elf.model import Elf
from jettison.analysis.packages.base import Owned, Package, package


def module_packages(program: Elf, owned: Owned | None) -> Iterator[Package]:
    """Yield the modules of a program; its own owns the file, if it says which that is."""
    found: list[Package | None] = []
    go = program.go
    if go is not None:
        found.append(package("go", "std", go.version.removeprefix("go")))
        if go.main is not None:
            found.append(package("go", go.main.path, go.main.version, owned))
        found += (package("go", each.path, each.version) for each in go.modules)
    for crate in program.crates:
        found.append(package("rust", crate.name, crate.version, owned if crate.root else None))
    yield from filter(None, found)
