"""Where the files of a planned layer come from, as rules by prefix.

In:  a selection and the destination that was planned for it.
Out: ``provenance.origin.CopyOrigins``.

A source that is alone at its target is one rule. Where several go to one directory, each file that
does not follow the rule of its directory has its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from jettison.copier.destination import Destination
from jettison.copier.select import Selection
from jettison.provenance.origin import CopiedSource, CopyOrigins, SourceKind


def copy_origins(selection: Selection, destination: Destination) -> CopyOrigins:
    """Return the origins of all that a COPY or ADD puts into its layer.

    Args:
        selection: What it takes.
        destination: Where that goes.
    """
    sources = []
    for index, (source, target) in enumerate(
        zip(selection.sources, destination.targets, strict=True)
    ):
        kind = SourceKind.DIRECTORY if source.is_dir else SourceKind.FILE
        if source.tree is None:
            kind = SourceKind.INLINE
        elif index in destination.archives:
            kind = SourceKind.ARCHIVE
        root = source.root if source.tree is not None else source.name
        sources.append(CopiedSource(kind, source.input, root, target))
    if _are_apart(destination.targets):
        rules = [(target, index) for index, target in enumerate(destination.targets)]
    else:
        rules = _rules(destination)
    return CopyOrigins(tuple(sources), tuple(rules))


def _are_apart(targets: Sequence[str]) -> bool:
    """Tell whether no target is another one or below it."""
    ordered = sorted(f"{target}/" for target in targets)
    return not any(below.startswith(above) for above, below in itertools.pairwise(ordered))


def _rules(destination: Destination) -> list[tuple[str, int]]:
    """Return the rules of sources of which several go to one directory."""
    came_from = {target: index for index, target in enumerate(destination.targets)}
    for path, directory in destination.directories.items():
        if directory.source >= 0:
            came_from[path] = directory.source
    came_from.update((path, file.source) for path, file in destination.files.items())
    rules: list[tuple[str, int]] = []
    ruled: dict[str, int | None] = {}
    for path in sorted(came_from):
        above = _rule_of(path.rpartition("/")[0], ruled) if path else None
        ruled[path] = came_from[path]
        if came_from[path] != above:
            rules.append((path, came_from[path]))
    return rules


def _rule_of(path: str, ruled: dict[str, int | None]) -> int | None:
    """Return the source that a directory's rule names; what was found is kept."""
    unknown = []
    while path not in ruled:
        unknown.append(path)
        if not path:
            ruled[path] = None
            break
        path = path.rpartition("/")[0]
    found = ruled[path]
    for each in unknown:
        ruled[each] = found
    return found
