"""Manifest lists of the store, read: what they name, and what of that is here.

In:  a store, names.
Out: lists with their index; digests of blobs.
"""

from __future__ import annotations

from collections.abc import Iterator

from jettison.errors import ImageNotFoundError, JettisonError
from jettison.image.document import decode_document
from jettison.oci.codec import MAX_DOCUMENT_BYTES, decode
from jettison.oci.digest import Digest
from jettison.oci.manifest import Descriptor, Index
from jettison.oci.reference import parse_reference
from jettison.store.lists import StoredList
from jettison.store.store import Store

_MAX_NESTING = 8


def find_list(store: Store, text: str) -> tuple[str, StoredList, Index]:
    """Return the normalised name of a list, the list and its index.

    Raises:
        ImageNotFoundError: there is no such list.
        InvalidReferenceError: the text is no name.
    """
    name = str(parse_reference(text))
    found = store.lists.get(name)
    if found is None:
        raise ImageNotFoundError(
            f"no manifest list `{text}` in the local store",
            hint=f"make it with `jettison manifest create {text} IMAGE…`",
        )
    return name, found, decode(Index, found.data)


def listed_blobs(store: Store) -> set[Digest]:
    """Return the digests of all that lists name, and their manifests that are here, and so on."""
    needed: set[Digest] = set()
    for made in store.lists.all().values():
        waiting = list(decode(Index, made.data).manifests)
        for _ in range(_MAX_NESTING):
            new = {each.digest: each for each in waiting if each.digest not in needed}
            needed |= set(new)
            waiting = [named for each in new.values() for named in _named_by(store, each)]
    return needed


def _named_by(store: Store, descriptor: Descriptor) -> Iterator[Descriptor]:
    """Yield what a manifest of the store names; nothing of one that is not here, or damaged."""
    if descriptor.size > MAX_DOCUMENT_BYTES or not store.blobs.has(descriptor.digest):
        return
    try:
        data = store.blobs.read(descriptor.digest, limit=MAX_DOCUMENT_BYTES)
        document = decode_document(data, descriptor.media_type)
    except JettisonError:
        return  # a blob that is no manifest names nothing
    if isinstance(document, Index):
        yield from document.manifests
    else:
        yield from (document.config, *document.layers)
