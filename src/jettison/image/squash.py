"""One layer of several: what a build made, on top of its base image.

In:  layers that are here or can be had, a history.
Out: a layer that holds what they leave, and hides what they removed of what is below; the history
     in which it is one.

Whiteouts and opaque directories stay where something below may be hidden by them; those that hide
nothing are left out when the layer is committed.

Source: ``docker build --squash``; OCI image-spec 1.1, layer.md, "Representing Changes".
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import msgspec

from jettison.fs.os_errors import storage_errors
from jettison.fs.overlay_form import (
    is_opaque,
    is_plain_root,
    make_opaque,
    make_whiteout,
    root_in_effect,
)
from jettison.fs.ownership import Ownership
from jettison.fs.remove import remove_tree
from jettison.oci.config import History
from jettison.plan.graph import HistoryStep
from jettison.sandbox.rootfs.copied_root import apply_layer, copy_metadata
from jettison.snapshot.base import Change, LayerStore
from jettison.snapshot.stack import StackTree
from jettison.store.layer import LayerId, Stack


def squash_layers(
    layers: Stack,
    below: Stack,
    layer_store: LayerStore,
    materialise: Callable[[Stack], list[Path]],
) -> LayerId:
    """Return the layer that others are together.

    Args:
        layers: Base first, at least one.
        below: What they are on; its files are wanted only if something may be hidden.
        layer_store: Keeps it.
        materialise: Returns the directories of layers.

    Raises:
        ContentError, SourceError, StorageError: a layer cannot be had; there is no space.
    """
    directories = materialise(layers)
    ownership = layer_store.ownership
    active = layer_store.prepare()
    try:
        with storage_errors(active.upper):
            hides = False
            for directory in directories:
                hides |= _apply(directory, active.upper, ownership)
            roots = list(map(os.fspath, directories))
            top = roots[root_in_effect(roots, lambda path: is_plain_root(path, ownership))]
            copy_metadata(top, os.fspath(active.upper), ownership)
        tree = StackTree(materialise(below), ownership) if hides and below else None
        return layer_store.commit(active, Change(below=tree)).id
    except BaseException:
        layer_store.discard(active)
        raise


def squashed_history(history: tuple[HistoryStep, ...], layers: int) -> tuple[HistoryStep, ...]:
    """Return a history whose own steps have no layers; the last entry has the one of all.

    Args:
        history: Of the image; steps of the base have no vertex.
        layers: How many the build made.
    """
    if not layers:
        return history
    steps = tuple(
        msgspec.structs.replace(step, entry=msgspec.structs.replace(step.entry, empty_layer=True))
        if step.vertex is not None
        else step
        for step in history
    )
    last = next((step.vertex for step in reversed(history) if step.vertex is not None), None)
    merged = History(comment=f"merge of {layers} layer{'s' if layers > 1 else ''}")
    return (*steps, HistoryStep(merged, last))


def _apply(layer: Path, upper: Path, ownership: Ownership) -> bool:
    """Put a layer on top of others; tell whether it may hide something below all of them."""
    above = os.fspath(upper)
    hidden = [is_opaque(os.fspath(layer))]
    if hidden[0]:
        for name in os.listdir(above):
            remove_tree(f"{above}/{name}")
        make_opaque(above)

    def make_directory(source: str, target: str) -> None:
        hidden.append(_directory(source, target))

    def hide(target: str) -> None:
        make_whiteout(target)
        hidden.append(True)

    apply_layer(layer, upper, ownership, make_directory=make_directory, hide=hide)
    return any(hidden)


def _directory(source: str, target: str) -> bool:
    """Make a directory; tell whether it may hide one below.

    What takes the place of a file or of a whiteout hides what that hid.
    """
    try:
        mode = os.lstat(target).st_mode
    except FileNotFoundError:
        mode = None
    opaque = is_opaque(source)
    if mode is not None and stat.S_ISDIR(mode) and not opaque:
        os.chmod(target, 0o700)
        return False
    if mode is not None:
        opaque = opaque or not stat.S_ISDIR(mode) or is_opaque(target)
        remove_tree(target)
    os.mkdir(target, 0o700)
    if opaque:
        make_opaque(target)
    return opaque
