"""What was fetched from a remote of git, kept: one bare repository for each remote.

In:  a remote, a ref or commit.
Out: the commit, whose objects are there.

A commit that is there is not fetched again; a branch or tag costs one look at the remote. Only
wanted commits are fetched, without their history.

On disk: ``git/<sha256 of the remote, shortened>``, with the locks of ``store.cache_mounts``;
whoever fetches or reads holds the repository's own lock.

Security: what the remote says of its refs is hostile text.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from jettison.concurrency import INTERRUPTS
from jettison.errors import ContextError, SourceError
from jettison.fs.lock import FileLock
from jettison.fs.os_errors import storage_errors
from jettison.plan.op import GitOp
from jettison.source.git_program import Git
from jettison.store.cache_mounts import use
from jettison.store.store import Store

COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_SHORT = re.compile(r"[0-9a-f]{7,39}")
_ALL = "+refs/heads/*:refs/remotes/origin/*"


@contextlib.contextmanager
def repository(store: Store, remote: str) -> Iterator[tuple[Path, int]]:
    """Hold the repository of a remote for the length of a block; it need not exist.

    Yields its path, and the descriptor of its lock: git gets it, lest another build goes on with
    a repository that the git of a killed one still writes to.

    Raises:
        ContextError: the user stopped waiting for another build that holds it.
        StorageError: it cannot be made.
    """
    name = hashlib.sha256(remote.encode(errors="surrogateescape")).hexdigest()[:32]
    path = store.git / name
    before = INTERRUPTS.count
    with storage_errors(store.git):
        store.git.mkdir(mode=0o700, exist_ok=True)
        kept = use(path)
        lock = FileLock(path.with_name(f"{name}.lock"))
    try:
        if not lock.acquire(stop=lambda: INTERRUPTS.count != before):
            raise ContextError("interrupted while another build fetched the same repository")
        try:
            yield path, lock.descriptor
        finally:
            lock.release()
    finally:
        kept.release()


def prepare(path: Path, git: Callable[[Path], Git], store: Store) -> bool:
    """Make a repository that is not there, and return whether it is new.

    In one that is there, what a killed fetch left is removed.
    """
    if path.exists():
        for directory, _, names in os.walk(path):
            for name in names:
                if name.endswith(".lock") or name.startswith("tmp_"):
                    os.unlink(f"{directory}/{name}")
        return False
    fresh = store.tmp()
    git(fresh).run("init", "--quiet", "--bare", local=True)
    git(fresh).run("config", "uploadpack.allowAnySHA1InWant", "true", local=True)
    with storage_errors(path):
        os.rename(fresh, path)
    return True


def has_commit(git: Git, commit: str) -> bool:
    """Tell whether a commit is there."""
    try:
        git.run("cat-file", "-e", f"{commit}^{{commit}}", local=True)
    except ContextError:
        return False
    return True


def fetch(git: Git, op: GitOp, remote: str, shown: str) -> str:
    """Make the wanted commit be there, and return its ID.

    Args:
        git: In the repository.
        op: Says which commit.
        remote: Without credentials.
        shown: The remote for messages.

    Raises:
        ContextError: there is no such ref or commit.
    """
    ref = op.ref or "HEAD"
    if ref.startswith("-") or any(char in ref for char in " \t\n:?*[\\^~\0"):
        raise ContextError(f"`{ref[:100]}` is no name of a branch, tag or commit")
    if COMMIT.fullmatch(ref):
        return ref if has_commit(git, ref) else _fetch_commit(git, ref, remote, shown)
    name, commit = _find(git.run("ls-remote", "--", remote, ref, f"refs/tags/{ref}^{{}}"), ref)
    if not name:
        if _SHORT.fullmatch(ref):
            return _among_all(git, ref, remote, shown)
        raise _no_ref(shown, ref)
    if has_commit(git, commit):
        return _peeled(git, commit)
    git.run("fetch", "--quiet", "--depth=1", "--no-tags", "--", remote, name)
    return _peeled(git, "FETCH_HEAD")


def _find(listing: str, ref: str) -> tuple[str, str]:
    """Return full name and object of a ref, for equal names the one that git would take."""
    found: dict[str, str] = {}
    for line in listing.split("\n"):
        commit, _, name = line.partition("\t")
        if COMMIT.fullmatch(commit):
            found[name] = commit
    for name in (ref, f"refs/{ref}", f"refs/tags/{ref}", f"refs/heads/{ref}"):
        if name in found:
            return name, found[name]
    return "", ""


def _peeled(git: Git, name: str) -> str:
    return git.run("rev-parse", "--verify", f"{name}^{{commit}}", local=True).strip()


def _fetch_commit(git: Git, commit: str, remote: str, shown: str) -> str:
    with contextlib.suppress(SourceError):
        git.run("fetch", "--quiet", "--depth=1", "--no-tags", "--", remote, commit)
        return _peeled(git, commit)
    # Not every server gives a commit by its ID: take all, it must be among it.
    return _among_all(git, commit, remote, shown)


def _among_all(git: Git, commit: str, remote: str, shown: str) -> str:
    """Fetch all there is and return the ID of a commit that is given by its beginning."""
    shallow = git.run("rev-parse", "--is-shallow-repository", local=True).strip() == "true"
    depth = ("--unshallow",) if shallow else ()
    git.run("fetch", "--quiet", "--tags", "--force", *depth, "--", remote, _ALL)
    try:
        return _peeled(git, commit)
    except SourceError as error:
        raise _no_ref(shown, commit) from error


def _no_ref(shown: str, ref: str) -> ContextError:
    return ContextError(
        f"repository `{shown}` does not contain ref `{ref}`",
        hint="check the name of the branch, tag or commit",
    )
