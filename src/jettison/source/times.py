"""The time of a named context, for ``SOURCE_DATE_EPOCH`` that names it.

In:  a named context.
Out: seconds since the epoch: of the commit, or of the server's Last-Modified.
"""

from __future__ import annotations

from jettison.source.access import Access
from jettison.source.location import parse_git_url
from jettison.store.store import Store


def time_of_context(kind: str, url: str, store: Store, access: Access) -> int | None:
    """Return the time of a repository or a download; None for what has no time.

    Args:
        kind: As of ``NamedSource``.
        url: Where it is.
        store: Keeps downloads.
        access: How its server is reached.

    Raises:
        SourceError: it cannot be fetched.
    """
    if kind == "http":
        from jettison.source.http import HttpSource  # noqa: PLC0415

        source = HttpSource(store, access)
        try:
            return source.fetch(url).mtime_ns // 10**9 or None
        finally:
            source.close()
    if kind != "git":
        return None
    from jettison.source.git import GitSource  # noqa: PLC0415

    return GitSource(store, access).time(parse_git_url(url))
