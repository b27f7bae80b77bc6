"""Facts of root file systems, found once: what is installed, what an intruder would find.

In:  stages of a build with their provenance.
Out: ``RootFacts``, kept in the store by the layers that they are about.
"""

from __future__ import annotations

from jettison.analysis.files import Files
from jettison.analysis.packages.catalog import find_packages
from jettison.analysis.surface import surface
from jettison.api.session import Session
from jettison.fs.tree import FileStat
from jettison.fs.visible import Visible
from jettison.oci.digest import Digest, sha256_digest
from jettison.provenance.chain import Provenance
from jettison.report.assembly.surface import RootFacts
from jettison.store.layer import Stack

_VERSION = b"root-facts-1\0"
_DIRECTORIES = 100


def root_facts(
    session: Session, provenance: Provenance, stage: int, stack: Stack, *, read: bool
) -> RootFacts | None:
    """Return the facts of a stage's root file system.

    Args:
        session: The store.
        provenance: Of the build.
        stage: Index of the stage.
        stack: Its layers.
        read: Whether layers that are not here as files are made so.

    Returns:
        None if nothing is kept, and layers are not here and are not to be.

    Raises:
        NamespaceRequired: files must be read, and the process may not do that as it is.
        ContentError, SourceError, StorageError: a layer cannot be had.
    """
    import msgspec

    question = _question(stack)
    kept = session.cache.answers.find(question)
    if kept is not None:
        try:
            return msgspec.msgpack.decode(kept, type=RootFacts)
        except msgspec.DecodeError:
            pass  # an older version's
    if not read and any(session.layer_store.info(layer) is None for layer in stack):
        return None
    session.require_namespace()
    tree = session.blobs.tree(stack)
    shown = provenance.files(stage).visible
    files = Files(tree, entries_of(shown))
    found = surface(files)
    largest = sorted(files.totals.items(), key=lambda each: (-each[1][0], each[0]))
    facts = RootFacts(
        found,
        find_packages(files, found.programs),
        tuple((path or "/", *amount) for path, amount in largest[:_DIRECTORIES] if amount[0]),
    )
    session.cache.answers.keep(question, msgspec.msgpack.encode(facts))
    return facts


def entries_of(shown: Visible) -> dict[str, FileStat]:
    """Return what is seen of layers as stat results; a directory comes before what is in it."""
    entries: dict[str, FileStat] = {}
    layers = shown.layers
    for path, seen in shown.entries.items():
        listing = layers[seen.layer]
        inode = shown.inode(seen)
        entries[path] = FileStat(
            listing.modes[seen.entry],
            listing.sizes[seen.entry],
            nlink=2 if listing.links else 1,
            device=inode.layer,
            inode=inode.entry,
            uid=listing.uids[seen.entry],
            gid=listing.gids[seen.entry],
        )
    return entries


def _question(stack: Stack) -> Digest:
    return sha256_digest(_VERSION + "\n".join(stack).encode())
