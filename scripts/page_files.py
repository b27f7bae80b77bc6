"""Pages that scripts keep in a directory of their own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def write_pages(place: Path, pages: Mapping[str, str], pattern: str = "*.md") -> None:
    """Write every page by its file name, and remove those that match and are no more."""
    place.mkdir(parents=True, exist_ok=True)
    for path in place.glob(pattern):
        if path.name not in pages:
            path.unlink()
    for name, text in pages.items():
        (place / name).write_text(text)
