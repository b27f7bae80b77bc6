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
from jettison.remote.attributes import (
    FROM,
    GHA_PLACE,
    GHA_SECRETS,
    S3_PLACE,
    S3_SECRETS,
    TO,
    is_true,
    known_kind,
    positive,
    seconds,
)
from jettison.remote.place import GHA, INLINE, LOCAL, REGISTRY, S3, CachePlace, placed
from jettison.settings import parse_size

EXPORT_SECONDS = 600.0
IMPORT_SECONDS = 60.0
REFRESH_SECONDS = 24 * 3600.0
"""How exactly the time of the last use is kept."""
UPLOADS = 3
_MOST_UPLOADS = 32
_SCOPE = re.compile(r"[A-Za-z0-9!_.*'()@:+=~/ -]{1,200}")


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
        refresh_seconds: After so long the time of the last use of a record and its blob is renewed.
        uploads: How many layers are sent at a time.
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
    refresh_seconds: float = REFRESH_SECONDS
    uploads: int = UPLOADS


def cache_import(flag: str, given: Mapping[str, str]) -> CacheImport:
    """Return what ``--cache-from`` asks for.

    Raises:
        UsageError: the type or an attribute is unknown, wrong or missing.
    """
    kind = known_kind(flag, given, FROM)
    if kind == LOCAL and given.get("digest"):
        raise UsageError(f"{flag}: `digest` is not supported", hint="name what is wanted by `tag=`")
    return CacheImport(
        _place(flag, kind, given, "src"), seconds(flag, given, "timeout", IMPORT_SECONDS)
    )


def cache_export(flag: str, given: Mapping[str, str]) -> CacheExport:
    """Return what ``--cache-to`` asks for.

    Raises:
        UsageError: the type or an attribute is unknown, wrong or missing.
    """
    kind = known_kind(flag, given, TO)
    mode = given.get("mode", "min")
    if mode not in {"min", "max"}:
        raise UsageError(f"{flag}: `mode={mode}` is unknown", hint="write mode=min or mode=max")
    if kind == INLINE and mode == "max":
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
    if is_true(flag, given, "force-compression"):
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
        ignore_error=is_true(flag, given, "ignore-error"),
        seconds=seconds(flag, given, "timeout", EXPORT_SECONDS),
        max_bytes=parse_size(f"{flag} max-size", given.get("max-size", "")),
        compression="none" if compression == "uncompressed" else compression,
        level=int(level) if level else None,
        reset=is_true(flag, given, "reset"),
        mounts=is_true(flag, given, "mounts"),
        refresh_seconds=seconds(flag, given, "touch_refresh", REFRESH_SECONDS),
        uploads=positive(flag, given, "upload_parallelism", UPLOADS, _MOST_UPLOADS),
    )


def by_name(given: Mapping[str, str]) -> list[dict[str, str]]:
    """Return the attributes of each cache that ``name=a;b`` names in a bucket."""
    names = [each for each in given.get("name", "").split(";") if each]
    return [{**given, "name": each} for each in names] or [dict(given)]


def _place(flag: str, kind: str, given: Mapping[str, str], path: str) -> CachePlace:
    if kind == S3:
        return _in_bucket(flag, given)
    if kind == GHA:
        return _of_actions(flag, given)
    name = {REGISTRY: "ref", LOCAL: path}.get(kind)
    place = given.get(name, "") if name is not None else ""
    if name is not None and not place:
        raise UsageError(f"{flag}: type={kind} needs `{name}=`")
    if kind == LOCAL:
        place = os.path.abspath(place)
    if is_true(flag, given, "registry.insecure"):
        raise UsageError(
            f"{flag}: `registry.insecure` is a setting of the host, not of a cache",
            hint="name the registry with `--insecure-registry HOST`",
        )
    return CachePlace(kind, place, given.get("tag", "") or "latest")


def _in_bucket(flag: str, given: Mapping[str, str]) -> CachePlace:
    if given.get("retry_mode", "") not in {"", "standard", "adaptive"}:
        raise UsageError(f"{flag}: `retry_mode` is neither standard nor adaptive")
    is_true(flag, given, "disable_accept_encoding")  # none is sent
    changed = {**given, "use_path_style": "true" if is_true(flag, given, "use_path_style") else ""}
    positive(flag, given, "retry_max_attempts", 1, 1)
    if bool(given.get("access_key_id")) != bool(given.get("secret_access_key")):
        raise UsageError(f"{flag}: `access_key_id` and `secret_access_key` go together")
    name = given.get("name", "") or "buildkit"
    return placed(S3, name, changed, details=S3_PLACE, secrets=S3_SECRETS)


def _of_actions(flag: str, given: Mapping[str, str]) -> CachePlace:
    if given.get("version", "") not in {"", "2"}:
        raise UsageError(
            f"{flag}: the service of GitHub has version 2 only", hint="drop `version=`"
        )
    scope = given.get("scope", "") or "buildkit"
    if _SCOPE.fullmatch(scope) is None:
        raise UsageError(
            f"{flag}: `scope={scope}` cannot be a part of a key",
            hint="use letters, digits and `-_./`, up to 200",
        )
    return placed(GHA, scope, given, details=GHA_PLACE, secrets=GHA_SECRETS)
