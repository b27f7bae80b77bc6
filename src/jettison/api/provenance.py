"""``provenance``: where the paths of an image came from.

In:  an image, paths and patterns as users write them.
Out: a ``Chain`` for each path, with what it is.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from jettison.api.session import Session
from jettison.errors import UsageError
from jettison.fs.glob import PatternError, clean_path, has_wildcard
from jettison.fs.listing import Listing
from jettison.fs.pattern import PatternMatcher
from jettison.fs.resolve import resolve
from jettison.fs.tree import FileStat
from jettison.fs.visible import Seen, Visible
from jettison.oci.codec import decode
from jettison.oci.config import ImageConfig
from jettison.provenance.chain import Chain, Provenance
from jettison.provenance.origin import decode_origins
from jettison.provenance.reads import decode_reads, is_reads
from jettison.provenance.record import (
    BuildRecord,
    StageRecord,
    StageStep,
    StepKind,
    StepRecord,
    decode_record,
)
from jettison.store.image import StoredImage
from jettison.store.layer import LayerId

_NEAR = 3


class PathOrigin(msgspec.Struct, frozen=True):
    """A path of an image and its chain.

    ``mode`` is as in stat(2), ``size_bytes`` of regular files; all names of one file have one
    ``inode``.
    """

    path: str
    mode: int
    size_bytes: int
    chain: Chain
    inode: Seen

    @property
    def is_dir(self) -> bool:
        """Whether it is a directory."""
        return stat.S_ISDIR(self.mode)


def open_provenance(session: Session, image: StoredImage, *, read: bool = True) -> Provenance:
    """Return what answers where paths of an image came from.

    An image that was not built here is one stage, whose instructions are those of its history.

    Args:
        session: The store.
        image: It.
        read: Whether files of layers without a listing are read, and those of the image unpacked
            if they are not here: else nothing is known of these.

    Raises:
        NamespaceRequired: files must be read, and the process may not do that as it is.
    """
    kept = session.builds.find(image.id)
    record, origins, reads = None, {}, {}
    if kept is not None:
        try:
            record = decode_record(kept.record)
            for name, data in kept.origins.items():
                if is_reads(name):
                    reads[name] = decode_reads(data)
                else:
                    origins[name] = decode_origins(data)
        except ValueError:
            record = None  # a newer version's, or damaged
    if record is None:
        record = _record_of_history(image)
    return Provenance(record, origins, _listings(session, image, record, read=read), reads)


def _listings(
    session: Session, image: StoredImage, record: BuildRecord, *, read: bool
) -> Callable[[LayerId], Listing | None]:
    """Return what finds the entries of a layer.

    A layer whose times were rewritten for the image stands in for the one that it was made from.
    """
    stack = [each.layer for each in record.stack(record.target)]
    shipped = [each.layer for each in image.layers]
    same = dict(zip(stack, shipped, strict=True)) if len(stack) == len(shipped) else {}
    layer_store = session.layer_store

    def find(layer: LayerId) -> Listing | None:
        for each in dict.fromkeys((layer, same.get(layer, layer))):
            if layer_store.has_listing(each):
                return layer_store.listing(each)
        if not read:
            return None
        session.require_namespace()
        found = layer_store.listing(layer)
        if found is None and layer in same:
            session.blobs.materialise(tuple(shipped[: stack.index(layer) + 1]))
            found = layer_store.listing(same[layer])
        return found

    return find


def path_origins(
    provenance: Provenance, paths: Sequence[str], name: str = ""
) -> Iterator[PathOrigin]:
    """Yield the paths that are meant and what is below them, in the order of names.

    Args:
        provenance: Of the image.
        paths: Absolute or relative to the root, with wildcards; the whole image if there are none.
        name: Of the image, for messages.

    Raises:
        UsageError: the image has no such path.
    """
    shown = provenance.image.visible
    chosen: set[str] = set()
    for text in paths or ("/",):
        chosen.update(_matching(shown, text, name))
    for path in sorted(chosen, key=lambda each: each.split("/")):
        seen = shown.entries[path]
        chain, inode = provenance.chain(path), shown.inode(seen)
        yield PathOrigin(path, shown.mode(seen), shown.size(seen), chain, inode)


def _matching(shown: Visible, text: str, name: str) -> Iterable[str]:
    """Return the paths of an image that a user means."""
    entries = shown.entries
    path = clean_path("/" + text)
    if path == "/":
        return entries
    if path not in entries and has_wildcard(path):
        try:
            # One that names a directory means all that is in it, as in an ignore file.
            matcher = PatternMatcher((path[1:],))
        except PatternError as error:
            raise UsageError(f"`{text}` is no pattern: {error}") from error
        found = [each for each in entries if matcher.matches(each[1:])]
        if found:
            return found
    parent, _, last = path.rpartition("/")
    place = resolve(_Links(shown), parent).rstrip("/") + "/" + last
    if place not in entries:
        raise _no_path(entries, text, place, name)
    below = place + "/"
    return [place, *(each for each in entries if each.startswith(below))]


def _no_path(entries: dict[str, Seen], text: str, path: str, name: str) -> UsageError:
    """Return the error that names what is near."""
    from jettison.spelling import near_misses

    parent, _, last = path.rpartition("/")
    near = [each for each in entries if each.rpartition("/")[2] == last]
    if not near:
        while parent and parent not in entries:
            parent, _, last = parent.rpartition("/")
        beside = {each.rpartition("/")[2]: each for each in _names_in(entries, parent)}
        near = [beside[each] for each in near_misses(last, beside)[:1]]
    hint = f"did you mean `{min(near, key=len)}`?" if near else None
    if hint is None:
        hint = f"`jettison provenance {name}` lists what it has"
    return UsageError(f"the image{f' `{name}`' if name else ''} has no `{text}`", hint=hint)


def _names_in(entries: dict[str, Seen], parent: str) -> Iterator[str]:
    return (each for each in entries if each.rpartition("/")[0] == parent)


class _Links:
    """The links of an image, for ``resolve``."""

    def __init__(self, shown: Visible) -> None:
        self._shown = shown

    def lstat(self, path: str) -> FileStat | None:
        seen = self._shown.entries.get(path)
        return None if seen is None else FileStat(self._shown.mode(seen))

    def readlink(self, path: str) -> str:
        seen = self._shown.entries[path]
        return self._shown.layers[seen.layer].targets[seen.entry]


def _record_of_history(image: StoredImage) -> BuildRecord:
    """Return what can be said of an image that was not built here: its history."""
    config = decode(ImageConfig, image.config)
    made = [entry.created_by for entry in config.history if not entry.empty_layer]
    made += [""] * (len(image.layers) - len(made))
    steps = tuple(
        StepRecord(each.diff_id, StepKind.IMAGE, text, layers=(each.layer,), detail=image.source)
        for each, text in zip(image.layers, made, strict=False)
    )
    own = tuple(StageStep(number, name=step.name) for number, step in enumerate(steps))
    return BuildRecord(steps, (StageRecord(0, needed=True, steps=own),), 0)
