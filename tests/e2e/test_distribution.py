"""What is released: a wheel and an sdist, installed where nothing else is."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

import jettison

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import jettison, sys
text = "FROM scratch\\nCOPY busybox /bin/busybox\\nRUN [\\"/bin/busybox\\", \\"mkdir\\", \\"/made\\"]\\n"
result = jettison.build("context", dockerfile_text=text, tags=["tiny"])
ran = jettison.run("tiny", ["/bin/busybox", "ls", "/made/.."], capture=True)
print(jettison.__file__, result.executed, *ran.stdout.decode().split())
"""
TYPED = """
import jettison
reveal_type(jettison.build(".", tags=["a"]))
reveal_type(jettison.run("a").exit_code)
jettison.build(".", tags=3)
"""

pytestmark = [pytest.mark.slow, pytest.mark.needs_network, pytest.mark.xdist_group("bases")]


def run(*argv: str | Path, cwd: Path = ROOT, **environ: str) -> str:
    env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(cwd), "PIP_CACHE_DIR": CACHE}
    done = subprocess.run(
        argv, cwd=cwd, env=env | environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


CACHE = subprocess.run(
    [sys.executable, "-m", "pip", "cache", "dir"], capture_output=True, text=True, check=False
).stdout.strip()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the wheel and the sdist."""
    place = tmp_path_factory.mktemp("dist")
    run(Path(sysconfig.get_path("scripts")) / "hatchling", "build", "-d", place)
    return place


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has what Jettison depends on, as pinned, and not Jettison."""
    place = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", place)
    python = place / "bin" / "python"
    pinned = ROOT / "requirements" / "runtime.txt"
    run(python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", pinned)
    return python


def only(place: Path, pattern: str) -> Path:
    (path,) = place.glob(pattern)
    return path


def test_the_wheel_holds_the_package_and_nothing_else(built: Path) -> None:
    wheel = only(built, "*.whl")
    assert wheel.name == f"jettison-{jettison.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (metadata,) = (archive.read(name) for name in names if name.endswith("/METADATA"))
    source = ROOT / "src"
    ours = {
        str(path.relative_to(source))
        for path in (source / "jettison").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert {name for name in names if ".dist-info/" not in name} == ours
    assert "jettison/py.typed" in ours
    text = metadata.decode()
    assert re.search(r"^License-Expression: Apache-2.0$", text, re.MULTILINE)
    assert re.search(r"^Requires-Python: >=3.11$", text, re.MULTILINE)


def test_the_sdist_holds_what_is_tracked(built: Path) -> None:
    with tarfile.open(only(built, "*.tar.gz")) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    tracked = run("git", "ls-files").splitlines()
    wanted = {
        name
        for name in tracked
        if name.startswith(("src/", "tests/", "docs/", "scripts/", "requirements/"))
    }
    assert wanted - names == set()
    assert not any(name.startswith((".venv", ".git/", "dist/")) for name in names)


@pytest.mark.parametrize("kind", ["*.whl", "*.tar.gz"])
def test_what_was_installed_builds_and_runs_an_image(
    built: Path, empty: Path, tmp_path: Path, need, kind: str
) -> None:
    install = [empty, "-m", "pip", "install", "--quiet", "--force-reinstall"]
    run(*install, "--no-index", "--no-deps", "--no-build-isolation", only(built, kind))
    (tmp_path / "context").mkdir()
    busybox = tmp_path / "context" / "busybox"
    busybox.write_bytes(Path(need("busybox")).read_bytes())
    busybox.chmod(0o755)
    store = str(tmp_path / "store")
    said = run(empty, "-c", PROGRAM, cwd=tmp_path, JETTISON_ROOT=store).split()
    assert Path(said[0]).is_relative_to(empty.parents[1])
    assert said[1] == "2"
    assert {"bin", "made"} <= set(said[2:])
    script = empty.with_name("jettison")
    assert run(script, "--version", cwd=tmp_path).strip() == f"jettison {jettison.__version__}"
    listed = run(script, "images", cwd=tmp_path, JETTISON_ROOT=store)
    assert "tiny" in listed


def test_a_type_checker_sees_the_types_of_what_was_installed(
    built: Path, empty: Path, tmp_path: Path
) -> None:
    install = [empty, "-m", "pip", "install", "--quiet", "--force-reinstall"]
    run(*install, "--no-index", "--no-deps", only(built, "*.whl"))
    (tmp_path / "program.py").write_text(TYPED)
    done = subprocess.run(
        [Path(sysconfig.get_path("scripts")) / "mypy", "--python-executable", empty, "program.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert 'Revealed type is "jettison.api.request.BuildResult"' in done.stdout, done.stdout
    assert 'Revealed type is "int"' in done.stdout or "builtins.int" in done.stdout
    assert 'Argument "tags" to "build" has incompatible type "int"' in done.stdout
