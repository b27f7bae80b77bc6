"""The time of a named context, for ``SOURCE_DATE_EPOCH`` that names it.

In:  a named context.
Out: seconds since the epoch: of the commit, or of the server's Last-Modified.
"""

from __future__ import annotations

from jettison.source.access import Access
from jettison.source.context import DownloadSource, NamedSource, RepositorySource
from jettison.source.location import parse_git_url
from jettison.store.store import Store


def time_of_source(source: NamedSource, store: Store, access: Access) -> int | None:
    """Return the time of a repository or a download; None for what has no time.

    Args:
        source: What it is of.
        store: Keeps downloads.
        access: How its server is reached.

    Raises:
        SourceError: it cannot be fetched.
    """
    if isinstance(source, DownloadSource):
        from jettison.source.http import HttpSource

        http = HttpSource(store, access)
        try:
            return http.fetch(source.url).mtime_ns // 10**9 or None
        finally:
            http.close()
    if not isinstance(source, RepositorySource):
        return None
    from jettison.source.git import GitSource

    return GitSource(store, access).time(parse_git_url(source.url))
