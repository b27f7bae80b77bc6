"""A build goes on when layers of caches turn out to be lost: their steps run, after all.

In:  an attempt to build.
Out: its result, of the first attempt that found all layers where they were said to be.

Steps that ran in an attempt are in the store's cache, so the next one comes to the lost layer at
once. What is said of it was dropped when it was found to be lost (``image.files``).
"""

from __future__ import annotations

import time
from collections.abc import Callable

from jettison.api.request import BuildRequest, BuildResult
from jettison.api.session import Session
from jettison.errors import CachedLayerError
from jettison.events import Sink, Warned
from jettison.store.layer import LayerId

_MAX_LOST = 64
"""So many layers are built instead before a build gives up."""


def without_lost(
    session: Session, request: BuildRequest, sink: Sink, attempt: Callable[[], BuildResult]
) -> BuildResult:
    """Return the result of an attempt, with the caches of the request open meanwhile.

    Args:
        session: The open store; its ``caches`` are those of the attempt.
        request: Has the flags.
        sink: Gets a warning for each layer that was lost.
        attempt: Builds.

    Raises:
        NamespaceRequired: a cache is to be written, and the process may not read all files.
        JettisonError: as the attempt.
    """
    if request.cache_to:
        session.require_namespace()  # layers are packed; before anything is asked for
    lost: set[LayerId] = set()
    left = _MAX_LOST
    while True:
        try:
            if not request.cache_from and not request.cache_to:
                return attempt()
            from jettison.api.caches import open_caches  # as few builds have

            with open_caches(session, request, sink, lost):
                return attempt()
        except CachedLayerError as error:
            if error.layer in lost or not left:
                raise
            left -= 1
            lost.add(LayerId(error.layer))
            sink(Warned(time.time_ns(), f"{error.message}; the step that made it runs again"))
