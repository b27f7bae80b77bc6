#!/usr/bin/env python3
"""Record the README's quick start in a real terminal (tmux) as an animated picture.

    scripts/record_demo.py          writes docs/pictures/demo.svg

The commands run as the pages' tests run them: in a fresh home, against a registry and an index of
packages on this machine. The picture shows its last screen where nothing moves pictures. All of it
lasts ``LASTS`` seconds, each screen at least ``STILL`` of them.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import tempfile
import time
from contextlib import ExitStack
from html import escape
from pathlib import Path

from project_python import enter

enter()

from pages.packages import index  # noqa: E402 - found through sys.path
from pages.readings import READINGS, bases  # noqa: E402
from pages.world import World, mirror  # noqa: E402

PLACE = Path(__file__).resolve().parents[1] / "docs" / "pictures" / "demo.svg"
COMMANDS = (
    "jettison build --sizes -t python-multistage examples/python-poetry",
    "jettison run --rm python-multistage",
)
DONE = ("image without multi-stage:", "Hello from a Python multi-stage")
COLUMNS, ROWS = 100, 28
EVERY, SECONDS = 0.25, 300
LASTS, STILL = 16.0, 0.3
WIDTH, HEIGHT, SIZE = 8.43, 18, 14
COLOURS = ("777", "e05561", "8cc265", "d18f52", "4aa5f0", "c162de", "42b3c2", "ddd")

Frame = tuple[float, list[str]]


def recorded(world: World) -> list[Frame]:
    """Return what the screen shows, each time that it changes: seconds, rows with colours."""
    frames: list[Frame] = []
    env = [f"{name}={value}" for name, value in world.env.items()]
    shell = [*world.become, "env", "-i", *env, "TERM=xterm-256color", "PS1=$ ", "bash", "--norc"]
    with tempfile.TemporaryDirectory() as place:
        tmux = ["tmux", "-S", f"{place}/socket", "-f", "/dev/null"]
        size = ["-x", str(COLUMNS), "-y", str(ROWS)]
        directory = ["-c", str(world.home / "jettison")]
        subprocess.run(
            [*tmux, "new-session", "-d", *size, *directory, shlex.join(shell)], check=True
        )
        try:
            subprocess.run([*tmux, "set", "-g", "status", "off"], check=True)
            begun = time.monotonic()
            for command, done in zip(COMMANDS, DONE, strict=True):
                subprocess.run([*tmux, "send-keys", "-l", command], check=True)
                _watch(tmux, frames, begun, lambda text: True)
                subprocess.run([*tmux, "send-keys", "Enter"], check=True)
                _watch(tmux, frames, begun, lambda text, done=done: done in text)
        finally:
            subprocess.run([*tmux, "kill-server"], check=False)
    return frames


def _watch(tmux: list[str], frames: list[Frame], begun: float, is_done: object) -> None:
    """Add frames until one satisfies a condition, and a second more."""
    limit = time.monotonic() + SECONDS
    end = None
    while end is None or time.monotonic() < end:
        if time.monotonic() > limit:
            raise SystemExit("error: the demo does not come to its end")
        time.sleep(EVERY)
        shown = subprocess.run(
            [*tmux, "capture-pane", "-p", "-e"], capture_output=True, text=True, check=True
        ).stdout.splitlines()
        if not frames or shown != frames[-1][1]:
            frames.append((time.monotonic() - begun, shown))
        if end is None and is_done("\n".join(shown)):  # type: ignore[operator]
            end = time.monotonic() + 1


def shortened(frames: list[Frame]) -> list[Frame]:
    """Return frames in the time that a picture lasts, without those that nobody could see."""
    scale = min(1.0, LASTS / frames[-1][0])
    found: list[Frame] = []
    for number, (moment, rows) in enumerate(frames):
        now = moment * scale
        is_last = number == len(frames) - 1
        if is_last or not found or now - found[-1][0] >= STILL:
            found.append((now, rows))
    return found


def drawn(frames: list[Frame]) -> str:
    """Return an animated picture: each row is a text for as long as it stays the same."""
    width, height = COLUMNS * WIDTH + 24, ROWS * HEIGHT + 24
    parts = []
    for number in range(ROWS):
        since, text = 0.0, ""
        for moment, rows in [*frames, (frames[-1][0], [])]:
            last = not rows
            row = text if last else rows[number] if number < len(rows) else ""
            if row != text or last:
                if text:
                    parts.append(_row(number, text, since, None if last else moment))
                since, text = moment, row
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" role="img">\n'
        "<title>jettison builds and runs the Python example</title>\n"
        f"<style>text{{font:{SIZE}px ui-monospace,Menlo,Consolas,monospace;fill:#ddd;"
        "white-space:pre}</style>\n"
        f'<rect width="{width:.0f}" height="{height}" rx="8" fill="#1e2127"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _row(number: int, text: str, since: float, until: float | None) -> str:
    """Return a row of the screen; one that stays to the end is there without animation, too."""
    y = 24 + number * HEIGHT
    if until is None:
        moves = f'<set attributeName="visibility" to="hidden" begin="0s" end="{since:.2f}s"/>'
        shown = "visible"
    else:
        span = f'begin="{since:.2f}s" end="{until:.2f}s"'
        moves = f'<set attributeName="visibility" to="visible" {span}/>'
        shown = "hidden"
    return f'<text x="12" y="{y}" visibility="{shown}">{_coloured(text)}{moves}</text>'


def _coloured(text: str) -> str:
    """Return a row with escapes of colours as elements."""
    parts: list[str] = []
    style = ""
    for each in re.split(r"(\x1b\[[0-9;]*m)", text.rstrip()):
        if each.startswith("\x1b["):
            style = _style(each[2:-1], style)
        elif each:
            plain = escape(each, quote=False)
            parts.append(f"<tspan {style}>{plain}</tspan>" if style else plain)
    return "".join(parts)


def _style(codes: str, style: str) -> str:
    """Return the attributes for a sequence of numbers, behind others."""
    for code in map(int, codes.split(";") if codes else ["0"]):
        if code == 0:
            style = ""
        elif code == 1:
            style += ' font-weight="bold"' if "font-weight" not in style else ""
        elif code == 2:
            style = re.sub(r' ?fill="\S+"', "", style) + ' fill="#888"'
        elif 30 <= code <= 37 or 90 <= code <= 97:
            style = re.sub(r' ?fill="\S+"', "", style) + f' fill="#{COLOURS[code % 10]}"'
    return style.strip()


def main() -> None:
    """Record the demo, and write the picture."""
    reading = next(each for each in READINGS if each.bases)
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        address = stack.enter_context(index())
        registry = stack.enter_context(mirror(Path(place), bases(*reading.bases), address))
        world = stack.enter_context(World(registry, address))
        frames = recorded(world)
        picture = drawn(shortened(frames))
    PLACE.write_text(world.there(picture))


if __name__ == "__main__":
    main()
