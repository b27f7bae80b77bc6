"""What programs say they were made of, and of which package they are.

In:  programs: build information of Go, audit data of Rust, notes of distributions.
Out: ``PackageRecord`` values.
"""

from __future__ import annotations

from collections.abc import Iterator

from jettison.analysis.elf.model import Elf
from jettison.analysis.packages.base import NOTHING, Details, PackageRecord, Reading

_ONLY_BUILT_WITH = "build"
"""Kind of crates that are not in the program: macros, what its build scripts need."""
_DISTRIBUTIONS = frozenset({"deb", "rpm", "apk"})


def module_packages(reading: Reading, path: str, program: Elf) -> Iterator[PackageRecord]:
    """Yield the modules of a program; its own owns the file, if it says which that is.

    Args:
        reading: Of the tree.
        path: Of the program.
        program: What it says.
    """
    own = reading.owned([path])
    part = NOTHING._replace(sample=path)
    found: list[PackageRecord | None] = []
    go = program.go
    if go is not None:
        details = Details(scope=path)
        found.append(
            reading.record("go", "std", go.version.removeprefix("go"), path, part, details)
        )
        if go.main is not None:
            others = ["std", *(each.path for each in go.modules)]
            main = Details(scope=path, needs=others)
            found.append(reading.record("go", go.main.path, go.main.version, path, own, main))
        found += (
            reading.record("go", each.path, each.version, path, part, details)
            for each in go.modules
        )
    crates = program.crates
    names = [f"{each.name} {each.version}" for each in crates]
    for crate, name in zip(crates, names, strict=True):
        if crate.kind == _ONLY_BUILT_WITH:
            continue
        needs = [names[each] for each in crate.dependencies if 0 <= each < len(names)]
        details = Details(scope=path, needs=needs, gives=(name,))
        owned = own if crate.root else part
        found.append(reading.record("rust", crate.name, crate.version, path, owned, details))
    yield from filter(None, found)


def noted_packages(reading: Reading, path: str, program: Elf) -> Iterator[PackageRecord]:
    """Yield the package that a file says it is of; the note has the name of its source package."""
    note = program.package
    if note is None or note.type not in _DISTRIBUTIONS:
        return
    distribution = "-".join(filter(None, (note.os.lower(), note.os_version)))
    details = Details(
        architecture=note.architecture,
        qualifiers=[("distro", distribution)] if distribution else (),
    )
    owned = reading.owned([path])
    found = reading.record(note.type, note.name, note.version, path, owned, details)
    if found is not None:
        yield found
