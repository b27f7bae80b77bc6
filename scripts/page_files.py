"""Pages that scripts keep in a directory of their own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def write_pages(place: Path, pages: Mapping[str, str]) -> None:
    """Write every page by its file name, and remove those that are no more."""
    place.mkdir(parents=True, exist_ok=True)
    for path in place.glob("*.md"):
        if path.name not in pages:
            path.unlink()
    for name, text in pages.items():
        (place / name).write_text(text)
