"""Layers as trees without unpacking them: for a COPY, which reads few files of an image.

In:  a stack of layers, and which paths will probably be read.
Out: ``OutlinedTree``: a layer is fetched when its outline or its bytes are asked for, and not
     before; of its files only those that are read are written.

A layer that is fetched is read through to its end, since its digests say nothing before that; its
blob is kept, as any that is fetched. Its outline is kept as an answer (``cache.record``), so a
later build onto the same base fetches nothing, whatever became of the blob. Only where the
manifest names a table of contents (``image.toc``), ranges of the blob are read instead.

Security: an outline counts only when blob and tar had their digests, as files of a layer do. What
a table says is not proven to be in that tar: ``OutlinedTree.by_table`` tells who must not
remember it under the names of layers.
Concurrency: safe for threads; a layer is read by one at a time.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import msgspec

from jettison.cache.record import AnswerMemo
from jettison.events import Progress, no_progress
from jettison.fs.digest import file_sha256
from jettison.fs.os_errors import storage_errors
from jettison.image.files import LayerUnpacker
from jettison.image.named_tables import named_tables
from jettison.image.parallel import Stop, run_parallel
from jettison.image.remote import RemoteBlobs
from jettison.image.table_layer import TableLayer, Tables
from jettison.layer.unpack import MissingTargetError, Wanted
from jettison.oci.digest import Digest, sha256_digest
from jettison.plan.op import ImageOp
from jettison.snapshot.base import ActiveSnapshot, LayerStore
from jettison.snapshot.directory_outline import DirectoryOutline
from jettison.snapshot.outline import Outline, decode_outline, encode_outline, read_outline
from jettison.snapshot.outlined import OutlinedTree
from jettison.store.layer import LayerId, Stack, is_image_layer
from jettison.store.store import Store

_PARALLEL = 4
_QUESTION = b"jettison-outline-1\0"


class LayerBrowser:
    """Makes trees of layers that need not be here as files.

    Args:
        store: Keeps blobs and outlines.
        layer_store: Has those that are here.
        unpacker: Fetches and unpacks.
        remote: Has ranges of blobs.
    """

    def __init__(
        self,
        store: Store,
        layer_store: LayerStore,
        unpacker: LayerUnpacker,
        remote: RemoteBlobs,
    ) -> None:
        self._store = store
        self._layer_store = layer_store
        self._unpacker = unpacker
        self._tables = Tables(store, layer_store, remote)
        self._layers: dict[tuple[LayerId, Digest | None], BrowsedLayer] = {}
        self._guard = threading.Lock()

    def tree(
        self,
        layers: Stack,
        clocks: Sequence[int],
        report: Progress,
        *,
        wanted: Sequence[str] | None,
        base: ImageOp | None = None,
        tables: Mapping[int, Digest] | None = None,
    ) -> OutlinedTree:
        """Return the files of a root file system.

        Args:
            layers: Base first.
            base: The image that the first of them are all layers of.
            clocks: See ``OutlinedTree``.
            report: Called with bytes that are fetched, under digests of blobs.
            wanted: Paths whose files will probably be read, with all below them. None asks what
                is where only, but of all layers: they are fetched at the same time.
            tables: Digests of tables of contents by number of the layer, of whoever has the
                manifest; without them they are looked up for ``base``.
        """
        tables = tables or {}
        if base is not None:
            tables = named_tables(self._store, base, layers[: len(base.diff_ids)])
        with self._guard:
            browsed = [
                self._browsed(layers[: number + 1], tables.get(number))
                for number in range(len(layers))
            ]
        for each in browsed:
            each.expect(report, wanted or (), together=browsed if wanted is None else (each,))
        return OutlinedTree(browsed, clocks)

    def _browsed(self, stack: Stack, table: Digest | None) -> BrowsedLayer:
        key = stack[-1], table
        if key not in self._layers:
            self._layers[key] = BrowsedLayer(
                self._store, self._layer_store, self._unpacker, self._tables, stack, table
            )
        return self._layers[key]


class BrowsedLayer:
    """One layer; see ``snapshot.outlined.OutlinedLayer``.

    Args:
        store: Keeps its outline.
        layer_store: May have it as files.
        unpacker: Fetches it.
        tables: Opens its table of contents.
        stack: It, on what it lies on.
        table: Digest of its table of contents, if its image says so.
    """

    def __init__(
        self,
        store: Store,
        layer_store: LayerStore,
        unpacker: LayerUnpacker,
        tables: Tables,
        stack: Stack,
        table: Digest | None,
    ) -> None:
        self._named = table
        self._answers = AnswerMemo(store.database)
        self._store = store
        self._layer_store = layer_store
        self._unpacker = unpacker
        self._tables = tables
        self._stack = stack
        self._layer = stack[-1]
        self._lock = threading.RLock()
        self._outline: Outline | DirectoryOutline | None = None
        self._directory: Path | None = None
        self._table: TableLayer | None = None
        self._filled: set[str] = set()
        self._digests: dict[str, bytes] = {}
        self._report: Progress = no_progress
        self._expected: tuple[str, ...] = ()
        self._together: Sequence[BrowsedLayer] = ()

    def expect(
        self, report: Progress, wanted: Sequence[str], *, together: Sequence[BrowsedLayer]
    ) -> None:
        """Take note of what will probably be read, and which layers are needed with this one."""
        with self._lock:
            self._report = report
            self._expected = tuple(dict.fromkeys((*self._expected, *wanted)))
            self._together = together

    @property
    def by_table(self) -> bool:
        """Whether what is known of it is what a table of contents says."""
        return self._table is not None

    @property
    def outline(self) -> Outline | DirectoryOutline:
        """All but the bytes of its files; the latter if these are here, too.

        Raises:
            ContentError, SourceError, StorageError: the layer cannot be had.
        """
        if self._outline is None:
            missing = [each for each in self._together if each._outline is None]
            run_parallel([each._find_outline for each in missing], limit=_PARALLEL)
        if self._outline is None:
            raise AssertionError(f"no outline of {self._layer}")
        return self._outline

    def prepare(self, paths: Iterable[str], *, digests_only: bool = False) -> None:
        """Have the bytes of files here, or at least their digests.

        Raises:
            ContentError, SourceError, StorageError: the layer cannot be had.
        """
        outline = self.outline  # other threads may find it: not with the lock
        if isinstance(outline, DirectoryOutline):
            return
        with self._lock:
            files = [path for path in paths if path not in self._filled]
            if self._table is not None and digests_only:
                files = [path for path in files if not self._table.digest(path)]
            if not (files or self._directory is None):
                return
            if self._table is not None:
                with storage_errors("the store"):
                    self._table.fill(files)
                self._filled.update(files)
                return
            names = {name for path in files for name in outline.names_of(path)}
            wanted = self._filled | names
            unpacked = self._unpack(wanted.__contains__, Stop())
            if unpacked is None:
                raise AssertionError(f"{self._layer} had an outline")
            self._directory = unpacked[0].upper
            self._filled = wanted

    def place(self, path: str) -> str:
        """Return where a file is on the host, after ``prepare``."""
        if self._directory is None:
            self.prepare(())
        return f"{self._directory}{path}"

    def digest(self, path: str) -> bytes:
        """Return the sha256 of a regular file (raw), after ``prepare``."""
        found = self._digests.get(path)
        if found is None and self._table is not None and path not in self._filled:
            found = self._table.digest(path)
        if not found:
            found = self._digests[path] = file_sha256(self.place(path))
        return found

    def _find_outline(self, stop: Stop) -> None:
        with self._lock:
            if self._outline is not None:
                return
            if self._take_whole():
                return
            question = self._question()
            kept = self._answers.find(question)
            self._outline = decode_outline(kept) if kept is not None else None
            if self._outline is not None or self._take_table():
                return
            unpacked = self._unpack(self._is_expected, stop) if self._is_given else None
            if unpacked is None:
                self._fetch_whole(stop)
                return
            active, outline = unpacked
            self._answers.keep(question, encode_outline(outline))
            self._outline = outline
            self._filled = set(filter(self._is_expected, outline.paths))
            if self._filled:
                self._directory = active.upper
            else:
                self._layer_store.discard(active)

    @property
    def _is_given(self) -> bool:
        """Whether an image says what is in it; a layer of a build cache is proven as a whole."""
        return is_image_layer(self._layer)

    def _fetch_whole(self, stop: Stop) -> None:
        """Unpack the layer, and those below it only if that takes them."""
        if self._is_given or not self._unpacker.unpack_alone(self._layer, self._report, stop):
            self._unpacker.materialise(self._stack, self._report)
        self._take_whole()

    def _take_whole(self) -> bool:
        """Use a layer that is here as files; False if it is not."""
        if self._layer_store.info(self._layer) is None:
            return False
        self._directory = self._layer_store.directory(self._layer)
        self._outline = DirectoryOutline(self._directory, self._layer_store.ownership)
        return True

    def _take_table(self) -> bool:
        """Read the outline of a layer in its table of contents; False if there is none of use."""
        if self._named is None:
            return False
        self._table = self._tables.open(self._layer, self._named, self._report)
        if self._table is None:
            return False
        self._directory, self._outline = self._table.directory, self._table.outline
        return True

    def _unpack(
        self, wanted: Callable[[str], bool], stop: Stop
    ) -> tuple[ActiveSnapshot, Outline] | None:
        """Unpack the layer, but of its files only the bytes of those that are wanted.

        Where it was unpacked before is left to the end of the process: files of it may be in use.
        None says that this takes the layers below.
        """
        with self._store.lock(f"layer-{self._layer}").held(remove=True):
            job = partial(self._unpack_once, wanted, stop)
            return self._unpacker.or_try_again(self._layer, job, self._report, stop)

    def _unpack_once(
        self, wanted: Callable[[str], bool], stop: Stop
    ) -> tuple[ActiveSnapshot, Outline] | None:
        ownership = self._layer_store.ownership
        active = self._layer_store.prepare()
        try:
            result = self._unpacker.unpack_into(
                self._layer, active.upper, self._report, stop, wanted=_absolute(wanted)
            )
            with storage_errors(active.upper):
                return active, read_outline(active.upper, ownership, result.implied)
        except MissingTargetError:
            self._layer_store.discard(active)
            return None
        except BaseException:
            self._layer_store.discard(active)
            raise

    def _is_expected(self, path: str) -> bool:
        return any(path == each or path.startswith(f"{each}/") for each in self._expected)

    def _question(self) -> Digest:
        recorded = self._layer_store.ownership.is_recorded
        return sha256_digest(_QUESTION + msgspec.msgpack.encode((self._layer, recorded)))


def _absolute(wanted: Callable[[str], bool]) -> Wanted:
    return lambda path: wanted("/" + os.fsdecode(path))
