"""Trees of git repositories: ADD of a repository, and contexts that are repositories.

In:  remote, ref, subdirectory, options.
Out: a directory with the checked-out files, and the commit that it is.

The git program does the work. Only the commit that is wanted is fetched, without its history.

Security: repositories are hostile. Git runs without the user's and the system's configuration,
without hooks, filters, prompts and local protocols; file modes are normalised to 0644 and 0755; a
subdirectory is never reached through a link; credentials appear in no message.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import stat
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from jettison.concurrency import INTERRUPTS
from jettison.errors import ContextError, DigestMismatchError, HostError, SourceError
from jettison.events import Progress
from jettison.fs.remove import remove_tree
from jettison.fs.resolve import resolve
from jettison.fs.walk import walk
from jettison.oci.url import MAX_URL_LENGTH, UrlError, redacted, split_user
from jettison.plan.op import GitOp
from jettison.source.local import LocalContext

if TYPE_CHECKING:
    import subprocess

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_SCHEMES = frozenset({"http", "https", "ssh", "git"})
_SCP = re.compile(r"[A-Za-z0-9_.-]+@[A-Za-z0-9.\[\]:_-]+?:(?!//).+")
_UNSAFE = re.compile(r"[\x00-\x20\x7f]|(?:^|@|://)-")
_KEPT_VARIABLES = (
    "PATH",
    "HOME",
    "SSH_AUTH_SOCK",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "GIT_SSH_COMMAND",
    "TMPDIR",
)
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_CONFIG = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.symlinks=true",
    "core.protectHFS=true",
    "core.protectNTFS=true",
    "credential.helper=",
    "init.defaultBranch=main",
    "advice.detachedHead=false",
    "protocol.allow=never",
    "protocol.http.allow=always",
    "protocol.https.allow=always",
    "protocol.ssh.allow=always",
    "protocol.git.allow=always",
    "submodule.recurse=false",
    "gc.auto=0",
    "maintenance.auto=false",
)
_TIMEOUT_SECONDS = 3600
_DIRECTORY_MODE = 0o755
_FILE_MODE = 0o644


class Checkout(msgspec.Struct, frozen=True):
    """A checked-out tree: its directory, the commit's ID and its time in seconds (0: unknown)."""

    directory: Path
    commit: str
    time: int = 0


def checkout(
    op: GitOp,
    into: Path,
    environ: Mapping[str, str],
    *,
    allow_files: bool = False,
    report: Progress | None = None,
) -> Checkout:
    """Check out what an op names.

    Args:
        op: Remote, ref, subdirectory, checksum.
        into: An empty directory; the result is in it.
        environ: Of the caller: PATH, HOME (for ssh), proxies.
        allow_files: Whether remotes may be paths of this host (tests, explicit contexts).
        report: Told what is being done.

    Raises:
        ContextError: the remote, the ref or the subdirectory is not there.
        DigestMismatchError: the commit is not the one that ``checksum`` names.
        HostError: there is no git program.
    """
    _check_remote(op.remote, allow_files=allow_files)
    git = _Git(into / "tree", environ, allow_files=allow_files)
    if report is not None:
        report(f"fetch {redacted(op.remote)}", 0, 0)
    (into / "tree").mkdir()
    git.run("init", "--quiet")
    git.run("remote", "add", "origin", "--", op.remote)
    commit = _fetch(git, op)
    if op.checksum and not commit.startswith(op.checksum):
        raise DigestMismatchError(
            f"expected checksum to match {op.checksum}, got {commit}",
            hint="check the ref; correct `--checksum` if the commit is right",
        )
    if report is not None:
        report(f"check out {commit[:12]}", 0, 0)
    git.run("checkout", "--quiet", "--force", "--detach", commit)
    seconds = int(git.run("show", "--no-patch", "--format=%ct", commit).strip() or 0)
    if op.submodules and os.path.lexists(into / "tree" / ".gitmodules"):
        git.run("submodule", "update", "--quiet", "--init", "--recursive", "--depth=1")
    if not op.keep_git_dir:
        _remove_git_directories(into / "tree")
    _normalise_modes(into / "tree")
    return Checkout(_subdirectory(into / "tree", op), commit, seconds)


def _check_remote(remote: str, *, allow_files: bool) -> None:
    scheme, separator, _ = remote.partition("://")
    known = len(remote) <= MAX_URL_LENGTH and _UNSAFE.search(remote) is None
    known = known and (scheme in _SCHEMES if separator else _SCP.fullmatch(remote) is not None)
    if known and scheme in {"http", "https"}:
        try:
            split_user(remote)
        except UrlError:
            known = False
    local = allow_files and (scheme == "file" or remote.startswith("/"))
    if not (known or local):
        raise ContextError(
            f"`{redacted(remote)}` is no git remote",
            hint="use an https, ssh or git URL, or user@host:path",
        )


def _fetch(git: _Git, op: GitOp) -> str:
    """Fetch the wanted commit and return its ID."""
    ref = op.ref or "HEAD"
    if ref.startswith("-") or any(char in ref for char in " \t\n:?*[\\^~"):
        raise ContextError(f"`{ref[:100]}` is no name of a branch, tag or commit")
    wanted = [ref]
    if not _COMMIT.fullmatch(ref) and ref != "HEAD":
        wanted = [_find_ref(git, op, ref)]
    try:
        git.run("fetch", "--quiet", "--depth=1", "--no-tags", "origin", *wanted)
        return git.run("rev-parse", "--verify", "FETCH_HEAD^{commit}").strip()
    except SourceError:
        if not _COMMIT.fullmatch(ref):
            raise
    # Not every server gives a commit by its ID: take all, it must be among it.
    git.run("fetch", "--quiet", "--tags", "origin", "+refs/heads/*:refs/remotes/origin/*")
    try:
        return git.run("rev-parse", "--verify", f"{ref}^{{commit}}").strip()
    except SourceError as error:
        raise _no_ref(op, ref) from error


def _find_ref(git: _Git, op: GitOp, ref: str) -> str:
    """Return the full name of a ref; branches and tags of one name are told apart as git does."""
    text = git.run("ls-remote", "--", "origin", ref, f"refs/tags/{ref}^{{}}")
    commits = {name: commit for commit, name in map(str.split, text.splitlines())}
    for name in (ref, f"refs/{ref}", f"refs/tags/{ref}", f"refs/heads/{ref}"):
        if name in commits:
            return name
    if re.fullmatch(r"[0-9a-f]{7,39}", ref):
        return _long_commit(git, op, ref)
    raise _no_ref(op, ref)


def _long_commit(git: _Git, op: GitOp, short: str) -> str:
    """Return the ID of a commit that is given by its beginning."""
    git.run("fetch", "--quiet", "--tags", "origin", "+refs/heads/*:refs/remotes/origin/*")
    try:
        return git.run("rev-parse", "--verify", f"{short}^{{commit}}").strip()
    except SourceError as error:
        raise _no_ref(op, short) from error


def _no_ref(op: GitOp, ref: str) -> ContextError:
    return ContextError(
        f"repository `{redacted(op.remote)}` does not contain ref `{ref}`",
        hint="check the name of the branch, tag or commit",
    )


def _subdirectory(tree: Path, op: GitOp) -> Path:
    if not op.subdir or op.subdir in {".", "/"}:
        return tree
    context = LocalContext(tree)
    path = resolve(context, "/" + op.subdir)
    facts = context.lstat(path)
    if facts is None or not facts.is_dir:
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


def _normalise_modes(tree: Path) -> None:
    """Give files the modes that git knows, whatever the umask is."""
    os.chmod(tree, _DIRECTORY_MODE)
    for path, facts in walk(tree):
        if stat.S_ISREG(facts.st_mode):
            os.chmod(tree / path, _DIRECTORY_MODE if facts.st_mode & 0o100 else _FILE_MODE)
        elif stat.S_ISDIR(facts.st_mode):
            os.chmod(tree / path, _DIRECTORY_MODE)


class _Git:
    """The git program in one directory, closed against what is around it."""

    def __init__(self, directory: Path, environ: Mapping[str, str], *, allow_files: bool) -> None:
        self._directory = directory
        self._config = [*_CONFIG]
        if allow_files:
            self._config.append("protocol.file.allow=always")
        self._environ = {name: environ[name] for name in _KEPT_VARIABLES if name in environ}
        for name in _PROXIES:
            for each in (name, name.upper()):
                if each in environ:
                    self._environ[each] = environ[each]
        self._environ.update(
            GIT_CONFIG_NOSYSTEM="1",
            GIT_CONFIG_GLOBAL=os.devnull,
            GIT_TERMINAL_PROMPT="0",
            GIT_ASKPASS="true",
            SSH_ASKPASS="true",
            GIT_LFS_SKIP_SMUDGE="1",
            LC_ALL="C",
        )
        self._environ.setdefault("GIT_SSH_COMMAND", "ssh -o BatchMode=yes")

    def run(self, *arguments: str) -> str:
        """Run a git command and return its output.

        Raises:
            ContextError: it failed; the message ends with what git said.
            HostError: there is no git program.
        """
        import subprocess  # noqa: PLC0415 - only builds from git pay

        options = [part for each in self._config for part in ("-c", each)]
        try:
            process = subprocess.Popen(
                ["git", *options, *arguments],
                cwd=self._directory,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # so that what git starts can be ended with it
            )
        except FileNotFoundError as error:
            raise HostError(
                "there is no git program", hint="install git, or clone the repository before"
            ) from error
        with process, INTERRUPTS.ending(partial(_end, process)):
            try:
                output, errors = process.communicate(timeout=_TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired as error:
                _end(process)
                raise ContextError(f"git {arguments[0]} took longer than an hour") from error
            except BaseException:
                _end(process)
                raise
        if process.returncode:
            said = _last_lines(errors.decode(errors="replace"))
            raise ContextError(
                f"git {arguments[0]} failed: {said}", hint="check the URL and your access to it"
            )
        return output.decode("utf-8", "surrogateescape")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a program and all of its session."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _last_lines(text: str) -> str:
    lines: Sequence[str] = [line.strip() for line in text.splitlines() if line.strip()]
    said = "; ".join(lines[-3:]) or "no message"
    return re.sub(r"(://)[^/@\s]+@", r"\1", said)
