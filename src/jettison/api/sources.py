"""The files of a build that are not in images, as the solver asks for them."""

from __future__ import annotations

from contextlib import ExitStack

from jettison.events import Progress
from jettison.fs.host_tree import HostTree
from jettison.fs.tree import Tree
from jettison.plan.op import GitOp, HttpOp, Op
from jettison.source.context import BuildContext
from jettison.source.location import commit_digest
from jettison.store.store import Store


class ContextSources:
    """Contexts that are open, downloads, checkouts.

    ``found`` has the digests of what was downloaded (``sha256:…``) and checked out (``sha1:…``).

    Args:
        context: The open contexts.
        store: Keeps downloads.
        git_commands: Whether commands of git are shown as progress.
        resources: Gets what must be thrown away after the build.
    """

    def __init__(
        self,
        context: BuildContext,
        store: Store,
        *,
        resources: ExitStack,
        git_commands: bool = False,
    ) -> None:
        self._git_commands = git_commands
        self._context = context
        self._store = store
        self._resources = resources
        self.found: dict[Op, str] = {}

    def local(self, context: str) -> Tree:
        """Return the tree of a context."""
        return self._context.tree(context)

    def http(self, op: HttpOp, report: Progress) -> Tree:
        """Download one file."""
        from jettison.source.http import HttpSource

        source = HttpSource(self._store, self._context.access)
        try:
            file = source.fetch(op.url, checksum=op.checksum, report=report)
        finally:
            source.close()
        self.found[op] = file.digest
        return file.tree(self._store, op.name)

    def git(self, op: GitOp, report: Progress) -> Tree:
        """Check out a commit."""
        from jettison.source.git import GitSource

        source = GitSource(
            self._store,
            self._context.access,
            log=(lambda command: report(command, 0, 0)) if self._git_commands else None,
        )
        directory = self._store.tmp()
        self._resources.callback(self._store.trash, directory)
        done = source.checkout(op, directory, report)
        self.found[op] = commit_digest(done.commit)
        return HostTree(done.directory, context=True)
