"""Commands that checks know: what tests, what compiles, what installs dependencies.

In:  the words of a command (``shell.commands``), or its text.
Out: truth values; the ``Manager`` of an installation.

Source: the documentation of each tool (names, sub-commands, manifests, default caches).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

_TESTS = r"""(?x)(?<![\w/.-])(?:
      pytest | tox | nox | nosetests | unittest
    | (?:npm|pnpm|yarn|bun)\s+(?:run\s+|run-script\s+)?(?:test|t|tst|lint|check|e2e)\b[\w:-]*
    | jest | vitest | mocha | karma | cypress | playwright | ava | eslint
    | go\s+(?:test|vet) | golangci-lint
    | cargo\s+(?:test|nextest|clippy)
    | (?:\./)?(?:mvnw?|gradlew?)\s.*\b(?:test|verify|check)\b
    | (?:make|ninja|just|task|rake)\s+(?:-\S+\s+)*(?:test|check|lint)[\w-]*
    | ctest | meson\s+test | bazel\s+test
    | rspec | phpunit | dotnet\s+test | mix\s+test | sbt\s+test | swift\s+test
    | bats | shellcheck | hadolint | ruff | mypy | flake8 | pylint
    )(?![\w-])"""
_NATIVE = r"""(?x)(?:
      (?:gcc|g\+\+|cc|c\+\+|clang(?:\+\+)?|ld|rustc|gfortran|ghc|nim|zig)\s+.*
    | (?:make|gmake|ninja|bazel|scons|meson)\b(?!\s+-*(?:version|help)).*
    | cmake\s+--build.* | configure\b.* | go\s+(?:build|install)\b.*
    | cargo\s+(?:build|install|rustc)\b.* | stack\s+(?:build|install)\b.*
    | cabal\s+\S*(?:build|install)\b.*
    | swift\s+build\b.* | dub\s+build\b.* | crystal\s+build\b.*
    )"""
_BUNDLED = r"""(?x)(?:
      (?:npm|pnpm|yarn|bun)\s+(?:run\s+|run-script\s+)?build\b.*
    | (?:ng|vite|next|webpack|tsc)\s+build\b.*
    | (?:mvnw?|gradlew?)\s.*\b(?:package|install|assemble|build|bootJar|shadowJar)\b.*
    | sbt\s+.*assembly.* | dotnet\s+(?:publish|build)\b.* | javac\s+.*
    )"""
_COMPILERS = r"""(?x)(?:
      build-essential | build-base | alpine-sdk | base-devel | gcc(?:-\d+)? | g\+\+(?:-\d+)?
    | gcc-c\+\+
    | clang(?:-?\d+)? | make | cmake | rustc? | cargo | golang(?:-\S+)? | go
    | openjdk-?\d+(?:-jdk\S*)? | default-jdk\S* | maven | gradle
    )(?:[=~<>].*)?"""
_VERBS = {
    "apt-get": {"install"}, "apt": {"install"}, "aptitude": {"install"}, "apk": {"add"},
    "yum": {"install", "groupinstall"}, "dnf": {"install", "groupinstall"},
    "microdnf": {"install"}, "zypper": {"install", "in"}, "pacman": {"-S", "-Sy", "-Syu"},
}  # fmt: skip
_REMOVALS = frozenset({"purge", "remove", "autoremove", "erase", "del", "-R", "-Rs", "-Rns"})


class Manager(msgspec.Struct, frozen=True):
    """What installs dependencies.

    Args:
        name: ``npm``.
        manifests: Patterns of the names of files that it installs by, as fnmatch(3) takes them.
        cache: Where root's downloads are kept: the target of a cache mount.
    """

    name: str
    manifests: tuple[str, ...] = ()
    cache: str = ""


_NODE = ("package.json", ".npmrc")
_PIP = Manager("pip", ("requirements*.txt", "constraints*.txt"), "/root/.cache/pip")
_UV = Manager("uv", ("pyproject.toml", "uv.lock", "requirements*.txt"), "/root/.cache/uv")
_PROJECTS = ("*.csproj", "*.fsproj", "*.sln", "nuget.config")
_MANAGERS = {
    r"npm (?:ci|install|i)$": Manager(
        "npm", (*_NODE, "package-lock.json", "npm-shrinkwrap.json"), "/root/.npm"
    ),
    r"yarn(?: install)?$": Manager(
        "yarn", (*_NODE, "yarn.lock", ".yarnrc*"), "/usr/local/share/.cache/yarn"
    ),
    r"pnpm (?:install|i|fetch)$": Manager(
        "pnpm", (*_NODE, "pnpm-lock.yaml", "pnpm-workspace.yaml"), "/root/.local/share/pnpm/store"
    ),
    r"bun (?:install|i)$": Manager("bun", (*_NODE, "bun.lock*"), "/root/.bun/install/cache"),
    r"uv (?:sync|pip)$": _UV,
    r"poetry install$": Manager(
        "poetry", ("pyproject.toml", "poetry.lock"), "/root/.cache/pypoetry"
    ),
    r"pipenv (?:install|sync)$": Manager("pipenv", ("Pipfile", "Pipfile.lock"), "/root/.cache/pip"),
    r"go mod (?:download|vendor)$": Manager("go", ("go.mod", "go.sum"), "/go/pkg/mod"),
    r"cargo fetch$": Manager("cargo", ("Cargo.toml", "Cargo.lock"), "/usr/local/cargo/registry"),
    r"bundle install$": Manager("bundler", ("Gemfile", "Gemfile.lock", "*.gemspec")),
    r"composer install$": Manager(
        "composer", ("composer.json", "composer.lock"), "/root/.composer"
    ),
    r"mvnw? dependency:\S+$": Manager("maven", ("pom.xml",), "/root/.m2"),
    r"gradlew? dependencies$": Manager("gradle", ("*.gradle*", "gradle*"), "/root/.gradle"),
    r"dotnet restore$": Manager("nuget", _PROJECTS, "/root/.nuget/packages"),
    r"mix deps\.get$": Manager("mix", ("mix.exs", "mix.lock")),
}
_SYSTEM = {
    "apt-get": Manager("apt", (), "/var/cache/apt"),
    "apt": Manager("apt", (), "/var/cache/apt"),
    "apk": Manager("apk", (), "/var/cache/apk"),
    "dnf": Manager("dnf", (), "/var/cache/dnf"),
    "yum": Manager("yum", (), "/var/cache/yum"),
}


def is_test(text: str) -> bool:
    """Tell whether the text of a RUN looks like one that tests something.

    >>> is_test("RUN npm test"), is_test("RUN pip install pytest"), is_test("RUN go test ./...")
    (True, False, True)
    """
    for command in re.split(r"&&|\|\||[;|\n]", text.partition(" ")[2]):
        if not re.search(r"\b(?:install|add|get|download)\b", command) and re.search(
            _TESTS, command
        ):
            return True
    return False


def compiles_native(words: Sequence[str]) -> bool:
    """Tell whether a command makes programs or libraries of a machine.

    >>> compiles_native(["go", "build", "."]), compiles_native(["make", "--version"])
    (True, False)
    """
    return re.match(_NATIVE, _program_line(words)) is not None


def compiles(words: Sequence[str]) -> bool:
    """Tell whether a command compiles or bundles, whatever it makes.

    >>> compiles(["npm", "run", "build"]), compiles(["npm", "ci"])
    (True, False)
    """
    return compiles_native(words) or re.match(_BUNDLED, _program_line(words)) is not None


def installed_packages(words: Sequence[str]) -> tuple[str, ...]:
    """Return the packages that a command of a distribution's package manager installs.

    >>> installed_packages(["apt-get", "install", "-y", "gcc"])
    ('gcc',)
    """
    verbs = _VERBS.get(words[0]) if words else None
    if verbs is None or not verbs & set(words[1:]):
        return ()
    return tuple(word for word in words[1:] if word not in verbs and not word.startswith("-"))


def is_compiler(package: str) -> bool:
    """Tell whether a package of a distribution is a compiler or what comes with one.

    >>> is_compiler("g++"), is_compiler("libstdc++6"), is_compiler("gcc=4:12.2.0-3")
    (True, False, True)
    """
    return re.fullmatch(_COMPILERS, package) is not None


def removes_packages(words: Sequence[str]) -> bool:
    """Tell whether a command removes packages of a distribution.

    >>> removes_packages(["apk", "--no-cache", "del", ".build"])
    True
    """
    return bool(words) and words[0] in _VERBS and bool(_REMOVALS & set(words[1:]))


def manager_of(words: Sequence[str]) -> Manager | None:
    """Return what installs the dependencies of a project by a command, None for other commands.

    >>> manager_of(["npm", "ci", "--omit=dev"]).name, manager_of(["npm", "install", "left-pad"])
    ('npm', None)
    """
    if not words:
        return None
    program = words[0].rpartition("/")[2]
    if program in {"python", "python3"} and list(words[1:3]) == ["-m", "pip"]:
        words = words[2:]
        program = "pip"
    plain = [word for word in words[1:] if not word.startswith("-")]
    if program.startswith("pip"):
        return _PIP if plain[:1] == ["install"] and _has_requirements(words) else None
    if program == "uv" and plain[:1] == ["pip"] and not _has_requirements(words):
        return None
    text = " ".join([program, *(plain[:1] if program == "uv" else plain)])
    return next((each for pattern, each in _MANAGERS.items() if re.match(pattern, text)), None)


def system_manager(words: Sequence[str]) -> Manager | None:
    """Return the package manager of a distribution that a command installs with, if it does."""
    return _SYSTEM.get(words[0]) if installed_packages(words) else None


def _program_line(words: Sequence[str]) -> str:
    """Return a command as one text, its program without a directory."""
    return " ".join([words[0].rpartition("/")[2], *words[1:]]) if words else ""


def _has_requirements(words: Sequence[str]) -> bool:
    return any(word.startswith(("-r", "--requirement")) for word in words)
