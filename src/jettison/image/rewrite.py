"""Layers with other times: those that a build made, for an image that is the same on every machine.

In:  layers that are here as files, seconds since the epoch.
Out: layers whose tars have no later time, as blobs.

Steps run on the layers as they are, whose times agree with each other; only what leaves as an image
is rewritten. A rewritten layer is one of an image: it has a diff ID and a blob, and is unpacked
when its files are wanted.

On disk: which layer became which is kept as an answer (``cache.record``).
"""

from __future__ import annotations

import msgspec

from jettison.cache.record import AnswerMemo
from jettison.image.layers import LayerBlobs
from jettison.image.manifest import Compression
from jettison.oci.digest import sha256_digest
from jettison.store.layer import LayerId, Stack, is_image_layer

_VERSION = b"jettison-rewritten-1\0"


def rewrite_times(
    layers: Stack,
    base: int,
    epoch: int,
    blobs: LayerBlobs,
    answers: AnswerMemo,
    wanted: Compression,
) -> Stack:
    """Return a stack whose layers have no time later than one.

    Args:
        layers: Base first.
        base: How many of them are those of the base image, and stay.
        epoch: Seconds since the epoch.
        blobs: Makes blobs.
        answers: Remember what was made.
        wanted: How new blobs are compressed.

    Raises:
        StorageError: a layer is not here, or there is no space.
    """
    own = [_rewritten(each, epoch, blobs, answers, wanted) for each in layers[base:]]
    return (*layers[:base], *own)


def _rewritten(
    layer: LayerId, epoch: int, blobs: LayerBlobs, answers: AnswerMemo, wanted: Compression
) -> LayerId:
    if is_image_layer(layer):
        return layer
    encoded = msgspec.msgpack.encode((layer, epoch))
    question = sha256_digest(_VERSION + encoded)
    known = answers.find(question)
    if known is not None and blobs.available(LayerId(known.decode())):
        return LayerId(known.decode())
    made = blobs.rewritten(layer, epoch, wanted.name, wanted.level)
    answers.keep(question, made.encode())
    return made
