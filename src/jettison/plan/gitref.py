"""Git references: how ADD and contexts name a tree of a git repository.

In:  text such as ``https://host/org/repo.git#v1.2:sub/dir`` or ``git@host:org/repo.git?tag=v1``.
Out: ``GitReference`` and its ``GitOp``, or None when the text is no git reference.

Source: Dockerfile reference, "Adding files from a Git repository"; docker's documentation of build
contexts, "URL fragments" and "URL queries".

Security: messages show no credentials.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from jettison.oci.redact import redacted
from jettison.plan.op import GitOp

_SCHEME = r"([A-Za-z0-9]+)://"
_SCP = r"[A-Za-z0-9_.-]+@[^\s:/?#]+:[^?#]*"
_COMMIT = r"[0-9a-f]{7,64}"
_SCHEMES = frozenset({"http", "https", "ssh", "git"})
_KEYS = frozenset(
    {
        "ref",
        "tag",
        "branch",
        "commit",
        "checksum",
        "subdir",
        "keep-git-dir",
        "submodules",
        "mtime",
        "fetch-by-commit",
    }
)
_BOOLEANS = {"1": True, "t": True, "true": True, "0": False, "f": False, "false": False, "": True}


class GitReferenceError(ValueError):
    """A text is a git reference, but a wrong one; ``message`` and ``hint`` as of errors."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class GitReference(msgspec.Struct, frozen=True):
    """A parsed reference; ``keep_git_dir`` is None when the text does not say."""

    remote: str
    ref: str = ""
    subdir: str = ""
    checksum: str = ""
    keep_git_dir: bool | None = None
    submodules: bool = True
    commit_times: bool = False

    def op(self, *, keep_git_dir: bool | None = None, checksum: str = "") -> GitOp:
        """Return the op, joined with what the flags of ADD say.

        Raises:
            GitReferenceError: flag and reference contradict each other.
        """
        if None not in {keep_git_dir, self.keep_git_dir} and keep_git_dir != self.keep_git_dir:
            raise GitReferenceError("inconsistent keep-git-dir configuration")
        if checksum and self.checksum and checksum != self.checksum:
            raise GitReferenceError(f'checksum mismatch "{checksum}" != "{self.checksum}"')
        return GitOp(
            remote=self.remote,
            ref=self.ref,
            subdir=self.subdir,
            checksum=self.checksum or checksum,
            keep_git_dir=bool(self.keep_git_dir or keep_git_dir),
            submodules=self.submodules,
            commit_times=self.commit_times,
        )


def parse_git_reference(text: str) -> GitReference | None:
    """Return the git reference that a text is, None for a path or another URL.

    An ``http`` URL is one only when its path ends with ``.git``.

    Raises:
        GitReferenceError: it is one, but its query or fragment is wrong.

    >>> parse_git_reference("https://host/a.git#v1:sub").subdir
    'sub'
    >>> parse_git_reference("https://host/a.tar.gz"), parse_git_reference("./git@host:x")
    (None, None)
    """
    return split_git_url(text) if is_git_reference(text) else None


def is_git_reference(text: str) -> bool:
    """Tell whether a text is a git reference by its form."""
    if ("://" not in text and "@" not in text) or text.startswith(("./", "../")):
        return False
    base = re.split(r"[?#]", text, maxsplit=1)[0]
    scheme = re.match(_SCHEME, base)
    if scheme is None:
        return re.fullmatch(_SCP, base) is not None
    if scheme[1].lower().startswith("http"):
        return scheme[1].lower() in _SCHEMES and base.endswith(".git")
    return scheme[1].lower() in _SCHEMES


def split_git_url(text: str) -> GitReference:
    """Return the parts of what is known to be a git reference.

    Raises:
        GitReferenceError: its query or fragment is wrong.
    """
    rest, _, fragment = text.partition("#")
    base, _, query = rest.partition("?")
    ref, _, subdir = fragment.partition(":")
    return _merge(base, (ref, subdir), _query(query, base))


def _query(query: str, base: str) -> dict[str, str]:
    options: dict[str, str] = {}
    for field in query.split("&"):
        if not field:
            continue
        key, _, value = field.partition("=")
        if key not in _KEYS:
            raise GitReferenceError(
                f'unexpected query "{key}"', hint=f"use one of {', '.join(sorted(_KEYS))}"
            )
        if key in options:
            raise GitReferenceError(f'query "{key}" is given more than once in `{redacted(base)}`')
        options[key] = _unquote(value)
    return options


def _unquote(value: str) -> str:
    """Decode ``%XX`` and ``+`` of a query."""
    raw = value.replace("+", " ").encode()
    return re.sub(rb"%([0-9A-Fa-f]{2})", lambda match: bytes([int(match[1], 16)]), raw).decode(
        errors="replace"
    )


def _merge(remote: str, fragment: tuple[str, str], options: Mapping[str, str]) -> GitReference:
    names = [key for key in ("ref", "tag", "branch") if key in options]
    if len(names) > 1:
        raise GitReferenceError(
            f"git reference `{redacted(remote)}` names several of ref, tag and branch"
        )
    ref, subdir = fragment
    if names:
        if ref:
            raise GitReferenceError("ref conflicts: it is in the fragment and in the query")
        prefix = {"ref": "", "tag": "refs/tags/", "branch": "refs/heads/"}[names[0]]
        value = options[names[0]]
        ref = value if value.startswith(prefix) else prefix + value
    if "subdir" in options:
        if subdir:
            raise GitReferenceError("subdir conflicts: it is in the fragment and in the query")
        subdir = options["subdir"]
    checksum = options.get("checksum", options.get("commit", ""))
    if "checksum" in options and options.get("commit", checksum) != checksum:
        raise GitReferenceError("commit and checksum of a git reference contradict each other")
    if checksum and re.fullmatch(_COMMIT, checksum) is None:
        raise GitReferenceError(f"`{checksum}` is not a commit", hint="give 7 to 64 hex digits")
    submodules = _boolean(options, "submodules")
    _boolean(options, "fetch-by-commit")  # what is fetched is the same
    times = options.get("mtime", "checkout")
    if times not in {"checkout", "commit"}:
        raise GitReferenceError(f'invalid mtime "{times}"', hint="write checkout or commit")
    return GitReference(
        remote=remote,
        ref=ref or checksum,
        subdir="" if subdir in {"/", "."} else subdir,
        checksum=checksum,
        keep_git_dir=_boolean(options, "keep-git-dir"),
        submodules=True if submodules is None else submodules,
        commit_times=times == "commit",
    )


def _boolean(options: Mapping[str, str], key: str) -> bool | None:
    if key not in options:
        return None
    value = _BOOLEANS.get(options[key].lower())
    if value is None:
        raise GitReferenceError(f'invalid boolean value for {key}: "{options[key]}"')
    return value
