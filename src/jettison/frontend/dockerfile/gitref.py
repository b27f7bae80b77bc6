"""Git references in a Dockerfile: those of ``plan.gitref``, whose faults are the Dockerfile's.

In:  a source of ADD or COPY, flags.
Out: ``GitReference``, ``GitOp``.
"""

from __future__ import annotations

from jettison.errors import DockerfileSyntaxError
from jettison.plan import gitref
from jettison.plan.gitref import GitReference, GitReferenceError
from jettison.plan.op import GitOp


def parse_git_reference(text: str) -> GitReference | None:
    """Return the git reference that a text is, None for a path or another URL.

    Raises:
        DockerfileSyntaxError: it is one, but its query or fragment is wrong.
    """
    try:
        return gitref.parse_git_reference(text)
    except GitReferenceError as error:
        raise DockerfileSyntaxError(error.message, hint=error.hint) from None


def git_op(reference: GitReference, *, keep_git_dir: bool | None, checksum: str) -> GitOp:
    """Return the op of a reference, joined with what the flags of ADD say.

    Raises:
        DockerfileSyntaxError: flag and reference contradict each other.
    """
    try:
        return reference.op(keep_git_dir=keep_git_dir, checksum=checksum)
    except GitReferenceError as error:
        raise DockerfileSyntaxError(error.message, hint=error.hint) from None


def git_context(url: str) -> GitOp:
    """Return the op of a named context that is a repository.

    Raises:
        DockerfileSyntaxError: its query or fragment is wrong.
    """
    try:
        return gitref.split_git_url(url).op()
    except GitReferenceError as error:
        raise DockerfileSyntaxError(error.message, hint=error.hint) from None
