#!/usr/bin/env python3
"""Take the pictures of docs/guides/html-report.md: an HTML report in a headless Chromium.

    scripts/report_pictures.py [REPORT.html]

In:  an HTML report; without one the Node example is built twice, the second time with a change, so
     that some steps are found in the cache and one says why it ran.
Out: ``docs/pictures/report-WIDTH-SCHEME.webp``, each of at most 60 kB.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from browser import Browser, find_browser
from project_python import enter

ROOT = Path(__file__).resolve().parents[1]
PLACE = ROOT / "docs" / "pictures"
SIZES = {1600: 1240, 900: 1260, 400: 1420}
"""Width of the window to height of the picture, in pixels."""

PARTS = {"stages": ("#stages", 1100, 700), "timeline": ("#timeline", 1100, 1060)}
"""Sections that have pictures of their own: where, width and height."""

MAX_BYTES = 60_000


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("report", nargs="?", type=Path, help="an HTML report that is there")
    given = parser.parse_args()
    program = find_browser()
    if program is None:
        raise SystemExit("a Chromium is needed, such as Debian's `chromium-headless-shell`")
    with tempfile.TemporaryDirectory(prefix="jettison-pictures-") as name:
        report = given.report or build(Path(name))
        with Browser(program) as browser:
            for (part, width, scheme), data in pictures(browser, report):
                (PLACE / f"report-{part or width}-{scheme}.webp").write_bytes(data)


def build(work: Path) -> Path:
    """Build the Node example, change a file of it, build it again, and return that report."""
    context = work / "node"
    shutil.copytree(ROOT / "examples" / "node", context)
    jettison = [Path(sys.executable).with_name("jettison"), "build", "--ca-bundle", "host"]
    argv = [*jettison, "-t", "node-example", context]
    subprocess.run(argv, check=True)
    with (context / "src" / "server.ts").open("a") as file:
        file.write(f"// changed {time.time_ns()}\n")  # what no earlier run has cached
    report = work / "report.html"
    subprocess.run([*argv, "--report", f"html={report}"], check=True)
    return report


def pictures(browser: Browser, report: Path) -> list[tuple[tuple[str, int, str], bytes]]:
    """Return (part, width, scheme) and the picture, for all of them."""
    taken = []
    for scheme in ("light", "dark"):
        for width, height in SIZES.items():
            browser.look(width, 1000, dark=scheme == "dark")
            browser.open(report)
            taken.append((("", width, scheme), small(browser, (0, 0, width, height))))
        for part, (selector, width, most) in PARTS.items():
            browser.look(width, 1000, dark=scheme == "dark")
            browser.open(report)
            top, height = browser.evaluate(
                f"(box => [box.y + scrollY, box.height])"
                f"(document.querySelector('{selector}').getBoundingClientRect())"
            )
            clip = (0, top, width, min(most, height))
            taken.append(((part, width, scheme), small(browser, clip)))
    return taken


def small(browser: Browser, clip: tuple[float, float, float, float]) -> bytes:
    """Return the best picture that is small enough."""
    for quality in range(90, 10, -10):
        data = browser.picture("webp", quality, clip)
        if len(data) <= MAX_BYTES:
            return data
    raise SystemExit(f"no picture of {clip} has less than {MAX_BYTES} bytes")


if __name__ == "__main__":
    enter()
    main()
