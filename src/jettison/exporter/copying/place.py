"""Places that images are copied from and to, as skopeo writes them.

In:  ``docker://NAME``, ``oci:DIR[:NAME]``, ``oci-archive:FILE[:NAME]``,
     ``docker-archive:FILE[:NAME]``, ``store:NAME``, or a name alone.
Out: ``Place``.

Source: containers-transports(5).
"""

from __future__ import annotations

import re

import msgspec

from jettison.errors import InvalidManifestError, InvalidReferenceError
from jettison.image.layout import SCHEME, parse_layout_reference
from jettison.oci.digest import Digest, parse_digest
from jettison.oci.reference import Reference, names_registry, parse_reference

REGISTRY, LAYOUT, OCI_ARCHIVE, DOCKER_ARCHIVE, STORE, BARE = (
    "docker",
    "oci",
    "oci-archive",
    "docker-archive",
    "store",
    "",
)
ENGINES = frozenset({"docker-daemon", "podman"})
"""Engines of this machine; see ``api.copy``."""

_PATHS = frozenset({LAYOUT, OCI_ARCHIVE, DOCKER_ARCHIVE})
_NAMES = frozenset({STORE, *ENGINES})
_ELSEWHERE = {
    "containers-storage": "podman's store is its own: use `docker-archive:FILE` and `podman load`",
    "dir": "use `oci:DIR`, a layout directory",
    "ostree": "use `oci:DIR`, a layout directory",
    "sif": "use `oci-archive:FILE`",
    "tarball": "build an image with `ADD FILE /`",
}
"""Transports that others know, and what to do instead."""

_TRANSPORT = re.compile(r"([a-z][a-z-]*):")
_ENTRY = re.compile(r"@([0-9]{1,6})")
_SPELLINGS = "docker://NAME, oci:DIR[:NAME], oci-archive:FILE, docker-archive:FILE, store:NAME"


class Place(msgspec.Struct, frozen=True):
    """Where an image is, or goes.

    Args:
        transport: ``docker``, ``oci``, ``oci-archive``, ``docker-archive``, ``store``, the name of
            an engine, or nothing for a name alone.
        text: As written.
        path: Directory or file.
        name: In a layout, an archive, the store or an engine; empty for what is there alone.
        digest: Of a manifest in a layout or an archive.
        entry: Position in the index of a layout or an archive, from 0.
        reference: Of a registry.
    """

    transport: str
    text: str
    path: str = ""
    name: str = ""
    digest: Digest | None = None
    entry: int | None = None
    reference: Reference | None = None


def parse_place(text: str) -> Place:
    """Return the place that a text names.

    Raises:
        InvalidReferenceError: it names none.

    >>> parse_place("oci:images/app:1.0").name, parse_place("docker://alpine").reference.tag
    ('1.0', 'latest')
    """
    if text.startswith("docker://"):
        return Place(REGISTRY, text, reference=parse_reference(text.removeprefix("docker://")))
    if text.startswith(SCHEME):
        found = parse_layout_reference(text)
        return Place(LAYOUT, text, found.path, found.tag, found.digest)
    match = _TRANSPORT.match(text)
    transport = match[1] if match is not None else ""
    rest = text[len(transport) + 1 :]
    if transport in _PATHS:
        return _in_path(transport, text, rest)
    if transport in _NAMES:
        if not rest:
            raise InvalidReferenceError(f"`{text}` names no image", hint=f"write {transport}:NAME")
        return Place(transport, text, name=rest)
    if transport in _ELSEWHERE:
        raise InvalidReferenceError(
            f"images of `{transport}:` are not copied", hint=_ELSEWHERE[transport]
        )
    if text.startswith((".", "/", "~")) or "://" in text:
        raise InvalidReferenceError(
            f"`{text[:300]}` does not say what is there", hint=f"write one of {_SPELLINGS}"
        )
    return Place(BARE, text, name=text, reference=_reference(text))


def destination(place: Place) -> Place:
    """Return where a copy goes; a name alone is of a registry, if it says of which.

    Raises:
        InvalidReferenceError: it does not.
    """
    if place.transport != BARE:
        return place
    if not names_registry(place.name):
        raise InvalidReferenceError(
            f"`{place.name}` may be a name of the local store or of docker.io",
            hint=f"write store:{place.name} or docker://{place.name}",
        )
    return msgspec.structs.replace(place, transport=REGISTRY)


def _reference(text: str) -> Reference | None:
    """Return what a name alone is in a registry; None for the beginning of an image's ID."""
    return None if text.startswith("sha256:") else parse_reference(text)


def _in_path(transport: str, text: str, rest: str) -> Place:
    path, colon, name = rest.partition(":")
    digest, entry = None, None
    if not colon or "@sha" in path:
        path, at, said = rest.partition("@sha")
        digest, name = (_digest(text, f"sha{said}"), "") if at else (None, name)
    if not path:
        raise InvalidReferenceError(f"`{text}` names no path", hint=f"write {transport}:PATH")
    if match := _ENTRY.fullmatch(name):
        name, entry = "", int(match[1])
    if name and transport == DOCKER_ARCHIVE:
        name = parse_reference(name).familiar
    return Place(transport, text, path, name, digest, entry)


def _digest(text: str, said: str) -> Digest:
    try:
        return parse_digest(said)
    except InvalidManifestError as error:
        raise InvalidReferenceError(f"`{text[:300]}`: {error.message}") from error
