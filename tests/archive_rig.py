"""Archives and zstd by the standard library, or its backport, on any Python that is supported.

``extractall(filter=...)`` came with Python 3.11.4; the attribute that chooses the same is ignored
by those before it, of which Debian 12 has one.
"""

from __future__ import annotations

import sys
import tarfile
from pathlib import Path

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["unpack", "zstd"]


def unpack(tar: tarfile.TarFile, into: Path, *, trusted: bool = False) -> None:
    """Unpack an open archive into a directory.

    Args:
        trusted: Owners, modes and paths are taken as they are.
    """
    name = "fully_trusted_filter" if trusted else "data_filter"
    tar.extraction_filter = getattr(tarfile, name, None)  # type: ignore[assignment]
    tar.extractall(into, numeric_owner=trusted)
