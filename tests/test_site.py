"""The documentation is a site without a broken link."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PINNED = ROOT / "requirements" / "site.txt"
NEEDED = ("docs", "scripts", "examples", "bench")

pytestmark = [pytest.mark.slow, pytest.mark.needs_network]


@pytest.fixture(scope="module")
def python() -> Path:
    """A Python with mkdocs, made once a machine."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jettison-test"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    digest = hashlib.sha256(PINNED.read_bytes()).hexdigest()[:12]
    place = cache / f"site-{version}-{digest}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "site.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / "whole").exists():
            shutil.rmtree(place, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", place], check=True)
            pip = [place / "bin/python", "-m", "pip", "install", "--quiet", "--require-hashes"]
            subprocess.run([*pip, "-r", PINNED], check=True)
            (place / "whole").touch()
    return place / "bin" / "python"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what the site is made of."""
    place = tmp_path / "project"
    place.mkdir()
    for path in [*ROOT.glob("*.md"), ROOT / "mkdocs.yml", *(ROOT / name for name in NEEDED)]:
        target = place / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            shutil.copytree(path, target)
        else:
            shutil.copy(path, target)
    return place


def build(python: Path, project: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, "-m", "mkdocs", "build", "--strict"],
        cwd=project,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_site_is_built_from_the_documentation(python: Path, project: Path) -> None:
    done = build(python, project)
    assert done.returncode == 0, done.stderr
    site = project / "site"
    page = (site / "index.html").read_text()
    assert 'href="project/ARCHITECTURE.html"' in page
    assert "../ARCHITECTURE.md" not in page
    assert (site / "project/ARCHITECTURE.html").is_file()
    assert (site / "adr/0001-plan-is-the-waist.html").is_file()


BROKEN = {
    "'README.md' contains a link 'guides/gone.md'": ("docs/README.md", "[x](guides/gone.md)"),
    "'glossary.md' contains a link 'missing/GONE.md'": ("docs/glossary.md", "[x](../GONE.md)"),
    "'security.md' contains a link 'glossary.md#gone'": (
        "docs/security.md",
        "[x](glossary.md#gone)",
    ),
    "'project/ARCHITECTURE.md' contains a link '../gone.md'": (
        "ARCHITECTURE.md",
        "[x](docs/gone.md)",
    ),
    "  - new.md": ("docs/new.md", "# A page that no list has"),
}
"""What mkdocs must complain of: page, and what is written at its end."""


def test_a_link_that_leads_nowhere_breaks_it(python: Path, project: Path) -> None:
    for page, text in BROKEN.values():
        with (project / page).open("a") as file:
            file.write(f"\n{text}\n")
    done = build(python, project)
    assert done.returncode != 0
    assert [each for each in BROKEN if each not in done.stderr] == []
    assert done.stderr.count("WARNING") == len(BROKEN)
