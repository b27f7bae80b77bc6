"""Caches that are neither in a registry nor in a directory, as one session knows them.

In:  cache places; sources of layers that such caches have said.
Out: backends; places of blobs. One client each, however many caches and layers use it.

What is given as attributes counts for the build that it was given to; later commands, which read a
layer that was left where it was, have what the environment says.

Concurrency: safe for threads.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from jettison.errors import ImageNotFoundError, UsageError
from jettison.oci.url import Url, UrlError
from jettison.remote.place import GHA, CachePlace

if TYPE_CHECKING:
    from jettison.image.remote import BlobPlace
    from jettison.registry.transport import Transport
    from jettison.remote.actions import ActionsService
    from jettison.remote.actions_cache import ActionsBlobs
    from jettison.remote.aws import S3Place
    from jettison.remote.backend import CacheBackend
    from jettison.remote.bucket import Bucket
    from jettison.remote.objects import ObjectBlobs

_ACTIONS = "gha://"


class CachePlaces:
    """The buckets and services of one session; close it.

    Args:
        environ: Has what attributes do not say.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._blobs: dict[str, BlobPlace] = {}
        self._transport: Transport | None = None
        self._lock = threading.RLock()

    def close(self) -> None:
        """Close all connections."""
        if self._transport is not None:
            self._transport.close()

    def is_elsewhere(self, at: CachePlace) -> bool:
        """Tell whether a cache is of a place that this process is not in: a job of GitHub's."""
        return at.kind == GHA and not all(_actions(at, self._environ))

    def backend(self, at: CachePlace, refresh_seconds: float) -> CacheBackend:
        """Return a cache.

        Args:
            at: Where it is.
            refresh_seconds: Blobs that are older are made new when they are used.

        Raises:
            UsageError: something that is needed was not given, or is none.
        """
        return self._service(at) if at.kind == GHA else self._bucket(at, refresh_seconds)

    def find(self, source: str) -> BlobPlace:
        """Return the blobs of a source.

        Raises:
            ImageNotFoundError: this process cannot ask there.
        """
        with self._lock:
            if source not in self._blobs:
                try:
                    self._blobs[source] = self._opened(source)
                except UsageError as error:
                    raise ImageNotFoundError(error.message, hint=error.hint) from None
            return self._blobs[source]

    def _opened(self, source: str) -> BlobPlace:
        if source.startswith(_ACTIONS):
            details = (("url_v2", unquote(source.removeprefix(_ACTIONS))),)
            at = CachePlace(GHA, details=details)
            if self.is_elsewhere(at):
                raise UsageError(
                    "a layer is in the cache of GitHub Actions, and this is no job of it:"
                    " ACTIONS_RUNTIME_TOKEN is not set",
                    hint="build the image again",
                )
            return self._actions_blobs(at)[1]
        from jettison.remote.aws import SCHEME, s3_source

        if not source.startswith(SCHEME):
            raise UsageError(f"`{source.partition('?')[0]}` is no place of layers that is known")
        return self._s3_blobs(s3_source(source), None)[1]

    def _bucket(self, at: CachePlace, refresh_seconds: float) -> CacheBackend:
        from jettison.remote.aws import s3_place
        from jettison.remote.objects import ObjectCache

        place = s3_place(at, self._environ)
        bucket, blobs = self._s3_blobs(place, at)
        with self._lock:
            self._blobs[place.source] = blobs
        return ObjectCache(bucket, place.source, place.index, blobs, refresh_seconds)

    def _s3_blobs(self, place: S3Place, at: CachePlace | None) -> tuple[Bucket, ObjectBlobs]:
        from jettison.remote.aws import HINT, s3_store
        from jettison.remote.bucket import Bucket
        from jettison.remote.objects import ObjectBlobs

        bucket = Bucket(place.title, s3_store(place, at, self._environ), HINT)
        return bucket, ObjectBlobs(bucket, place.blobs)

    def _service(self, at: CachePlace) -> CacheBackend:
        from jettison.remote.actions_cache import ActionsCache

        service, blobs, source = self._actions_blobs(at)
        with self._lock:
            self._blobs[source] = blobs
        return ActionsCache(service, blobs, source, at.place)

    def _actions_blobs(self, at: CachePlace) -> tuple[ActionsService, ActionsBlobs, str]:
        from jettison.registry.transport import Transport
        from jettison.remote.actions import ActionsService
        from jettison.remote.actions_cache import ActionsBlobs

        text, token = _actions(at, self._environ)
        try:
            url = Url.parse(text)
        except UrlError as error:
            raise UsageError(f"the URL of the cache of GitHub Actions is none: {error}") from None
        with self._lock:
            if self._transport is None:
                self._transport = Transport(self._environ)
        service = ActionsService(url, token, self._transport)
        blobs = ActionsBlobs(service, self._transport)
        return service, blobs, _ACTIONS + quote(str(url), safe="")


def _actions(at: CachePlace, environ: Mapping[str, str]) -> tuple[str, str]:
    """Return the URL of the service, and the token; either is empty where nothing says it."""
    url = at.detail("url_v2") or environ.get("ACTIONS_RESULTS_URL", "")
    url = url or at.detail("url") or environ.get("ACTIONS_CACHE_URL", "")
    return url, at.secrets.get("token") or environ.get("ACTIONS_RUNTIME_TOKEN", "")
