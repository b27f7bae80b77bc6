"""Assembling an image: a config from a template, layers and times.

In:  ``ImageTemplate``, a stack of layers, when each was made.
Out: ``StoredImage`` with the bytes of its config, whose digest is the image ID.

An image whose steps were all found in the cache gets the times of the first build, so its ID is
the same again. Layers of steps that changed nothing are kept: history and layers stay parallel.

Source: OCI image-spec 1.1, config.md; BuildKit's exporter (history and layers, times).
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping

import msgspec

from jettison.errors import UsageError
from jettison.events import Progress, no_progress
from jettison.image.layers import LayerBlobs
from jettison.oci.codec import encode
from jettison.oci.config import History, ImageConfig, RootFS
from jettison.oci.digest import Digest, sha256_digest
from jettison.plan.graph import HistoryStep, ImageTemplate
from jettison.store.image import StoredImage
from jettison.store.layer import Stack, StoredLayer

COMMENT = "jettison.image.v0"
"""Comment of history entries that stand for layers which nothing else tells of."""

_MAX_SECONDS = 253402300799
_NANO = 1_000_000_000


def assemble(
    template: ImageTemplate,
    layers: Stack,
    blobs: LayerBlobs,
    *,
    created_ns: int,
    step_created_ns: Mapping[Digest, int] | None = None,
    source_date_epoch: int | None = None,
    report: Progress = no_progress,
    cache: str = "",
) -> StoredImage:
    """Return the image of a template and layers; it is not in the store's index yet.

    Args:
        template: Config and history.
        layers: Base first; those of the base image included.
        blobs: Finds diff IDs.
        created_ns: Time of this build, nanoseconds since the epoch: for what nothing else dates.
        step_created_ns: By vertex, when its layer was made.
        source_date_epoch: Seconds since the epoch: the time of everything made by this build.
        report: Progress of layers that have to be copied or packed.
        cache: See ``ImageConfig``.

    Raises:
        UsageError: a time is out of range.
        StorageError: a layer is not here.
    """
    blobs.settle(layers, report)
    diff_ids = tuple(blobs.diff_ids(layers))
    times = dict(step_created_ns or {})
    if source_date_epoch is not None:
        created_ns = source_date_epoch * _NANO
        times = dict.fromkeys(times, created_ns)
        dated = _dated(template.history, times, created_ns, fixed=True)
    else:
        dated = _dated(template.history, times, created_ns, fixed=False)
    history = normalise_history(dated, len(layers), format_time(created_ns))
    platform = template.platform
    created = history[-1].created if history and history[-1].created else format_time(created_ns)
    if source_date_epoch is not None:
        created = format_time(created_ns)
    config = ImageConfig(
        architecture=platform.architecture,
        os=platform.os,
        variant=platform.variant,
        os_version=platform.os_version,
        os_features=platform.os_features,
        config=template.config,
        rootfs=RootFS(type="layers", diff_ids=diff_ids),
        history=history,
        created=created,
        author=template.author,
        cache=cache,
    )
    data = encode(config)
    stored = tuple(
        StoredLayer(layer=layer, diff_id=diff_id)
        for layer, diff_id in zip(layers, diff_ids, strict=True)
    )
    return StoredImage(
        id=sha256_digest(data), config=data, layers=stored, created_ns=time.time_ns()
    )


def format_time(time_ns: int) -> str:
    """Return a time as RFC 3339 text in UTC, with as many decimals as it has.

    Raises:
        UsageError: it is before 1970 or after 9999.

    >>> format_time(1_748_736_000_500_000_000)
    '2025-06-01T00:00:00.5Z'
    """
    seconds, nanoseconds = divmod(time_ns, _NANO)
    if not 0 <= seconds <= _MAX_SECONDS:
        raise UsageError(f"time {seconds} is not between the years 1970 and 9999")
    moment = dt.datetime.fromtimestamp(seconds, dt.UTC)
    decimals = f".{nanoseconds:09}".rstrip("0").rstrip(".")
    return f"{moment:%Y-%m-%dT%H:%M:%S}{decimals}Z"


def normalise_history(
    history: tuple[History, ...], layers: int, created: str
) -> tuple[History, ...]:
    """Make as many entries tell of a layer as there are layers.

    Entries too many lose their layer, the last ones first; for layers too many entries are
    added.
    """
    normal: list[History] = []
    counted = 0
    for entry in history:
        if not entry.empty_layer:
            counted += 1
            if counted > layers:
                entry = msgspec.structs.replace(entry, empty_layer=True)  # noqa: PLW2901
        normal.append(entry)
    missing = History(created=created, comment=COMMENT)
    return (*normal, *[missing] * (layers - counted))


def _dated(
    history: tuple[HistoryStep, ...], times: Mapping[Digest, int], created_ns: int, *, fixed: bool
) -> tuple[History, ...]:
    """Give every new entry a time: its layer's, or the one of the layer before it.

    Metadata before the first new layer gets that layer's time; where there is no new layer, the
    time of the last base entry, so that the image does not change from build to build.
    """
    made = [times[step.vertex] for step in history if step.vertex and step.vertex in times]
    base = [step.entry.created for step in history if step.vertex is None and step.entry.created]
    if made or not base or fixed:
        current = format_time(made[0] if made else created_ns)
    else:
        current = base[-1]
    entries: list[History] = []
    for step in history:
        entry = step.entry
        if step.vertex is not None and step.vertex in times:
            current = format_time(times[step.vertex])
        if step.vertex is not None or not entry.created:
            entry = msgspec.structs.replace(entry, created=current)
        entries.append(entry)
    return tuple(entries)
