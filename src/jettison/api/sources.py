"""The files of a build that are not in images, as the solver asks for them."""

from __future__ import annotations

import os
from contextlib import ExitStack

from jettison.errors import ContextError
from jettison.events import Progress
from jettison.fs.host_tree import HostTree
from jettison.fs.tree import Tree
from jettison.plan.op import GitOp, HttpOp
from jettison.source.context import BuildContext
from jettison.store.store import Store


class ContextSources:
    """Contexts that are open, downloads, checkouts.

    Args:
        context: The open contexts.
        store: Keeps downloads.
        offline: Whether nothing may be fetched.
        made: Gets what must be thrown away after the build.
    """

    def __init__(
        self, context: BuildContext, store: Store, *, offline: bool, made: ExitStack
    ) -> None:
        self._context = context
        self._store = store
        self._offline = offline
        self._made = made

    def local(self, context: str) -> Tree:
        """Return the tree of a context."""
        return self._context.tree(context)

    def http(self, op: HttpOp, report: Progress) -> Tree:
        """Download one file."""
        from jettison.source.http import HttpSource  # noqa: PLC0415

        source = HttpSource(self._store, offline=self._offline)
        try:
            file = source.fetch(op.url, checksum=op.checksum, report=report)
        finally:
            source.close()
        return file.tree(self._store, op.name)

    def git(self, op: GitOp, report: Progress) -> Tree:
        """Check out a commit."""
        from jettison.source.git import checkout  # noqa: PLC0415

        if self._offline:
            raise ContextError("a git repository cannot be fetched with `--offline`")
        directory = self._store.tmp()
        self._made.callback(self._store.trash, directory)
        done = checkout(op, directory, os.environ, report=report)
        return HostTree(done.directory, context=True)
