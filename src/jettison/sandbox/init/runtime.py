"""Start an OCI runtime in a mount namespace of its own.

In:  the decoded spec with a bundle; the root file system is mounted here, the rest by the runtime.
Out: the runtime runs as process 1 of an outer process namespace, so that ending it ends all.
"""

from __future__ import annotations


def run(spec: dict, streams: tuple[int, int, int], control: int) -> None:  # type: ignore[type-arg]
    """Mount and execute the runtime; never returns."""
    raise OSError(38, "no runtime")
