"""``--cache-from`` and ``--cache-to``: ``type=registry,ref=…`` as buildx spells them.

In:  attributes of one flag.
Out: ``CacheImport``, ``CacheExport``; an error for whatever is unknown.

Source: BuildKit's cache backends.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

import msgspec

from jettison.errors import UsageError
from jettison.settings import parse_size
from jettison.spelling import truth

_COMMON_TO = frozenset({"type", "mode", "mounts", "ignore-error", "timeout", "max-size"})
_COMPRESSION = frozenset({"compression", "compression-level", "force-compression"})
_FORM = frozenset({"image-manifest", "oci-mediatypes"})
"""What buildx says of its own format: there is one here, and it is that of images."""
_FROM: Mapping[str, frozenset[str]] = {
    "registry": frozenset({"type", "ref", "registry.insecure", "timeout"}),
    "local": frozenset({"type", "src", "tag", "digest", "timeout"}),
}
_TO: Mapping[str, frozenset[str]] = {
    "registry": _COMMON_TO | _COMPRESSION | _FORM | {"ref", "registry.insecure"},
    "local": _COMMON_TO | _COMPRESSION | _FORM | {"dest", "tag", "reset"},
    "inline": frozenset({"type", "mode", "ignore-error"}),
}
LATER = frozenset({"s3", "gha", "azblob"})
"""Types of buildx that are not here."""
_TIMEOUT = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?")
REGISTRY, LOCAL, INLINE = "registry", "local", "inline"
EXPORT_SECONDS = 600.0
IMPORT_SECONDS = 60.0


class CachePlace(msgspec.Struct, frozen=True):
    """Where a cache is.

    Args:
        kind: ``registry``, ``local`` or ``inline``.
        place: Reference, or directory.
        tag: Of a directory.
    """

    kind: str
    place: str = ""
    tag: str = "latest"

    @property
    def title(self) -> str:
        """What people call it."""
        return f"{self.kind} cache `{self.place}`" if self.place else f"{self.kind} cache"


class CacheImport(msgspec.Struct, frozen=True):
    """A value of ``--cache-from``; ``seconds`` is how long it may keep a build waiting in all."""

    at: CachePlace
    seconds: float = IMPORT_SECONDS


class CacheExport(msgspec.Struct, frozen=True):
    """A value of ``--cache-to``.

    Args:
        at: Where.
        everything: Layers of all steps (``mode=max``), not only of the image's.
        ignore_error: Whether a failure is a warning only.
        seconds: How long it may take when all else is done; 0 is without limit.
        max_bytes: Of all blobs; what was not used for longest goes; 0 is without limit.
        compression: ``gzip``, ``zstd`` or ``none``; empty is that of the image.
        level: Of the compressor; None is its default.
        reset: Begin anew: what is there goes.
        mounts: Whether cache mounts are in it, too.
    """

    at: CachePlace
    everything: bool = False
    ignore_error: bool = False
    seconds: float = EXPORT_SECONDS
    max_bytes: int = 0
    compression: str = ""
    level: int | None = None
    reset: bool = False
    mounts: bool = False


def cache_import(flag: str, given: Mapping[str, str]) -> CacheImport:
    """Return what ``--cache-from`` asks for.

    Raises:
        UsageError: the type or an attribute is unknown, wrong or missing.
    """
    kind = _kind(flag, given, _FROM)
    if kind == "local" and given.get("digest"):
        raise UsageError(f"{flag}: `digest` is not supported", hint="name what is wanted by `tag=`")
    return CacheImport(_place(flag, kind, given, "src"), _seconds(flag, given, IMPORT_SECONDS))


def cache_export(flag: str, given: Mapping[str, str]) -> CacheExport:
    """Return what ``--cache-to`` asks for.

    Raises:
        UsageError: the type or an attribute is unknown, wrong or missing.
    """
    kind = _kind(flag, given, _TO)
    mode = given.get("mode", "min")
    if mode not in {"min", "max"}:
        raise UsageError(f"{flag}: `mode={mode}` is unknown", hint="write mode=min or mode=max")
    if kind == "inline" and mode == "max":
        raise UsageError(
            f"{flag}: an image holds its own layers only: no `mode=max`",
            hint="use `type=registry,ref=…,mode=max`",
        )
    compression = given.get("compression", "")
    if compression not in {"", "gzip", "zstd", "uncompressed"}:
        raise UsageError(
            f"{flag}: `compression={compression}` is unknown",
            hint="write gzip, zstd or uncompressed",
        )
    if _flag(flag, given, "force-compression", default=False):
        raise UsageError(
            f"{flag}: `force-compression` is not supported: all layers of a cache are made here",
            hint="drop it",
        )
    level = given.get("compression-level", "")
    if level and not re.fullmatch(r"-?\d{1,3}", level):
        raise UsageError(f"{flag}: `compression-level={level}` is no number")
    if level and not compression:
        raise UsageError(f"{flag}: `compression-level` needs `compression=`")
    return CacheExport(
        _place(flag, kind, given, "dest"),
        everything=mode == "max",
        ignore_error=_flag(flag, given, "ignore-error", default=False),
        seconds=_seconds(flag, given, EXPORT_SECONDS),
        max_bytes=parse_size(f"{flag} max-size", given.get("max-size", "")),
        compression="none" if compression == "uncompressed" else compression,
        level=int(level) if level else None,
        reset=_flag(flag, given, "reset", default=False),
        mounts=_flag(flag, given, "mounts", default=False),
    )


def _kind(flag: str, given: Mapping[str, str], known: Mapping[str, frozenset[str]]) -> str:
    kind = given.get("type", "")
    if kind not in known:
        raise UsageError(f"{flag}: `type={kind}` is unknown", hint=f"use one of {', '.join(known)}")
    unknown = sorted(given.keys() - known[kind])
    if unknown:
        raise UsageError(
            f"{flag}: `{unknown[0]}` is no attribute of type={kind}",
            hint=f"it has {', '.join(sorted(known[kind] - {'type'}))}",
        )
    return kind


def _place(flag: str, kind: str, given: Mapping[str, str], path: str) -> CachePlace:
    name = {"registry": "ref", "local": path}.get(kind)
    place = given.get(name, "") if name is not None else ""
    if name is not None and not place:
        raise UsageError(f"{flag}: type={kind} needs `{name}=`")
    if kind == "local":
        place = os.path.abspath(place)
    if _flag(flag, given, "registry.insecure", default=False):
        raise UsageError(
            f"{flag}: `registry.insecure` is a setting of the host, not of a cache",
            hint="name the registry with `--insecure-registry HOST`",
        )
    return CachePlace(kind, place, given.get("tag", "") or "latest")


def _flag(flag: str, given: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = given.get(name)
    if text is None:
        return default
    found = truth(text)
    if found is None:
        raise UsageError(f"{flag}: `{name}={text}` is neither true nor false")
    return found


def _seconds(flag: str, given: Mapping[str, str], default: float) -> float:
    text = given.get("timeout", "")
    if not text:
        return default
    match = _TIMEOUT.fullmatch(text)
    if match is None:
        raise UsageError(f"{flag}: `timeout={text}` is no duration", hint="write 90s, 10m or 1h30m")
    hours, minutes, seconds = (float(each or 0) for each in match.groups())
    return hours * 3600 + minutes * 60 + seconds
