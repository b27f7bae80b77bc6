"""Trees of git repositories: ADD of a repository, and contexts that are repositories.

In:  remote, ref, subdirectory, options.
Out: a directory with the checked-out files, and the commit that it is.

The git program does the work. What was fetched is kept in the store (``source.git_repository``).

Security: repositories are hostile. Git runs closed (``source.git_program``); file modes are
normalised to 0644 and 0755; a subdirectory is never reached through a link; a ``.git`` that is
kept holds neither credentials nor paths of this host.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec

from jettison.errors import ContextError, DigestMismatchError, SourceError
from jettison.events import Progress
from jettison.fs.remove import remove_tree
from jettison.fs.resolve import resolve
from jettison.fs.walk import walk
from jettison.oci.redact import redacted
from jettison.plan.op import GitOp
from jettison.source.access import Access
from jettison.source.git_access import GitRemote, git_remote, moved
from jettison.source.git_program import Git
from jettison.source.git_repository import COMMIT, fetch, has_commit, prepare, repository
from jettison.source.local import LocalTree
from jettison.store.store import Store

_DIRECTORY_MODE = 0o755
_FILE_MODE = 0o644
_MAX_NAMES_BYTES = 64 << 20
_REDIRECTED = "returned error: 30"
_DAMAGED = r"corrupt|unable to|missing|bad object|inflate|not a git repository|packfile"
_LATEST = 1 << 33
_TRANSIENT = ("FETCH_HEAD", "ORIG_HEAD", "logs", "hooks", "branches")


class Checkout(msgspec.Struct, frozen=True):
    """A checked-out tree: its directory, the commit's ID and its time in seconds (0: unknown)."""

    directory: Path
    commit: str
    time: int = 0


class GitSource:
    """Fetches and checks out; thread-safe.

    Args:
        store: Keeps what was fetched.
        access: How remotes are reached.
        allow_files: Whether remotes may be paths of this host (tests).
        log: Called with each command of git, without credentials.
    """

    def __init__(
        self,
        store: Store,
        access: Access,
        *,
        allow_files: bool = False,
        log: Callable[[str], None] | None = None,
    ) -> None:
        self._store = store
        self._environ = access.environ
        self._secrets = access.secrets
        self._offline = access.offline
        self._allow_files = allow_files
        self._log = log

    def checkout(self, op: GitOp, into: Path, report: Progress | None = None) -> Checkout:
        """Check out what an op names.

        Args:
            op: Remote, ref, subdirectory, checksum.
            into: An empty directory; the result is in it.
            report: Called with what is being done.

        Raises:
            ContextError: the remote, the ref or the subdirectory is not there.
            DigestMismatchError: the commit is not the one that ``checksum`` names.
            HostError: there is no git program.
        """
        remote = git_remote(op.remote, self._secrets, allow_files=self._allow_files)
        with repository(self._store, remote.text) as (path, lock):
            new = prepare(path, self._git(remote, lock), self._store)
            try:
                return self._get(path, lock, remote, op, into, report)
            except SourceError as error:
                if new or re.search(_DAMAGED, error.message) is None:
                    raise
            # What was kept rots: once more, from the remote.
            self._store.trash(path)
            prepare(path, self._git(remote, lock), self._store)
            remove_tree(into)
            into.mkdir()
            return self._get(path, lock, remote, op, into, report)

    def time(self, op: GitOp) -> int:
        """Return when a commit was made, in seconds since the epoch.

        Raises:
            As ``checkout``.
        """
        directory = self._store.tmp()
        try:
            return self.checkout(op, directory).time
        finally:
            self._store.trash(directory)

    def _git(self, remote: GitRemote, lock: int) -> Callable[[Path], Git]:
        return partial(
            Git,
            remote=remote,
            environ=self._environ,
            allow_files=self._allow_files,
            log=self._log,
            lock=lock,
        )

    def _get(
        self,
        path: Path,
        lock: int,
        remote: GitRemote,
        op: GitOp,
        into: Path,
        report: Progress | None,
    ) -> Checkout:
        git = self._git(remote, lock)
        try:
            commit = self._fetch(git(path), op, remote, report)
        except ContextError as error:
            if not remote.headers or _REDIRECTED not in error.message:
                raise
            remote = moved(remote, self._environ)
            git = self._git(remote, lock)
            commit = self._fetch(git(path), op, remote, report)
        if report is not None:
            report(f"check out {commit[:12]}", 0, 0)
        return _check_out(git, path, commit, op, remote, into)

    def _fetch(self, git: Git, op: GitOp, remote: GitRemote, report: Progress | None) -> str:
        shown = redacted(op.remote)
        if self._offline:
            if COMMIT.fullmatch(op.ref) and has_commit(git, op.ref):
                return op.ref
            raise ContextError(f"`{shown}` cannot be fetched with `--offline`")
        if report is not None:
            report(f"fetch {shown}", 0, 0)
        commit = fetch(git, op, remote.text, shown)
        if op.checksum and not commit.startswith(op.checksum):
            raise DigestMismatchError(
                f"expected checksum to match {op.checksum}, got {commit}",
                hint="check the ref; correct `--checksum` if the commit is right",
            )
        return commit


def _check_out(
    git: Callable[[Path], Git], kept: Path, commit: str, op: GitOp, remote: GitRemote, into: Path
) -> Checkout:
    tree = into / "tree"
    tree.mkdir()
    # A tree that holds itself many times is small to fetch and endless to check out.
    git(kept).run("ls-tree", "-r", "-z", "--name-only", commit, local=True, limit=_MAX_NAMES_BYTES)
    seconds = git(kept).run("show", "--no-patch", "--format=%ct", commit, local=True).strip()
    if op.keep_git_dir or _has_submodules(git(kept), commit, op):
        _clone(git(tree), kept, commit, op, remote)
    else:
        where = (f"--git-dir={kept}", f"--work-tree={tree}")
        git(tree).run(
            *where, "read-tree", "--reset", "-u", commit, local=True, index=into / "index"
        )
    if op.keep_git_dir:
        _clean(tree / ".git")
    else:
        _remove_git_directories(tree)
    _normalise_modes(tree)
    time = min(int(seconds), _LATEST) if seconds.isascii() and seconds.isdigit() else 0
    if op.commit_times:
        _set_times(tree, time)
    return Checkout(_subdirectory(tree, op), commit, time)


def _has_submodules(git: Git, commit: str, op: GitOp) -> bool:
    return op.submodules and bool(
        git.run("ls-tree", "--name-only", commit, ".gitmodules", local=True)
    )


def _clone(git: Git, kept: Path, commit: str, op: GitOp, remote: GitRemote) -> None:
    """Make a repository of its own: submodules are relative to its remote, or it is kept."""
    git.run("init", "--quiet", local=True)
    git.run("fetch", "--quiet", "--depth=1", "--no-tags", "--", str(kept), commit, local=True)
    git.run("remote", "add", "origin", "--", remote.text, local=True)
    git.run("checkout", "--quiet", "--force", "--detach", commit, local=True)
    if op.submodules and os.path.lexists(git.directory / ".gitmodules"):
        git.run("submodule", "update", "--quiet", "--init", "--recursive", "--depth=1")


def _clean(directory: Path) -> None:
    """Remove what tells of this host from a repository, and what each checkout writes anew."""
    for name in _TRANSIENT:
        path = directory / name
        if path.is_dir():
            remove_tree(path)
        else:
            path.unlink(missing_ok=True)
    for top, _, names in os.walk(directory / "modules"):
        for name in {"FETCH_HEAD", "ORIG_HEAD"}.intersection(names):
            os.unlink(f"{top}/{name}")


def _subdirectory(tree: Path, op: GitOp) -> Path:
    if not op.subdir or op.subdir in {".", "/"}:
        return tree
    context = LocalTree(tree)
    path = resolve(context, "/" + op.subdir)
    st = context.lstat(path)
    if st is None or not st.is_dir:
        raise ContextError(
            f"repository `{redacted(op.remote)}` has no directory `{op.subdir}`",
            hint="check what is behind the colon of the URL",
        )
    return Path(context.host_path(path)) if path != "/" else tree


def _remove_git_directories(tree: Path) -> None:
    found = [path for path, _ in walk(tree) if path.rpartition("/")[2] == ".git"]
    for path in found:
        if os.path.islink(tree / path) or not os.path.isdir(tree / path):
            os.unlink(tree / path)
        else:
            remove_tree(tree / path)


def _set_times(tree: Path, seconds: int) -> None:
    for path in ("", *(os.fspath(path) for path, _ in walk(tree))):
        os.utime(tree / path, (seconds, seconds), follow_symlinks=False)


def _normalise_modes(tree: Path) -> None:
    """Give files the modes that git knows, whatever the umask is."""
    os.chmod(tree, _DIRECTORY_MODE)
    for path, st in walk(tree):
        if stat.S_ISREG(st.st_mode):
            os.chmod(tree / path, _DIRECTORY_MODE if st.st_mode & 0o100 else _FILE_MODE)
        elif stat.S_ISDIR(st.st_mode):
            os.chmod(tree / path, _DIRECTORY_MODE)
