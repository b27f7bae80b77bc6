"""What a person sees on terminals of 40, 80 and 200 columns, compared with kept screens.

``JETTISON_RECORD_SCREENS=1`` writes the kept ones anew: look at them before they are committed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from host_tools import tool
from registry_server import RegistryServer
from screens.terminal import Terminal

ROOT = Path(__file__).resolve().parents[2]
KEPT = Path(__file__).parent / "kept"
ENVIRON = {
    "PYTHONPATH": f"{ROOT / 'src'}",
    "PYTHONDONTWRITEBYTECODE": "1",
    "TERM": "screen-256color",
    "LC_ALL": "C.UTF-8",
    "LANG": "C.UTF-8",
}
# Scene, columns, keys pressed before the end state.
CASES = [
    *((scene, columns) for scene in ("build", "pull") for columns in (40, 80, 200)),
    *((scene, 80) for scene in ("failed", "canceled", "waiting", "push", "push_failed", "pull_canceled")),
    *(("images", columns) for columns in (40, 80, 200)),
    *(("explained", columns) for columns in (40, 80)),
]  # fmt: skip
STATES = {"images": 1, "waiting": 3, "explained": 3}
"""How many screens a scene has; two, unless it is said here."""


@pytest.fixture
def place() -> Iterator[Path]:
    """A short path: that of a socket must be."""
    with tempfile.TemporaryDirectory(prefix="t-") as name:
        yield Path(name)


def cells(line: str) -> int:
    """Count as a terminal does, not as the program."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in line
    )


@pytest.mark.parametrize(("scene", "columns"), CASES)
def test_a_scene_looks_as_it_did(scene: str, columns: int, place: Path) -> None:
    seen = []
    with Terminal(place, columns) as terminal:
        terminal.scene(scene, ENVIRON)
        for state in range(STATES.get(scene, 2)):
            if state:
                terminal.key()
            seen.append(terminal.settled(_is_after(seen)))
    for screen in seen:
        assert screen[0] == "before"
        assert all(cells(line) <= columns for line in screen)
    text = "\n".join("\n".join([f"-- {number}", *each]) for number, each in enumerate(seen, 1))
    path = KEPT / f"{scene}-{columns}.txt"
    if os.environ.get("JETTISON_RECORD_SCREENS"):
        path.write_text(text + "\n")
    assert path.read_text() == text + "\n"


def _is_after(seen: list[list[str]]):
    return lambda screen: len(screen) > 1 and (not seen or screen != seen[-1])


@pytest.mark.parametrize("widths", [(80, 50, 80), (80, 43, 30, 120), (40, 120, 60)])
def test_a_window_that_changes_its_size_has_no_debris(widths: tuple[int, ...], place: Path) -> None:
    """What a narrower terminal breaks, it may scroll out of reach: what is seen is clean."""
    with Terminal(place, widths[0]) as terminal:
        terminal.scene("build", ENVIRON)
        terminal.settled(lambda screen: len(screen) > 5)
        for columns in widths[1:]:
            terminal.resize(columns, 24)
            screen = terminal.settled(lambda screen: len(screen) > 5)
            assert any("[+]" in line for line in screen[:2])
            assert sum("[+] Building" in line for line in screen) == 1
            assert sum("[builder" in line for line in screen) == 1
            assert sum("linking" in line for line in screen) == 1
        terminal.key()
        screen = terminal.settled(lambda screen: any("1 warning" in line for line in screen))
        lines = terminal.history()
    assert sum("[+] Building" in line for line in screen) == 1
    assert sum("FINISHED" in line for line in lines) == 1
    assert lines[0] == "before"


def test_more_steps_than_rows_are_all_there_in_the_end(place: Path) -> None:
    with Terminal(place, 80, 8) as terminal:
        terminal.scene("build", ENVIRON)
        screen = terminal.settled(lambda screen: len(screen) > 5)
        assert any("RUN make" in line for line in screen)
        terminal.key()
        terminal.settled(lambda screen: any("1 warning found" in line for line in screen))
        lines = terminal.history()
    assert lines[0] == "before"
    assert sum("[+] Building" in line for line in lines) == 1
    assert sum("[final" in line for line in lines) == 5


def test_a_failed_build_says_its_error_once(place: Path) -> None:
    (place / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\nCOPY 漢字 /\n")
    with Terminal(place, 80) as terminal:
        environ = {**ENVIRON, "JETTISON_ROOT": f"{place}/store"}
        terminal.start([sys.executable, "-m", "jettison", "build", place], environ)
        screen = terminal.settled(lambda screen: any("ERROR" in line for line in screen))
    text = "\n".join(screen)
    assert text.count("ERROR:") == 1
    assert text.count("not found") + text.count("no such file") == 1, text


@pytest.mark.needs_root
def test_two_builds_at_once_say_who_waits_for_whom(place: Path) -> None:
    context = place / "context"
    context.mkdir()
    shutil.copy(tool("busybox"), context / "busybox")
    text = 'FROM scratch\nCOPY busybox /bin/\nRUN ["/bin/busybox", "sleep", "3"]\n'
    (context / "Dockerfile").write_text(text)
    environ = {**ENVIRON, "JETTISON_ROOT": f"{place}/store"}
    argv = [sys.executable, "-m", "jettison", "build", "-t"]
    first = subprocess.Popen(
        [*argv, "first", context],
        env={**os.environ, **environ},
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert first.stderr is not None
        said = iter(first.stderr)
        assert any("RUN" in line for line in said)
        with Terminal(place, 80) as terminal:
            terminal.start([*argv, "second", context], environ)
            waiting = f"waiting for the build of `first` (process {first.pid})"
            terminal.settled(lambda screen: any(waiting in line for line in screen), still=0)
            screen = terminal.settled(lambda screen: any("FINISHED" in line for line in screen))
    finally:
        first.communicate(timeout=60)
    assert not any("waiting" in line for line in screen)
    assert any("CACHED [2/2] RUN" in line for line in screen)


def test_a_real_push_and_pull_say_how_they_ended(place: Path) -> None:
    context = place / "context"
    context.mkdir()
    (context / "file").write_bytes(os.urandom(3_000_000))
    (context / "Dockerfile").write_text("FROM scratch\nCOPY file /\nCOPY Dockerfile /\n")
    environ = {**ENVIRON, "JETTISON_ROOT": f"{place}/store"}
    jettison = [sys.executable, "-m", "jettison"]
    with RegistryServer(place / "registry") as registry:
        name = f"{registry.host}/group/app:v1"
        subprocess.run(
            [*jettison, "build", "-q", "-t", name, context],
            env={**os.environ, **environ},
            check=True,
            stdout=subprocess.DEVNULL,
        )
        for command, store, begin, end in (
            ("push", "store", "[+] Pushed 127.0.0.1:", "2/2 layers"),
            ("pull", "other", "[+] Pulled 127.0.0.1:", "2/2 layers"),
        ):
            given = {**environ, "JETTISON_ROOT": f"{place}/{store}"}
            with Terminal(place, 80) as terminal:
                terminal.start([*jettison, command, name], given)
                screen = terminal.settled(lambda screen: any("sha256:" in line for line in screen))
            (heading,) = (line for line in screen if "[+]" in line)
            assert heading.startswith(begin)
            assert heading.endswith(end)
            assert "3.0" in heading
            assert "MB/s" in heading
    with Terminal(place, 80) as terminal:
        terminal.start([*jettison, "push", name], environ)
        screen = terminal.settled(lambda screen: any("ERROR" in line for line in screen))
    (heading,) = (line for line in screen if "[+]" in line)
    assert heading.endswith("FAILED")
    assert sum("cannot reach" in line for line in screen) == 1
