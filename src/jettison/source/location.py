"""What the text of a context names: a directory, a git repository or a URL.

In:  the last argument of ``build``, or the value of ``--build-context``.
Out: ``Location``; git repositories with their parts.

Source: docker's documentation of build contexts, "Remote context" and "URL fragments/queries".
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import msgspec

from jettison.errors import ContextError
from jettison.plan.op import GitOp

_SCP = re.compile(r"[A-Za-z0-9_.-]+@[^\s:/?#]+:[^\s]+")
_SHORT_HOSTS = ("github.com/", "gitlab.com/", "bitbucket.org/")
_FALSE = frozenset({"0", "f", "false"})
_TRUE = frozenset({"", "1", "t", "true"})


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
    scheme, separator, rest = text.partition("://")
    if separator and scheme in {"http", "https"}:
        path = re.split(r"[?#]", rest, maxsplit=1)[0]
        return Location("git" if path.endswith(".git") else "http", text)
    if (separator and scheme in {"git", "ssh"}) or _SCP.fullmatch(text):
        return Location("git", text)
    if text.startswith(_SHORT_HOSTS):
        return Location("git", "https://" + text)
    return Location("local", text)


def parse_git_url(text: str, *, keep_git_dir: bool = False) -> GitOp:
    """Return the op of a git URL with ``#ref:subdir`` or a query.

    >>> parse_git_url("https://host/a.git#v1:docs")
    GitOp(remote='https://host/a.git', ref='v1', subdir='docs', checksum='', \
keep_git_dir=False, submodules=True)

    Raises:
        ContextError: the query is wrong, or contradicts the fragment.
    """
    base, _, fragment = text.partition("#")
    ref, _, subdir = fragment.partition(":")
    query: dict[str, str] = {}
    if "://" in base:
        split = urlsplit(base)
        query = dict(parse_qsl(split.query, keep_blank_values=True))
        base = urlunsplit(split._replace(query=""))
    elif "?" in base:
        base, _, tail = base.partition("?")
        query = dict(parse_qsl(tail, keep_blank_values=True))
    names = {"ref": "", "branch": "refs/heads/", "tag": "refs/tags/"}
    refs = [prefix + query.pop(name) for name, prefix in names.items() if query.get(name)]
    checksum = query.pop("checksum", "") or query.pop("commit", "")
    if len(refs) + bool(ref) > 1 or (subdir and query.get("subdir")):
        raise ContextError(f"`{_shown(base)}` names more than one ref or subdirectory")
    op = GitOp(
        remote=base,
        ref=ref or (refs[0] if refs else "") or checksum,
        subdir=subdir or query.pop("subdir", ""),
        checksum=checksum,
        keep_git_dir=_boolean(query.pop("keep-git-dir", str(int(keep_git_dir))), base),
        submodules=_boolean(query.pop("submodules", "1"), base),
    )
    if query:
        raise ContextError(f"unexpected query `{next(iter(query))}` of `{_shown(base)}`")
    return op


def _boolean(text: str, base: str) -> bool:
    if text.lower() in _TRUE | _FALSE:
        return text.lower() in _TRUE
    raise ContextError(f"`{text}` is neither true nor false in the query of `{_shown(base)}`")


def _shown(base: str) -> str:
    return re.sub(r"(://)[^/@]*@", r"\1", base)
