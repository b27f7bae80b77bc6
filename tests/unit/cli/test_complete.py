"""Shells complete stages of the Dockerfile, images and containers of the store, files and flags."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from jettison.cli.complete import stage_names

DOCKERFILE = "FROM scratch AS base\nCOPY f /\nFROM base as Builder\nCOPY f /g\nFROM builder\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a context, a store that has two images, and a program `jettison`."""
    place = tmp_path_factory.mktemp("complete")
    (place / "context").mkdir()
    (place / "context" / "Dockerfile").write_text(DOCKERFILE)
    (place / "context" / "f").write_text("f")
    (place / "other").write_text("FROM scratch AS elsewhere\n")
    program = place / "bin" / "jettison"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m jettison "$@"\n')
    program.chmod(0o755)
    for name in ("app:1.0", "registry.example.com:5000/team/app:2"):
        done = run(place, "build", "-q", "-t", name, place / "context")
        assert done.returncode == 0, done.stderr
    return place


def environment(place: Path, **more: str) -> dict[str, str]:
    path = f"{place / 'bin'}:{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "JETTISON_ROOT": str(place / "store"), **more}


def run(place: Path, *argv: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "jettison", *map(str, argv)]
    environ = environment(place, **more)
    return subprocess.run(
        program, cwd=place, env=environ, capture_output=True, text=True, check=False
    )


def completed(place: Path, line: str, shell: str = "bash") -> list[str]:
    """Return what Jettison answers a shell, without the kinds; for files the kind."""
    count = len(line.split()) - (0 if line.endswith(" ") else 1)
    typed = line.rsplit(maxsplit=1)[-1] if not line.endswith(" ") else ""
    variables = {"COMP_WORDS": line, "COMP_CWORD": typed if shell == "fish" else str(count)}
    done = run(place, _JETTISON_COMPLETE=f"{shell}_complete", **variables)
    assert done.returncode == 0
    assert done.stderr == ""
    if shell == "zsh":
        return done.stdout.strip("\n").split("\n")[1::3]
    found = [row.partition(",")[::2] for row in done.stdout.splitlines() if row]
    return [value.partition("\t")[0] if kind == "plain" else kind for kind, value in found]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_stages_and_images_are_completed(place: Path, shell: str) -> None:
    assert completed(place, "jettison build context --target ", shell) == ["base", "Builder"]
    assert completed(place, "jettison build -f other --target el", shell) == ["elsewhere"]
    assert completed(place, "jettison buildx build context --target b", shell) == ["base"]
    assert completed(place, "jettison run ap", shell) == ["app:1.0"]
    assert completed(place, "jettison image rm app:1.0 reg", shell) == [
        "registry.example.com:5000/team/app:2"
    ]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("jettison build --no-cache-filter ", []),  # no Dockerfile here
        ("jettison build context --target=Bu", ["Builder"]),
        ("jettison build con", ["dir"]),
        ("jettison build -f ot", ["file"]),
        ("jettison inspect ", ["app:1.0", "registry.example.com:5000/team/app:2"]),
        ("jettison stop ", []),
        ("jettison cp ./x", ["file"]),
        ("jettison cat ap", ["app:1.0:/"]),
        ("jettison export ap", ["app:1.0"]),
        ("jettison ls-files ap", ["app:1.0"]),
        ("jettison pro", ["provenance"]),
        ("jettison build --no-cache=maybe --target ", []),
        ("jettison nonsense ", []),
        ("jettison --root nowhere run ", []),
        ("jettison build /proc/self/mem/x --target ", []),
    ],
)
def test_what_can_stand_there_is_said_and_nothing_else(
    place: Path, line: str, found: list[str]
) -> None:
    assert completed(place, line) == found
    assert not (place / "nowhere").exists()


def test_a_dockerfile_that_is_half_written_or_hostile_has_the_names_that_it_has(
    place: Path,
) -> None:
    assert stage_names(
        "FROM a AS\nFROM b AS two words\nRUN FROM x AS no\n  from c\tas c-1 \r\n"
    ) == ["c-1"]
    assert stage_names("FROM a AS x\nFROM b AS x\n") == ["x"]
    assert stage_names("FROM " + " AS " * 200_000 + "!") == []
    os.mkfifo(place / "pipe")
    assert completed(place, "jettison build -f pipe --target ") == []


def test_bash_completes_names_with_colons(place: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed")
    script = run(place, "completion", "bash").stdout

    def replies(line: str) -> list[str]:
        asks = f"COMP_LINE='{line}' COMP_POINT={len(line)}\n_jettison_completion jettison\n"
        shown = 'printf "%s\\n" "${COMPREPLY[@]}"\n'
        breaks = "COMP_WORDBREAKS=$' \\t\\n\"\\'><=;|&(:'\n"
        text = f"complete() {{ :; }}; compopt() {{ :; }}\n{script}\n{breaks}{asks}{shown}"
        done = subprocess.run(
            [bash, "-c", text],
            cwd=place,
            env=environment(place),
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr == ""
        return done.stdout.split()

    assert replies("jettison run app") == ["app:1.0"]
    assert replies("jettison run app:1") == ["1.0"]  # bash has the rest
    assert replies("jettison run registry.example.com:5") == ["5000/team/app:2"]
    assert replies("jettison build context --target ") == ["base", "Builder"]
    assert replies("jettison build context -t x --tar") == ["--target"]
