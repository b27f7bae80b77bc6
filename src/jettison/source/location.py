"""What the text of a context names: a directory, a git repository or a URL.

In:  the last argument of ``build``, or the value of ``--build-context``.
Out: ``Location``; git repositories with their parts.

Source: docker's documentation of build contexts, "Remote context" and "URL fragments/queries".
"""

from __future__ import annotations

import msgspec

from jettison.errors import ContextError
from jettison.plan.gitref import GitReferenceError, is_git_reference, split_git_url
from jettison.plan.op import GitOp

_SHORT_HOSTS = ("github.com/", "gitlab.com/", "bitbucket.org/")


class Location(msgspec.Struct, frozen=True):
    """A context: ``kind`` is ``local``, ``git`` or ``http``; ``text`` its path or URL."""

    kind: str
    text: str


def locate(text: str) -> Location:
    """Return what a text names.

    >>> locate("https://host/a.git#main:sub").kind, locate("https://host/a.tgz").kind
    ('git', 'http')
    >>> locate("git@host:a/b").kind, locate("./git@host").kind
    ('git', 'local')
    """
    if is_git_reference(text):
        return Location("git", text)
    if text.startswith(("http://", "https://")):
        return Location("http", text)
    if text.startswith(_SHORT_HOSTS):
        return Location("git", "https://" + text)
    return Location("local", text)


def commit_digest(commit: str) -> str:
    """Return a commit's ID with its algorithm.

    >>> commit_digest("da39a3ee5e6b4b0d3255bfef95601890afd80709")[:9]
    'sha1:da39'
    """
    return f"{'sha1' if len(commit) == 40 else 'sha256'}:{commit}" if commit else ""


def parse_git_url(text: str, *, keep_git_dir: bool = False) -> GitOp:
    """Return the op of a git URL with ``#ref:subdir`` or a query.

    >>> op = parse_git_url("https://host/a.git#v1:docs")
    >>> op.remote, op.ref, op.subdir
    ('https://host/a.git', 'v1', 'docs')

    Args:
        text: The URL.
        keep_git_dir: What counts when the URL does not say.

    Raises:
        ContextError: the query is wrong, or contradicts the fragment.
    """
    try:
        reference = split_git_url(text)
    except GitReferenceError as error:
        raise ContextError(error.message, hint=error.hint) from None
    return reference.op(keep_git_dir=keep_git_dir if reference.keep_git_dir is None else None)
