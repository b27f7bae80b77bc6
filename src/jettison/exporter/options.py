"""Attributes of ``--output``, checked.

In:  names and values as written: ``compression=zstd``, ``annotation.org.example=1``.
Out: typed values; an error for whatever is unknown.

Source: BuildKit's exporter attributes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from jettison.errors import UsageError
from jettison.image.manifest import Compression
from jettison.image.names import tag_reference
from jettison.oci.platform import Platform, parse_platform
from jettison.oci.reference import Reference

_TRUE = frozenset({"true", "1", "t", "yes", ""})
_FALSE = frozenset({"false", "0", "f", "no"})
_COMPRESSIONS = {"uncompressed": "none", "none": "none", "gzip": "gzip", "zstd": "zstd"}
_LEVELS = {"none": (0, 0), "gzip": (0, 9), "zstd": (1, 22)}
_ANNOTATION = re.compile(
    r"annotation(?:-(manifest|index|manifest-descriptor|index-descriptor))?(?:\[([^\]]+)\])?\.(.+)"
)


class Annotations(msgspec.Struct, frozen=True):
    """Annotations by where they go; (platform or None, key, value)."""

    manifest: tuple[tuple[Platform | None, str, str], ...] = ()
    manifest_descriptor: tuple[tuple[Platform | None, str, str], ...] = ()
    index: tuple[tuple[Platform | None, str, str], ...] = ()
    index_descriptor: tuple[tuple[Platform | None, str, str], ...] = ()

    @staticmethod
    def of(
        annotations: tuple[tuple[Platform | None, str, str], ...], platform: Platform | None = None
    ) -> dict[str, str]:
        """Return those for a platform, in the order written."""
        return {key: value for where, key, value in annotations if where in (None, platform)}


class ImageOptions(msgspec.Struct, frozen=True):
    """Attributes of all outputs that are images.

    Args:
        names: References it gets.
        compression: Of the layers.
        oci: OCI's or docker's media types; None is the output's default.
        annotations: Of manifest and index.
    """

    names: tuple[Reference, ...]
    compression: Compression
    oci: bool | None
    annotations: Annotations


class Attributes:
    """Attributes of one output, taken one by one; ``finish`` complains about what is left.

    Args:
        kind: The output's type, for messages.
        values: As written.
    """

    def __init__(self, kind: str, values: Mapping[str, str]) -> None:
        self._kind = kind
        self._left = dict(values)
        self._known: set[str] = set()

    def text(self, name: str, default: str = "") -> str:
        """Take an attribute."""
        self._known.add(name)
        return self._left.pop(name, default)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Take an attribute that is true or false.

        Raises:
            UsageError: it is neither.
        """
        found = self.maybe_flag(name)
        return default if found is None else found

    def maybe_flag(self, name: str) -> bool | None:
        """Take an attribute that is true, false or absent.

        Raises:
            UsageError: it is something else.
        """
        self._known.add(name)
        if name not in self._left:
            return None
        value = self._left.pop(name)
        if value.lower() in _TRUE:
            return True
        if value.lower() in _FALSE:
            return False
        raise UsageError(f"`{name}={value}` of `type={self._kind}` is neither true nor false")

    def number(self, name: str) -> int | None:
        """Take an attribute that is a number.

        Raises:
            UsageError: it is none.
        """
        value = self.text(name)
        if not value:
            return None
        if not value.isascii() or not value.isdigit() or len(value) > 12:
            raise UsageError(f"`{name}={value}` of `type={self._kind}` is not a number")
        return int(value)

    def image(self) -> ImageOptions:
        """Take the attributes that all images have.

        Raises:
            UsageError: one has a wrong value.
            InvalidReferenceError: a name is none.
        """
        names = [name.strip() for name in self.text("name").split(",")]
        return ImageOptions(
            names=tuple(tag_reference(name) for name in names if name),
            compression=self._compression(),
            oci=self.maybe_flag("oci-mediatypes"),
            annotations=self._annotations(),
        )

    def finish(self) -> None:
        """Check that nothing is left.

        Raises:
            UsageError: an attribute is unknown; says which there are.
        """
        if self._left:
            name = min(self._left)
            raise UsageError(
                f"unknown attribute `{name}` of output `type={self._kind}`",
                hint=f"it takes {', '.join(f'`{known}`' for known in sorted(self._known))}",
            )

    def _compression(self) -> Compression:
        text = self.text("compression", "gzip")
        name = _COMPRESSIONS.get(text)
        if name is None:
            raise UsageError(f"unknown compression `{text}`", hint="use uncompressed, gzip or zstd")
        level = self.number("compression-level")
        low, high = _LEVELS[name]
        if level is not None and not low <= level <= high:
            raise UsageError(f"`compression-level={level}` is not between {low} and {high}")
        return Compression(name, level, self.flag("force-compression"))

    def _annotations(self) -> Annotations:
        self._known.add("annotation.KEY")
        found: dict[str, list[tuple[Platform | None, str, str]]] = {}
        for name in list(self._left):
            match = _ANNOTATION.fullmatch(name)
            if match is not None:
                where = (match.group(1) or "manifest").replace("-", "_")
                platform = parse_platform(match.group(2)) if match.group(2) else None
                found.setdefault(where, []).append((platform, match.group(3), self._left.pop(name)))
        return Annotations(**{where: tuple(values) for where, values in found.items()})
