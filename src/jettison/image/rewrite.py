"""Layers in another form: with other times, as one, with a table of contents.

In:  layers that are here as files, a ``LayerForm``.
Out: layers whose tars are others than those of the files, as blobs.

Steps run on the layers as they are, whose times agree with each other; only what leaves as an image
is rewritten. A rewritten layer is one of an image: it has a diff ID and a blob, and is unpacked
when its files are wanted.

On disk: which layer became which is kept as an answer (``cache.record``).
"""

from __future__ import annotations

import msgspec

from jettison.cache.record import AnswerMemo
from jettison.image.form import LayerForm
from jettison.image.layers import LayerBlobs
from jettison.image.manifest import Compression
from jettison.oci.digest import sha256_digest
from jettison.store.layer import LayerId, Stack, is_image_layer

_VERSION = b"jettison-rewritten-2\0"


def rewrite_layers(
    layers: Stack,
    base: int,
    form: LayerForm,
    blobs: LayerBlobs,
    answers: AnswerMemo,
    wanted: Compression,
) -> Stack:
    """Return a stack whose layers have a form.

    Args:
        layers: Base first.
        base: How many of them are those of the base image, and stay unless the form is for them.
        form: It.
        blobs: Makes blobs.
        answers: Remember what was made.
        wanted: How new blobs are compressed, if the form does not say.

    Raises:
        StorageError: a layer is not here, or there is no space.
    """
    given, own = layers[:base], layers[base:]
    if form.squash and own:
        own = (_kept(own, given, blobs, answers),)
    if form.epoch is not None or form.estargz:
        own = tuple(_rewritten(each, form, blobs, answers, wanted) for each in own)
    if form.given:
        of_base = LayerForm(estargz=form.estargz, level=form.level)
        given = tuple(_rewritten(each, of_base, blobs, answers, wanted) for each in given)
    return (*given, *own)


def _rewritten(
    layer: LayerId, form: LayerForm, blobs: LayerBlobs, answers: AnswerMemo, wanted: Compression
) -> LayerId:
    if is_image_layer(layer) and not form.estargz:
        return layer
    form = msgspec.structs.replace(form, squash=False, given=False)
    question = sha256_digest(_VERSION + msgspec.msgpack.encode((layer, form)))
    known = answers.find(question)
    if known is not None and blobs.available(LayerId(known.decode())):
        return LayerId(known.decode())
    made = blobs.rewritten(layer, form, wanted.name, wanted.level)
    answers.keep(question, made.encode())
    return made


def _kept(own: Stack, given: Stack, blobs: LayerBlobs, answers: AnswerMemo) -> LayerId:
    """Return the layer that others are together, which is made once."""
    question = sha256_digest(_VERSION + msgspec.msgpack.encode(("squashed", own, given)))
    known = answers.find(question)
    if known is not None and blobs.available(LayerId(known.decode())):
        return LayerId(known.decode())
    made = blobs.squashed(own, given)
    answers.keep(question, made.encode())
    return made
