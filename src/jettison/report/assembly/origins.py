"""Who made the files of an image, for its tree.

In:  the end of each file's chain, as ``totals`` follows it.
Out: ``Origin`` values, and the files with the numbers of their origins.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator

from jettison.fs.visible import Seen, Visible
from jettison.oci.redact import redacted
from jettison.provenance.follow import ProducedFiles
from jettison.provenance.record import BuildRecord, StackLayer
from jettison.report.contents import Origin
from jettison.report.tree import File

_Key = tuple[int, str]
"""Stage, and the image that it did not make a file of; an empty one where it made it."""


class ImageFiles:
    """Collects who made each regular file of an image.

    Args:
        record: Of its build.
    """

    def __init__(self, record: BuildRecord) -> None:
        self._record = record
        self._numbers: dict[_Key, int] = {}
        self._produced: list[tuple[int, ProducedFiles]] = []
        self._sums: dict[int, tuple[int, int]] = {}

    def add(self, files: ProducedFiles) -> None:
        """Take files: their producer is a stage, or an image that one is FROM or copied from."""
        number = self._number((files.stage, files.image))
        self._produced.append((number, files))
        size, count = self._sums.get(number, (0, 0))
        self._sums[number] = size + sum(files.sizes), count + len(files.sizes)

    def files(self, shown: Visible) -> Iterator[File]:
        """Yield all entries of the image that are no directories."""
        stack = self._record.stack(self._record.target)
        layers = [self._of_layer(layer) for layer in stack]
        known = {
            f"{each.directory}/{name}": (number, each.line)
            for number, each in self._produced
            for name in each.names
        }
        for path, seen in shown.entries.items():
            mode = shown.mode(seen)
            if stat.S_ISDIR(mode):
                continue
            is_first = shown.inode(seen) == Seen(seen.layer, seen.entry)
            yield File(
                path,
                "link" if stat.S_ISLNK(mode) else "file",
                shown.size(seen) if is_first else 0,
                *known.get(path, layers[seen.layer]),
            )

    def origins(self) -> tuple[Origin, ...]:
        """Return who made files, in the order of their numbers."""
        labels = {stage.index: stage.label for stage in self._record.stages}
        return tuple(
            Origin(
                label=redacted(image) if image else labels[stage],
                stage=stage,
                base=bool(image),
                bytes=self._sums.get(number, (0, 0))[0],
                files=self._sums.get(number, (0, 0))[1],
            )
            for (stage, image), number in self._numbers.items()
        )

    def _of_layer(self, layer: StackLayer) -> tuple[int, int]:
        image, line = (layer.step.detail, 0) if layer.is_base else ("", layer.instruction.line)
        return self._number((layer.stage, image)), line

    def _number(self, key: _Key) -> int:
        return self._numbers.setdefault(key, len(self._numbers))
