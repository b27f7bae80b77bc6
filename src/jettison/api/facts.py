"""Facts of root file systems, found once: what is installed, what an intruder would find.

In:  stages of a build with their provenance.
Out: ``RootFacts``, kept in the store by the layers that they are about.
"""

from __future__ import annotations

from jettison.analysis.packages.catalog import find_packages
from jettison.analysis.surface import surface
from jettison.api.roots import Roots
from jettison.api.session import Session
from jettison.oci.digest import Digest, sha256_digest
from jettison.report.assembly.surface import RootFacts
from jettison.report.contents import Directory
from jettison.store.layer import Stack

_VERSION = b"root-facts-2\0"
_DIRECTORIES = 100


def root_facts(session: Session, roots: Roots, stage: int) -> RootFacts | None:
    """Return the facts of a stage's root file system.

    Args:
        session: The store.
        roots: Of the build.
        stage: Index of the stage.

    Returns:
        None if nothing is kept, and layers are not here and are not to be.

    Raises:
        NamespaceRequired, ContentError, SourceError, StorageError: as ``Roots.stage``.
    """
    import msgspec

    question = _question(roots.stack(stage))
    kept = session.cache.answers.find(question)
    if kept is not None:
        try:
            return msgspec.msgpack.decode(kept, type=RootFacts)
        except msgspec.DecodeError:
            pass  # an older version's
    root = roots.stage(stage)
    if root is None:
        return None
    facts = RootFacts(root.fact(surface), root.fact(find_packages))
    session.cache.answers.keep(question, msgspec.msgpack.encode(facts))
    return facts


def directories(roots: Roots) -> tuple[Directory, ...]:
    """Return the directories of the image that hold most; none if its files are not here."""
    root = roots.image()
    if root is None:
        return ()
    largest = sorted(root.files.totals.items(), key=lambda each: (-each[1][0], each[0]))
    return tuple(
        Directory(path or "/", *amount) for path, amount in largest[:_DIRECTORIES] if amount[0]
    )


def _question(stack: Stack) -> Digest:
    return sha256_digest(_VERSION + "\n".join(stack).encode())
