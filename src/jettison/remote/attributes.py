"""Attributes of ``--cache-from`` and ``--cache-to``: which types have which, and their values.

In:  attributes of one flag, as written.
Out: truths, durations, numbers; an error for what is unknown, which quotes no credentials.

Source: BuildKit's cache backends.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from jettison.errors import UsageError
from jettison.remote.place import GHA, INLINE, LOCAL, REGISTRY, S3
from jettison.spelling import truth

_COMMON_TO = frozenset({"type", "mode", "mounts", "ignore-error", "timeout", "max-size", "reset"})
_COMPRESSION = frozenset({"compression", "compression-level", "force-compression"})
_FORM = frozenset({"image-manifest", "oci-mediatypes"})
"""What buildx says of its own format: there is one here, and it is that of images."""

S3_PLACE = frozenset(
    {"region", "bucket", "prefix", "blobs_prefix", "manifests_prefix", "endpoint_url"}
    | {"use_path_style", "retry_max_attempts"}
)
S3_SECRETS = frozenset({"access_key_id", "secret_access_key", "session_token"})
_S3 = S3_PLACE | S3_SECRETS | {"type", "name", "timeout", "disable_accept_encoding", "retry_mode"}
GHA_PLACE = frozenset({"url", "url_v2"})
GHA_SECRETS = frozenset({"token"})
_GHA = GHA_PLACE | GHA_SECRETS | {"type", "scope", "timeout", "version", "repository", "ghtoken"}

FROM: Mapping[str, frozenset[str]] = {
    REGISTRY: frozenset({"type", "ref", "registry.insecure", "timeout"}),
    LOCAL: frozenset({"type", "src", "tag", "digest", "timeout"}),
    S3: _S3,
    GHA: _GHA,
}
TO: Mapping[str, frozenset[str]] = {
    REGISTRY: _COMMON_TO | _COMPRESSION | _FORM | {"ref", "registry.insecure"},
    LOCAL: _COMMON_TO | _COMPRESSION | _FORM | {"dest", "tag"},
    INLINE: frozenset({"type", "mode", "ignore-error"}),
    S3: _COMMON_TO | _COMPRESSION | _S3 | {"touch_refresh", "upload_parallelism"},
    GHA: _COMMON_TO | _COMPRESSION | _GHA,
}
LATER = frozenset({"azblob"})
"""Types of buildx that are not here."""

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|h|m|s))+|\d+(?:\.\d+)?", re.ASCII)
_SECRET = re.compile(
    r"((?:secret|session|token|ghtoken|access)[a-z_]*=)(?:\"[^\"]*\"|[^,]*)(?:,[^=,]*(?=,|$))*"
)
"""What has no name of its own after a credential may be the rest of it."""


def known_kind(flag: str, given: Mapping[str, str], known: Mapping[str, frozenset[str]]) -> str:
    """Return the type, all of whose attributes are known.

    Raises:
        UsageError: it is none, or has no such attribute.
    """
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


def is_true(flag: str, given: Mapping[str, str], name: str) -> bool:
    """Return a truth, which is false unless it is given.

    Raises:
        UsageError: it is none.
    """
    text = given.get(name)
    if text is None:
        return False
    found = truth(text)
    if found is None:
        raise UsageError(f"{flag}: `{name}={text}` is neither true nor false")
    return found


def seconds(flag: str, given: Mapping[str, str], name: str, default: float) -> float:
    """Return a duration as Go writes it, or seconds.

    Raises:
        UsageError: it is none.
    """
    text = given.get(name, "")
    if not text:
        return default
    if _DURATION.fullmatch(text) is None:
        raise UsageError(f"{flag}: `{name}={text}` is no duration", hint="write 90s, 10m or 1h30m")
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|[hms]|)", text)
    return sum(float(number) * _UNITS[unit or "s"] for number, unit in parts)


def positive(flag: str, given: Mapping[str, str], name: str, default: int, most: int) -> int:
    """Return a number of at least one.

    Raises:
        UsageError: it is none.
    """
    text = given.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text)):
        raise UsageError(f"{flag}: `{name}={text}` is no number of at least 1")
    return min(int(text), most)


def without_secrets(text: str) -> str:
    """Return the text of a flag for messages.

    >>> without_secrets("type=s3,secret_access_key=abc,def,bucket=b")
    'type=s3,secret_access_key=…,bucket=b'
    """
    return _SECRET.sub(r"\1…", text)
