"""Commands that checks know."""

from __future__ import annotations

import pytest

from jettison.frontend.dockerfile.commands import (
    compiles,
    compiles_native,
    installed_packages,
    is_compiler,
    manager_of,
    removes_packages,
    system_manager,
)


@pytest.mark.parametrize(
    "command",
    ["make", "/usr/bin/make -j4", "cmake --build .", "./configure --prefix=/x", "go build -o /a .",
     "cargo build --release", "gcc -o a a.c", "g++ a.cc", "cabal v2-build"],
)  # fmt: skip
def test_what_makes_programs_compiles(command):
    assert compiles_native(command.split())
    assert compiles(command.split())


@pytest.mark.parametrize(
    "command", ["npm run build", "mvn -B package", "./gradlew bootJar", "dotnet publish -c Release"]
)
def test_bundles_are_no_native_programs(command):
    assert compiles(command.split())
    assert not compiles_native(command.split())


@pytest.mark.parametrize(
    "command", ["gcc", "make --version", "go mod download", "cmake ..", "npm ci"]
)
def test_other_commands_compile_nothing(command):
    assert not compiles(command.split())


def test_packages_are_named_after_the_verb():
    assert installed_packages(
        ["apt-get", "-y", "install", "--no-install-recommends", "gcc=4", "make"]
    ) == (
        "gcc=4",
        "make",
    )
    assert installed_packages(["apk", "add", "--no-cache", "curl"]) == ("curl",)
    assert installed_packages(["apt-get", "update"]) == ()
    assert system_manager(["apk", "add", "curl"]).name == "apk"
    assert system_manager(["npm", "ci"]) is None
    assert [is_compiler(each) for each in ("gcc-12", "libgcc-s1", "openjdk-17-jre", "go")] == [
        *(True, False, False, True)
    ]


def test_removed_packages_are_seen():
    assert removes_packages(["apt-get", "purge", "-y", "gcc"])
    assert removes_packages(["apk", "--no-cache", "del", ".build"])
    assert not removes_packages(["apt-get", "install", "-y", "remove-x"])
    assert not removes_packages(["echo", "del"])


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("npm ci --omit=dev", "npm"),
        ("npm install", "npm"),
        ("npm install left-pad", None),
        ("yarn --frozen-lockfile", "yarn"),
        ("yarn build", None),
        ("pnpm install --frozen-lockfile", "pnpm"),
        ("pip install --no-cache-dir -r requirements.txt", "pip"),
        ("python3 -m pip install -r requirements.txt", "pip"),
        ("pip install flask", None),
        ("uv sync --frozen", "uv"),
        ("uv pip install -r requirements.txt", "uv"),
        ("uv pip install flask", None),
        ("poetry install --no-root", "poetry"),
        ("go mod download", "go"),
        ("./mvnw dependency:go-offline", "maven"),
        ("/usr/local/bin/npm ci", "npm"),
        ("bundle install", "bundler"),
        ("dotnet restore", "nuget"),
        ("", None),
    ],
)
def test_the_manager_of_dependencies_is_known_by_its_command(command, name):
    found = manager_of(command.split())
    assert (found and found.name) == name
