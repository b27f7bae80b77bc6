"""Opens what a build is started with: its context, its Dockerfile, its named contexts.

In:  a ``BuildRequest``-like set of texts, the store.
Out: ``BuildContext``: the Dockerfile's bytes and name, and a tree for every context that is files.

============================  ==========================================================
context                       Dockerfile
============================  ==========================================================
directory                     ``-f`` below the working directory, else ``Dockerfile``; its
                              ignore file counts
``-``                         a tar: in it, at ``-f``; else standard input is the Dockerfile
git URL                       in the repository
http URL                      of a tar: in it; else the download is the Dockerfile
============================  ==========================================================

``-f -`` takes the Dockerfile from standard input, ``-f URL`` downloads it. Ignore files count for
directories of this host only, as in BuildKit.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import msgspec

from jettison.errors import ContextError, UsageError
from jettison.fs.digest import FileDigests
from jettison.oci.digest import Digest
from jettison.oci.redact import redacted
from jettison.oci.reference import parse_reference
from jettison.source.access import Access
from jettison.source.dockerfile import (
    MAX_DOCKERFILE_BYTES,
    no_dockerfile,
    read_dockerfile,
    read_inside,
)
from jettison.source.ignore import IgnoreFile, find_ignore_file
from jettison.source.local import LocalTree
from jettison.source.location import commit_digest, locate, parse_git_url
from jettison.store.store import Store

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_KEEP_GIT_DIR = "BUILDKIT_CONTEXT_KEEP_GIT_DIR"
DEFAULT_DOCKERFILE = "Dockerfile"
MAIN = "context"
"""What ``LocalOp.context`` calls the build context."""


class ContextRequest(Protocol):
    """What is to be opened: fields of ``api.request.BuildRequest``, documented there."""

    @property
    def context(self) -> str:
        """The context."""

    @property
    def dockerfile(self) -> str:
        """``-f``."""

    @property
    def stdin(self) -> bytes:
        """Bytes of standard input."""

    @property
    def build_args(self) -> Mapping[str, str]:
        """``--build-arg``."""

    @property
    def contexts(self) -> Mapping[str, str]:
        """``--build-context``."""


class DirectorySource(msgspec.Struct, frozen=True):
    """A named context that is a directory of the host; relative to the working directory."""

    path: str


class ImageSource(msgspec.Struct, frozen=True):
    """A named context that is an image: a full reference, or ``oci-layout://PATH…``."""

    reference: str


class RepositorySource(msgspec.Struct, frozen=True):
    """A named context that is a git repository; with ``#ref:subdir`` or a query."""

    url: str


class DownloadSource(msgspec.Struct, frozen=True):
    """A named context that is a tar or a file of a web server."""

    url: str


NamedSource = DirectorySource | ImageSource | RepositorySource | DownloadSource


class Opened(msgspec.Struct, frozen=True):
    """A build context and its Dockerfile, as they were found."""

    main: LocalTree
    dockerfile: bytes
    filename: str
    ignore: IgnoreFile = IgnoreFile("")
    time: int | None = None
    revision: str = ""


class BuildContext:
    """What a build reads from outside images; a context manager.

    Attributes:
        dockerfile: Its bytes.
        filename: What messages call it.
        named: Named contexts by name.
        revision: What the build context is: ``sha1:…`` of its commit, or ``sha256:…`` of what was
            downloaded; empty of one of this host.
        time: Of the build context in seconds since the epoch: its commit's, or when its server
            says it was modified; None without such a time.
        access: How servers of the build's sources are reached.
    """

    def __init__(
        self,
        store: Store,
        opened: Opened,
        named: Mapping[str, NamedSource],
        resources: ExitStack,
        access: Access,
    ) -> None:
        self.access = access
        self.dockerfile = opened.dockerfile
        self.filename = opened.filename
        self.named = named
        self.time = opened.time
        self.revision = opened.revision
        self._store = store
        self._trees = {MAIN: opened.main}
        self._ignore = opened.ignore
        self._resources = resources

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._resources:
            for tree in self._trees.values():
                tree.save_digests()

    def tree(self, name: str) -> LocalTree:
        """Return the files of a context.

        Args:
            name: ``context``, or the name of a local named context.

        Raises:
            ContextError: it is no directory, or its ignore file is wrong.
        """
        tree = self._trees.get(name)
        if tree is None:
            source = self.named.get(name)
            if not isinstance(source, DirectorySource):
                raise ContextError(f"there is no context `{name}` on this host")
            tree = self._trees[name] = open_directory(Path(source.path), None, self._store)[0]
        return tree

    def ignore_file(self) -> IgnoreFile:
        """Return the ignore file of the build context."""
        return self._ignore


def open_directory(
    root: Path, dockerfile: Path | None, store: Store, *, ignored: bool = True
) -> tuple[LocalTree, IgnoreFile]:
    """Open a directory of the host as a context.

    Args:
        root: The directory.
        dockerfile: Where the Dockerfile is, if it is a file: it may have its own ignore file.
        store: Keeps digests of files between builds.
        ignored: Whether an ignore file counts.

    Raises:
        ContextError: it is no directory, or its ignore file is wrong.
    """
    ignore = find_ignore_file(root, dockerfile) if ignored else IgnoreFile("")
    real = Path(os.path.realpath(root))
    digests = FileDigests.load(store.database, real)
    return LocalTree(root, ignored=ignore.matcher(), digests=digests), ignore


def parse_named_context(name: str, text: str) -> NamedSource:
    """Return what the value of ``--build-context`` means.

    Raises:
        UsageError: it is a kind that is not known.
        InvalidReferenceError: it is no image reference.
        ContextError: it is a git URL with a wrong query.
    """
    for prefix in ("target:", "input:"):
        if text.startswith(prefix):
            raise UsageError(
                f"named context `{name}`: `{prefix}` contexts belong to bake files",
                hint="give a directory, docker-image://, oci-layout://, a git or an http URL",
            )
    if text.startswith("docker-image://"):
        return ImageSource(str(parse_reference(text.removeprefix("docker-image://"))))
    if text.startswith("oci-layout://"):
        path = text.removeprefix("oci-layout://")
        return ImageSource("oci-layout://" + os.path.abspath(path))
    location = locate(text)
    if location.kind == "git":
        parse_git_url(location.text)
        return RepositorySource(location.text)
    if location.kind == "http":
        return DownloadSource(location.text)
    if _SCHEME.match(text):
        raise UsageError(
            f"named context `{name}`: `{text}` is of no known kind",
            hint="give a directory, docker-image://, oci-layout://, a git or an http URL",
        )
    return DirectorySource(location.text)


def open_context(request: ContextRequest, store: Store, access: Access) -> BuildContext:
    """Open the contexts of a request and find its Dockerfile.

    Args:
        request: A ``BuildRequest``.
        store: Keeps downloads and digests.
        access: How servers are reached.

    Raises:
        ContextError: a context or the Dockerfile is not there.
        UsageError: two things are to come from standard input.
    """
    if request.context == "-" and request.dockerfile == "-":
        raise UsageError(
            "cannot use standard input for both the build context and the Dockerfile",
            hint="give the context as a directory",
        )
    named = {name: parse_named_context(name, text) for name, text in request.contexts.items()}
    with ExitStack() as resources:
        try:
            opened = _Opener(request, store, access, resources).open()
        except PermissionError as error:
            raise ContextError(
                f"cannot read `{error.filename or request.context}`: permission denied",
                hint="let this user read the build context",
            ) from error
        return BuildContext(store, opened, named, resources.pop_all(), access)


class _Opener:
    """Opens the build context; what it unpacks is thrown away by ``resources``."""

    def __init__(
        self, request: ContextRequest, store: Store, access: Access, resources: ExitStack
    ) -> None:
        self._request = request
        self._store = store
        self._access = access
        self._resources = resources

    def open(self) -> Opened:
        """Open whatever the context is."""
        request = self._request
        if request.context == "-":
            path = self._directory() / "stdin"
            path.write_bytes(request.stdin)
            return self._archive_or_dockerfile(path, request.stdin[:MAX_DOCKERFILE_BYTES], "-")
        location = locate(request.context)
        if location.kind == "git":
            from jettison.source.git import GitSource  # rare

            keep = request.build_args.get(_KEEP_GIT_DIR) or "0"
            op = parse_git_url(location.text, keep_git_dir=keep in {"1", "true"})
            source = GitSource(self._store, self._access)
            tree = source.checkout(op, self._directory())
            opened = self._inside(LocalTree(tree.directory))
            revision = commit_digest(tree.commit)
            return msgspec.structs.replace(opened, time=tree.time, revision=revision)
        if location.kind == "http":
            path, modified, digest = self._download(location.text)
            with open(path, "rb") as file:
                start = file.read(MAX_DOCKERFILE_BYTES + 1)
            opened = self._archive_or_dockerfile(path, start, redacted(location.text))
            return msgspec.structs.replace(opened, time=modified, revision=digest)
        return self._local(Path(request.context))

    def _local(self, root: Path) -> Opened:
        given = self._request.dockerfile
        if given == "-" or _is_url(given):
            context, ignore = open_directory(root, None, self._store)
            return Opened(context, self._elsewhere(), given, ignore)
        if not given:
            whole = LocalTree(root)
            for name in (DEFAULT_DOCKERFILE, DEFAULT_DOCKERFILE.lower()):
                text = read_inside(whole, name)
                if text is not None:
                    context, ignore = open_directory(root, root / name, self._store)
                    return Opened(context, text, name, ignore)
            raise no_dockerfile(whole, DEFAULT_DOCKERFILE, root)
        path = Path(given)
        if not path.is_file() and ((root / path).is_file() or not path.exists()):
            path = root / path
        text = read_dockerfile(path)
        if text is None:
            raise no_dockerfile(LocalTree(root), given, root)
        context, ignore = open_directory(root, path, self._store)
        return Opened(context, text, given, ignore)

    def _inside(self, context: LocalTree) -> Opened:
        """Take the Dockerfile from a context that is not the user's directory."""
        given = self._request.dockerfile
        if given == "-" or _is_url(given):
            return Opened(context, self._elsewhere(), given)
        names = (given,) if given else (DEFAULT_DOCKERFILE, DEFAULT_DOCKERFILE.lower())
        for name in names:
            text = read_inside(context, name)
            if text is not None:
                return Opened(context, text, name)
        raise no_dockerfile(context, names[0])

    def _archive_or_dockerfile(self, path: Path, start: bytes, name: str) -> Opened:
        # Most contexts are directories, and need neither archives nor downloads.
        from jettison.layer.archive import open_archive

        archive = open_archive(path)
        if archive is not None:
            from jettison.source.untar import unpack_context

            into = self._directory()
            with archive:
                unpack_context(archive, into)
            return self._inside(LocalTree(into))
        if self._request.dockerfile:
            raise ContextError(
                f"the context `{name}` is no archive, so it has no `{self._request.dockerfile}`",
                hint="leave out `-f`: the context is the Dockerfile itself",
            )
        if len(start) > MAX_DOCKERFILE_BYTES:
            raise ContextError(
                f"`{name}` is no archive, and too large for a Dockerfile",
                hint="give a tar, which may be compressed, or a Dockerfile",
            )
        return Opened(LocalTree(self._directory()), start, name)

    def _elsewhere(self) -> bytes:
        """Return a Dockerfile that comes from standard input or a URL."""
        given = self._request.dockerfile
        if given == "-":
            return self._request.stdin
        text = read_dockerfile(self._download(given)[0])
        return text if text is not None else b""

    def _download(self, url: str) -> tuple[Path, int | None, Digest]:
        """Return a downloaded file, when it was modified if that is known, and its digest."""
        from jettison.source.http import HttpSource  # rare

        source = HttpSource(self._store, self._access)
        try:
            file = source.fetch(url)
            modified = file.mtime_ns // 10**9 or None
            return self._store.blobs.path(file.digest), modified, file.digest
        finally:
            source.close()

    def _directory(self) -> Path:
        path = self._store.tmp()
        self._resources.callback(self._store.trash, path)
        return path


def _is_url(text: str) -> bool:
    return text.startswith(("http://", "https://"))
