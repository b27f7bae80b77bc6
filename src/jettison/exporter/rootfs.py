"""Root file systems as plain files: a directory (``type=local``) or a tar (``type=tar``).

In:  stored images, whose layers are merged as an overlay would show them.
Out: files owned by the caller in a directory, or a tar with the image's owners.

A directory that is there already is merged into: what the image has replaces what is there, and
links in it are never followed. Sockets are left out. A tar does nothing by itself, so it keeps
set-ID bits, devices and capabilities; a directory has them only on request.

Source: BuildKit's local and tar exporters.
Security: an image is hostile: its links are made and never followed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from jettison.events import Progress
from jettison.exporter.attested_files import attested_files, write_files
from jettison.exporter.base import ExportResult, ExportServices, ImageWishes
from jettison.exporter.destination import (
    export_errors,
    is_empty,
    new_directory,
    open_file,
    require_place,
)
from jettison.exporter.directory import (
    DirectoryWriter,
    enter,
    keep_only,
    left_out_warning,
    preserved,
)
from jettison.exporter.outputs import STANDARD_OUTPUT, LocalOutput, TarOutput
from jettison.exporter.rootfs_tar import END, TarWriter
from jettison.image.manifest import image_platform
from jettison.snapshot.stack import StackTree
from jettison.store.image import StoredImage

_NANO = 1_000_000_000


class _Exported(msgspec.Struct, frozen=True):
    """Files of an image: a directory for them, they, what is said of them by file name."""

    prefix: str
    tree: StackTree
    said: Mapping[str, bytes]


class RootfsExporter:
    """``type=local`` and ``type=tar``.

    Args:
        output: What is wanted.
        services: Has the images.

    Raises:
        ExportError: there is no directory for its file.
    """

    def __init__(self, output: LocalOutput | TarOutput, services: ExportServices) -> None:
        self.wishes = ImageWishes(output.rewrite_timestamp)
        self._split = output.platform_split
        self._said_prefix = output.attestation_prefix
        epoch = output.source_date_epoch
        self._clamp_ns = None if epoch is None else epoch * _NANO
        self._preserve = preserved(output) if isinstance(output, LocalOutput) else None
        self._mirrors = isinstance(output, LocalOutput) and output.mode == "delete"
        self._dest = output.dest
        self._services = services
        if isinstance(output, TarOutput):
            require_place(output.dest)

    @property
    def packs(self) -> None:
        """Files are written, no blobs."""
        return

    def export(self, images: Sequence[StoredImage], report: Progress) -> ExportResult:
        """Write the files; see ``Exporter``."""
        split = len(images) > 1 if self._split is None else self._split
        trees: list[_Exported] = []
        for image in images:
            layers = tuple(layer.layer for layer in image.layers)
            tree = self._services.blobs.tree(layers, report)
            platform = str(image_platform(image.config)).replace("/", "_")
            said = attested_files(self._services.attestations(image), tree, self._said_prefix)
            trees.append(_Exported(platform if split else "", tree, said))
        warning = ""
        if self._preserve is None:
            with open_file(self._dest, self._services.stdout) as sink:
                for each in trees:
                    tar = TarWriter(sink, each.prefix, self._clamp_ns, report)
                    tar.write(each.tree)
                    tar.add_files(each.said)
                sink.write(END)
        else:
            writer = DirectoryWriter(self._preserve, self._clamp_ns, report, mirrors=self._mirrors)
            warning = self._write_directory(trees, writer)
        path = "" if self._dest == STANDARD_OUTPUT else self._dest
        return ExportResult(path=path, warning=warning)

    def _write_directory(self, trees: list[_Exported], writer: DirectoryWriter) -> str:
        path = Path(self._dest)
        if is_empty(path):
            with new_directory(path) as directory:
                _fill(writer, directory, trees)
        else:
            with export_errors(self._dest):
                _fill(writer, path, trees, mirrors=self._mirrors)
        left_out = left_out_warning(writer.left_out)
        return f"`{self._dest}`: {left_out}" if left_out else ""


def _fill(
    writer: DirectoryWriter, path: Path, trees: list[_Exported], *, mirrors: bool = False
) -> None:
    root = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if mirrors and all(each.prefix for each in trees):
            keep_only((each.prefix for each in trees), root)
        for each in trees:
            if not each.prefix:
                writer.write(each.tree, root)
                write_files(each.said, root)
                continue
            target = enter(each.prefix, root)
            try:
                os.fchmod(target, 0o755)
                writer.write(each.tree, target)
                write_files(each.said, target)
            finally:
                os.close(target)
    finally:
        os.close(root)
