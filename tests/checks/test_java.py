"""MS408 with a real Java: a runtime that `jlink` makes of the host's, classes of its compiler."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

import jettison
from checks.rig import Checked, of_rule
from jettison.api.request import BuildResult
from jettison.findings.fix import apply_fix, machine_fixes
from jettison.image.names import find_image

pytestmark = pytest.mark.xdist_group("checks")

BASE = "java-of-the-host"
MAIN = """
public class Main {
    public static void main(String[] args) {
        System.out.println("java runs");
    }
}
"""
LOGGING = """
public class Main {
    static final java.util.logging.Logger LOGGER = java.util.logging.Logger.getLogger("x");
    public static void main(String[] args) {
        System.out.println(LOGGER.getName());
    }
}
"""
JAVAC = """#!/bin/sh
# Writes a class for Java 21, as javac of a JDK 21 does, or for 17 if it is asked to.
major='\\101'
case "$*" in *"--release 17"*) major='\\075' ;; esac
mkdir -p /out
cp /src/Main.template /out/Main.class
printf "$major" | dd of=/out/Main.class bs=1 seek=7 conv=notrunc 2> /dev/null
"""


@pytest.fixture(scope="module")
def java(checked: Checked, tmp_path_factory: pytest.TempPathFactory) -> Checked:
    """Builds, and a base image with a runtime that has `java.base` alone; it stays in the store."""
    for name in ("javac", "jlink"):
        if shutil.which(name) is None:
            pytest.skip(f"{name} is needed")
    said = subprocess.run(["javac", "-version"], capture_output=True, text=True, check=True)
    if not said.stdout.startswith("javac 17."):
        pytest.skip("a JDK 17 is needed")
    with suppress(jettison.JettisonError):
        find_image(checked.session.store, BASE)
        return checked
    place = tmp_path_factory.mktemp("java")
    options = ["--strip-debug", "--no-header-files", "--no-man-pages", "--output", place / "jre"]
    subprocess.run(["jlink", "--add-modules", "java.base", *options], check=True)
    (place / "Dockerfile").write_text(
        "FROM debian:bookworm-slim\nCOPY jre /opt/java\nENV PATH=/opt/java/bin:/usr/bin:/bin\n"
    )
    checked.need_bases("FROM debian:bookworm-slim\n")
    jettison.build(place, tags=[BASE], session=checked.session, progress="quiet")
    return checked


def build(checked: Checked, folder: Path, tag: str) -> BuildResult:
    return jettison.build(folder, tags=[tag], session=checked.session, progress="quiet")


def compiled(source: str, place: Path) -> Path:
    """Compile a class for Java 8."""
    (place / "Main.java").write_text(source)
    argv = ["javac", "--release", "8", "-Xlint:-options", "-d", place, place / "Main.java"]
    subprocess.run(argv, check=True)
    return place / "Main.class"


def test_a_class_that_is_newer_than_the_runtime(java: Checked, tmp_path: Path) -> None:
    compiled(MAIN, tmp_path).rename(tmp_path / "Main.template")
    (tmp_path / "javac").write_text(JAVAC)
    (tmp_path / "javac").chmod(0o755)
    text = (
        f"FROM {BASE} AS build\n"
        "COPY javac /usr/local/bin/\n"
        "COPY Main.template /src/\n"
        "RUN /usr/local/bin/javac -d /out Main.java\n"
        f"FROM {BASE}\n"
        "COPY --from=build /out /app\n"
        'CMD ["java", "-Xshare:off", "-cp", "/app", "Main"]\n'
    )
    (tmp_path / "Dockerfile").write_text(text)
    (found,) = of_rule(build(java, tmp_path, "java-newer").findings, "MS408")
    assert (found.severity.value, found.line, found.path) == ("error", 6, "/app/Main.class")
    assert "Java 21" in found.detail
    assert "17.0" in found.cause[1]
    status, said = java.run("java-newer")
    assert status == 1
    assert "UnsupportedClassVersionError" in said

    (tmp_path / "Dockerfile").write_text(apply_fix(text, machine_fixes(found.fixes)[0]))
    assert not of_rule(build(java, tmp_path, "java-fixed").findings, "MS408")
    assert java.run("java-fixed") == (0, "java runs\n")


def test_a_module_that_jlink_left_out(java: Checked, tmp_path: Path) -> None:
    compiled(LOGGING, tmp_path)
    (tmp_path / "Dockerfile").write_text(
        f'FROM {BASE}\nCOPY Main.class /app/\nCMD ["java", "-Xshare:off", "-cp", "/app", "Main"]\n'
    )
    (found,) = of_rule(build(java, tmp_path, "java-module").findings, "MS408")
    assert (found.severity.value, found.line) == ("warning", 2)
    assert "java.logging" in found.detail
    status, said = java.run("java-module")
    assert status == 1
    assert "NoClassDefFoundError" in said
