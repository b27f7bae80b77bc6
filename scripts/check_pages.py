#!/usr/bin/env python3
"""Write the pages of all rules of images below ``docs/checks``, from the rules' docstrings."""

from __future__ import annotations

from pathlib import Path

from project_python import enter

enter()

from page_files import write_pages  # noqa: E402

from jettison.check.pages import pages  # noqa: E402 - found through sys.path
from jettison.lint.registry import OWN_RULES  # noqa: E402

PLACE = Path(__file__).resolve().parents[1] / "docs" / "checks"


def main() -> None:
    """Write every page and remove those of rules that are gone."""
    write_pages(PLACE, pages(OWN_RULES), "ms*.md")


if __name__ == "__main__":
    main()
