#!/usr/bin/env python3
"""Write the pages of all rules below ``docs/rules``, from the rules' docstrings."""

from __future__ import annotations

from pathlib import Path

from project_python import enter

enter()

from page_files import write_pages  # noqa: E402

from jettison.lint.pages import pages  # noqa: E402 - found through sys.path

PLACE = Path(__file__).resolve().parents[1] / "docs" / "rules"


def main() -> None:
    """Write every page and remove those of rules that are gone."""
    write_pages(PLACE, pages())


if __name__ == "__main__":
    main()
