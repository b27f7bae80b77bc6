#!/usr/bin/env python3
"""Draw the pictures of docs/how-it-works.md into ``docs/pictures``, from the texts below.

    scripts/pictures.py

A picture is rows of boxes and of labels; a text that begins with ``*`` is kept in the store.
A test compares the files with what would be drawn now.
"""

from __future__ import annotations

from html import escape
from pathlib import Path

PLACE = Path(__file__).resolve().parents[1] / "docs" / "pictures"
HEIGHT, GAP, MARGIN, LETTER = 46, 34, 12, 7.4
STYLE = (
    "text{font:13px ui-monospace,monospace;fill:#222}.note{fill:#555;font-style:italic}"
    "rect.box{fill:#eef4fb;stroke:#4a6f9c}rect.kept{fill:#eaf6ea;stroke:#4c8a4c}"
    "path{stroke:#4a6f9c;fill:none;marker-end:url(#a)}rect.page{fill:#fff}"
)

Row = tuple[str, tuple[str, ...], str]
"""Kind (``chain`` of boxes, ``boxes``, ``labels`` below them), texts, note."""

PICTURES: dict[str, tuple[str, tuple[Row, ...]]] = {
    "build": (
        "From a Dockerfile to an image",
        (
            ("chain", ("Dockerfile", "syntax tree", "plan", "layers", "*image"), ""),
            ("labels", ("", "parse", "compile", "solve", "assemble"), ""),
            ("labels", (), "Up to the plan only the Dockerfile is read, and nothing runs."),
        ),
    ),
    "step": (
        "What happens to a step",
        (
            ("chain", ("step", "key", "*record", "*layer"), "found: nothing runs or is mounted"),
            ("chain", ("not found", "sandbox", "changes", "*layer"), "run once, whoever waits"),
            ("labels", (), "A key: digests of what the step reads."),
        ),
    ),
    "levels": (
        "Where RUN runs: the first that works",
        (
            ("boxes", ("embedded", "oci:crun, oci:runc", "single-id", "in-container"), ""),
            ("labels", ("own namespaces", "a runtime's", "with one user", "a chroot"), ""),
            ("labels", (), "Weaker to the right. The images are the same."),
        ),
    ),
}

MARKER = (
    '<marker id="a" markerWidth="8" markerHeight="8" refX="6" refY="3" orient="auto">'
    '<path style="marker-end:none;fill:#4a6f9c" d="M0 0L6 3L0 6z"/></marker>'
)


def drawn(name: str) -> str:
    """Return a picture as SVG."""
    title, rows = PICTURES[name]
    texts = [text for _, row, _ in rows for text in row]
    width = int(max(map(len, texts)) * LETTER) + 2 * MARGIN
    columns = max(len(row) for _, row, _ in rows)
    parts: list[str] = []
    y = MARGIN
    for kind, row, note in rows:
        height = HEIGHT if kind != "labels" else 20
        for column, text in enumerate(row):
            parts += _cell(kind, text, column, MARGIN + column * (width + GAP), y, width, height)
        y += height + 4 if row else 0
        if note:
            parts.append(f'<text class="note" x="{MARGIN}" y="{y + 12}">{escape(note)}</text>')
            y += 28
    size = f"{2 * MARGIN + columns * width + (columns - 1) * GAP} {y}"
    across, down = size.split()
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" width="{across}">',
            f"<title>{escape(title)}</title>",
            f"<style>{STYLE}</style>",
            f"<defs>{MARKER}</defs>",
            f'<rect class="page" width="{across}" height="{down}"/>',
            *parts,
            "</svg>\n",
        ]
    )


def _cell(kind: str, text: str, column: int, x: int, y: int, width: int, height: int) -> list[str]:
    """Return a box with its text and the arrow that leads to it, or the text alone."""
    parts = []
    middle = y + height // 2
    if kind != "labels":
        style = "kept" if text.startswith("*") else "box"
        size = f'width="{width}" height="{height}"'
        parts.append(f'<rect class="{style}" x="{x}" y="{y}" {size} rx="5"/>')
    if kind == "chain" and column:
        parts.append(f'<path d="M{x - GAP + 2} {middle}h{GAP - 8}"/>')
    where = f'x="{x + width // 2}" y="{middle + 4}" text-anchor="middle"'
    parts.append(f"<text {where}>{escape(text.removeprefix('*'))}</text>")
    return parts


def main() -> None:
    """Write all pictures."""
    PLACE.mkdir(exist_ok=True)
    for name in PICTURES:
        (PLACE / f"{name}.svg").write_text(drawn(name))


if __name__ == "__main__":
    main()
