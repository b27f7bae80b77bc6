"""Image references: how people name images.

In:  text such as ``python:3.11-slim``, ``ghcr.io/org/app@sha256:…``.
Out: ``Reference``, with docker's defaults filled in.

Source: distribution/reference grammar; docker's normalisation of familiar names.
"""

from __future__ import annotations

import re

import msgspec

from jettison.errors import InvalidManifestError, InvalidReferenceError
from jettison.oci.digest import Digest, parse_digest

DEFAULT_REGISTRY = "docker.io"
_REPOSITORY = re.compile(
    r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
)
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_REGISTRY = re.compile(
    r"(?:(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9])(?:\.(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9]))*"
    r"|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
)


class Reference(msgspec.Struct, frozen=True):
    """Registry, repository, and a tag or a digest or both."""

    registry: str
    repository: str
    tag: str = ""
    digest: Digest | None = None

    def __str__(self) -> str:
        return (
            self.name
            + (f":{self.tag}" if self.tag else "")
            + (f"@{self.digest}" if self.digest else "")
        )

    @property
    def name(self) -> str:
        """Registry and repository: ``docker.io/library/python``."""
        return f"{self.registry}/{self.repository}"

    @property
    def familiar(self) -> str:
        """The text that docker shows: ``python:3.11-slim``."""
        text = str(self)
        for prefix in ("docker.io/library/", "docker.io/"):
            if text.startswith(prefix):
                return text[len(prefix) :]
        return text


def parse_reference(text: str) -> Reference:
    """Return the reference that a text names; without tag and digest the tag is ``latest``.

    Raises:
        InvalidReferenceError: the text is not a reference; says what to change.

    >>> str(parse_reference("python:3.11-slim"))
    'docker.io/library/python:3.11-slim'
    >>> parse_reference("localhost:5000/a/b").registry
    'localhost:5000'
    """
    rest, at, digest_text = text.partition("@")
    try:
        digest = parse_digest(digest_text) if at else None
    except InvalidManifestError as error:
        raise InvalidReferenceError(f"invalid reference format: `{text}`: {error}") from error
    if names_registry(rest):
        registry, _, path = rest.partition("/")
    else:
        registry, path = DEFAULT_REGISTRY, rest
    if registry in {"index.docker.io", "registry-1.docker.io"}:
        registry = DEFAULT_REGISTRY
    repository, colon, tag = path.partition(":")
    if registry == DEFAULT_REGISTRY and "/" not in repository:
        repository = f"library/{repository}"
    _check(text, registry, repository, tag if colon else None)
    if not colon and digest is None:
        tag = "latest"
    return Reference(registry=registry, repository=repository, tag=tag, digest=digest)


def names_registry(text: str) -> bool:
    """Tell whether the text of a reference says which registry it is of.

    >>> names_registry("ghcr.io/org/app"), names_registry("localhost/app"), names_registry("a/b")
    (True, True, False)
    """
    head, slash, _ = text.partition("/")
    return bool(slash) and (
        "." in head or ":" in head or head == "localhost" or head != head.lower()
    )


def _check(text: str, registry: str, repository: str, tag: str | None) -> None:
    if repository != repository.lower():
        raise InvalidReferenceError(
            f"invalid reference format: repository name (`{repository}`) must be lowercase",
            hint=f"write `{text.lower()}`",
        )
    if (
        len(registry) + len(repository) > 254
        or _REGISTRY.fullmatch(registry) is None
        or _REPOSITORY.fullmatch(repository) is None
    ):
        raise InvalidReferenceError(f"invalid reference format: `{text[:300]}`")
    if tag is not None and _TAG.fullmatch(tag) is None:
        raise InvalidReferenceError(
            f"invalid reference format: `{tag}` is not a tag",
            hint="use letters, digits, `_`, `.` and `-`, at most 128",
        )
