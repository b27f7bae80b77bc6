"""``jettison run --isolation`` enters the level that it names, and what is done with its container does so, too."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from e2e.rig import Jettison
from jettison.fs.remove import remove_tree

pytestmark = pytest.mark.needs_root

ALL_IDS = "4294967295"


@pytest.fixture(scope="module")
def archive(need: Callable[[str], str]) -> Iterator[Path]:
    """An image that any store can load: levels with one user keep layers of their own."""
    with tempfile.TemporaryDirectory(prefix="run-levels-") as name:
        place = Path(name)
        shutil.copy(need("busybox"), place / "busybox")
        (place / "Dockerfile").write_text(
            "FROM scratch\nCOPY busybox /bin/sh\nCOPY busybox /bin/busybox\n"
        )
        builder = Jettison(place / "builder")
        builder("build", "-t", "box", place)
        builder("save", "-o", place / "box.tar", "box")
        yield place / "box.tar"
        remove_tree(place / "builder")


@pytest.mark.parametrize(
    ("isolation", "ids"), [("embedded", ALL_IDS), ("single-id", "1"), ("in-container", ALL_IDS)]
)
def test_a_container_has_the_ids_of_its_level(
    isolation: str, ids: str, archive: Path, tmp_path: Path
) -> None:
    jettison = Jettison(tmp_path / "store")
    jettison("load", "-i", archive)
    script = "while read -r _ _ count; do echo $count; done < /proc/self/uid_map; exit 7"
    said = jettison.try_run("run", "--rm", "--isolation", isolation, "box", "sh", "-c", script)
    assert (said.returncode, said.stdout) == (7, f"{ids}\n"), said.stderr


@pytest.mark.parametrize("level", ["crun", "single-id", "in-container"])
def test_a_container_in_the_background_is_entered_and_its_files_are_copied(
    level: str, archive: Path, tmp_path: Path
) -> None:
    jettison = Jettison(tmp_path / "store")
    jettison("load", "-i", archive)
    (tmp_path / "file").write_text("of the host\n")
    script = "echo > /own; trap 'exit 3' TERM; while :; do /bin/busybox sleep 0.05; done"
    jettison("run", "-d", "--name", "web", "--isolation", level, "box", "sh", "-c", script)
    jettison("cp", tmp_path / "file", "web:/given")
    script = "read text < /given; echo $text; echo more > /more; exit 5"
    said = jettison.try_run("exec", "web", "sh", "-c", script)
    assert (said.returncode, said.stdout) == (5, "of the host\n"), said.stderr
    jettison("cp", "web:/more", tmp_path / "more")
    jettison("stop", "web")
    assert jettison("wait", "web").stdout == "3\n"
    jettison("cp", tmp_path / "more", "web:/again")
    jettison("start", "web")
    assert jettison("exec", "web", "/bin/busybox", "cat", "/again").stdout == "more\n"
    jettison("rm", "-f", "web")
