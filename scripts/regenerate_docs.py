#!/usr/bin/env python3
"""Run the commands of the documentation's pages, and print what they say into the pages.

    scripts/regenerate_docs.py                  all pages
    scripts/regenerate_docs.py caching ci       these
    scripts/regenerate_docs.py --check          write nothing; status 1 if a page is not true

Run from a checkout with ``.venv`` (``./test`` makes it), as root or as a user with subordinate
ids. Output that differs in times, sizes, digests and the like only stays as it is printed. What
marks a page may have says tests/pages/page.py.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from project_python import enter

enter()

from pages.readings import READINGS, read  # noqa: E402 - found through sys.path

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Run the program; return its exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("pages", nargs="*", metavar="PAGE", help="part of a page's path")
    parser.add_argument("--check", action="store_true", help="write nothing")
    args = parser.parse_args()
    wrong = 0
    for reading in READINGS:
        if args.pages and not any(word in page for word in args.pages for page in reading.pages):
            continue
        with tempfile.TemporaryDirectory(prefix="jettison-mirror-") as place:
            for page, outcome in read(reading, Path(place)):
                for fault in outcome.faults:
                    sys.stdout.write(f"{fault}\n\n")
                wrong += len(outcome.faults)
                if not args.check:
                    (ROOT / page).write_text(outcome.text, encoding="utf-8")
    return int(args.check and wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
