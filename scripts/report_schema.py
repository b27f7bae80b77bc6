#!/usr/bin/env python3
"""Write ``docs/reference/report.schema.json`` and ``docs/reference/report.md``."""

from __future__ import annotations

from pathlib import Path

from project_python import enter

enter()

import msgspec  # noqa: E402

from jettison.report.schema import page, schema  # noqa: E402 - found through sys.path

PLACE = Path(__file__).resolve().parents[1] / "docs" / "reference"


def documents() -> dict[str, bytes]:
    """Return the files by name."""
    data = msgspec.json.format(msgspec.json.encode(schema()), indent=2) + b"\n"
    return {"report.schema.json": data, "report.md": page().encode()}


def main() -> None:
    """Write both files."""
    for name, data in documents().items():
        (PLACE / name).write_bytes(data)


if __name__ == "__main__":
    main()
