"""Which packages of a root file system depend on which, as far as their databases say.

In:  ``PackageRecord`` values.
Out: for each the indexes of those that it needs. A need that no package of the tree answers is no
     edge: what is missing is not the subject of a bill of materials.
"""

from __future__ import annotations

from collections.abc import Sequence

from jettison.analysis.packages.base import PackageRecord

_MAX_EDGES = 1_000_000
_MODULES = "/node_modules"

_Known = dict[tuple[str, str], dict[str, int]]


def edges(records: Sequence[PackageRecord]) -> list[tuple[int, ...]]:
    """Return for each package the indexes of those that it needs."""
    known: _Known = {}
    for index, each in enumerate(records):
        scope = known.setdefault((each.kind, _scope(each)), {})
        for name in (each.name, *each.gives):
            scope.setdefault(name, index)
    directories = {each.scope: index for index, each in enumerate(records) if _is_placed(each)}
    left = _MAX_EDGES
    found: list[tuple[int, ...]] = []
    for index, each in enumerate(records):
        if _is_placed(each):
            needed = [_upwards(each.scope, name, directories) for name in each.needs]
        else:
            scope = known[each.kind, _scope(each)]
            needed = [_first(need, scope) for need in each.needs]
        own = [other for other in dict.fromkeys(needed) if other is not None and other != index]
        own = own[:left]
        left -= len(own)
        found.append(tuple(sorted(own)))
    return found


def _is_placed(record: PackageRecord) -> bool:
    """Tell whether what it needs is looked for in directories: Node's way."""
    return record.kind == "npm" and not record.is_declared


def _scope(record: PackageRecord) -> str:
    """Return where a package is needed; distributions of Python are found across directories."""
    return "" if record.kind == "python" else record.scope


def _first(need: str, scope: dict[str, int]) -> int | None:
    """Return the first of alternatives that is there."""
    if need in scope:
        return scope[need]
    return next((scope[each] for each in need.split("|") if each in scope), None)


def _upwards(directory: str, name: str, directories: dict[str, int]) -> int | None:
    """Return the package that Node finds by a name from a directory."""
    while True:
        if not directory.endswith(_MODULES):
            found = directories.get(f"{directory}{_MODULES}/{name}")
            if found is not None:
                return found
        if not directory:
            return None
        directory = directory.rpartition("/")[0]
