#!/usr/bin/env python3
"""Make stand-ins for the base images of the examples where no registry of images can be reached.

In:  names of images, by default all seven; packages that this host's apt-get, pip, npm and go
     fetch from where the host is set up to get them.
Out: images of those names in Jettison's store.

Debian packages are downloaded with apt-get into a private directory, without touching the host's
package database and without root; everything else happens in the stages of the Dockerfile beside
this program, built by Jettison itself. A name that is in the store already is left alone.

On disk: ``$XDG_CACHE_HOME/jettison/bases`` keeps the packages; it may be deleted at any time.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
SUITE = "bookworm"
KEYRINGS = Path("/usr/share/keyrings")

# Package set -> (set whose packages are there already, what apt-get is asked for).
INSTALLED: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "debian": ("", ("?essential", "usr-is-merged", "apt", "tzdata")),
    "certificates": ("debian", ("ca-certificates",)),
    "python": (
        "certificates",
        ("python3.11", "python3.11-venv", "python3-pip-whl", "python3-setuptools-whl"),
    ),
    "node": ("certificates", ("libatomic1", "libstdc++6")),
}
# Package set -> (package that is fetched without what it depends on, Debian release).
# The musl of bookworm is too old for libraries with relative relocations (DT_RELR).
SINGLE: Mapping[str, tuple[str, str]] = {
    "busybox": ("busybox-static", SUITE),
    "golang": ("golang-1.19-go", SUITE),
    "musl": ("musl", "trixie"),
}
# Image -> (target in the Dockerfile, package sets that the target needs).
IMAGES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "busybox": ("busybox", ("busybox",)),
    "debian:bookworm-slim": ("debian", ("busybox", "debian")),
    "python:3.11-slim": ("python-slim", ("busybox", "debian", "certificates", "python")),
    "python:3.11-alpine": ("python-alpine", ("busybox", "debian", "certificates", "python")),
    "golang:1.21": ("golang", ("busybox", "debian", "certificates", "golang")),
    "node:20-alpine": ("node-alpine", ("busybox", "debian", "certificates", "python", "musl")),
    "node:14": ("node", ("busybox", "debian", "certificates", "python", "musl", "node")),
}
# Settings of this host that programs inside the build need as well.
PASSED = ("PIP_INDEX_URL", "NPM_CONFIG_REGISTRY", "GOPROXY", "GOSUMDB")


class BaseImageError(Exception):
    """An image that cannot be made; the message says why."""


def run(argv: Sequence[str | Path], *, cwd: Path | None = None) -> str:
    """Run a program and return its output; what it says is the error if it fails."""
    try:
        result = subprocess.run(
            argv,
            cwd=cwd,
            env={**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except FileNotFoundError:
        raise BaseImageError(
            f"`{argv[0]}` is not installed; this needs Debian or the like"
        ) from None
    if result.returncode:
        said = (result.stderr + result.stdout).strip()[-2000:]
        raise BaseImageError(f"`{Path(argv[0]).name}` failed (exit {result.returncode}):\n{said}")
    return result.stdout


# ------------------------------------------------------------------------------ packages


def debian_sources(suite: str) -> str:
    """Return the host's Debian mirrors as a source list for a suite.

    Both formats of apt are read. Sources of others than Debian are left out, and a host of
    another Debian release gets the suite from the same mirrors.
    """
    release = os_release()
    codename = release.get("VERSION_CODENAME", "")
    if release.get("ID") != "debian" or not codename:
        raise BaseImageError("stand-ins are made on Debian only; pull the real images elsewhere")
    found: dict[str, str] = {}
    for path in [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]:
        if path.suffix == ".sources":
            entries = deb822_entries(path.read_text())
        elif path.suffix == ".list" and path.is_file():
            entries = one_line_entries(path.read_text())
        else:
            continue
        for address, name in entries:
            kind = name.removeprefix(codename)
            if name.startswith(codename) and kind in {"", "-updates", "-security"}:
                found.setdefault(suite + kind, address)
    if suite not in found:
        raise BaseImageError("this host has no package sources of Debian")
    keyring = next(iter(sorted(KEYRINGS.glob("debian-archive-keyring.*"))), None)
    signed = f"Signed-By: {keyring}\n" if keyring else ""
    stanzas = (
        f"Types: deb\nURIs: {address}\nSuites: {name}\nComponents: main\n{signed}"
        for name, address in sorted(found.items())
    )
    return "\n".join(stanzas)


def deb822_entries(text: str) -> Iterable[tuple[str, str]]:
    """Yield (address, suite) of each stanza that is enabled and has binary packages."""
    for stanza in re.split(r"\n\s*\n", re.sub(r"(?m)^#.*\n", "", text)):
        fields = dict(re.findall(r"(?m)^([\w-]+):[ \t]*(.*(?:\n[ \t].*)*)", stanza))
        if "deb" in fields.get("Types", "").split() and fields.get("Enabled") != "no":
            for suite in fields.get("Suites", "").split():
                for address in fields.get("URIs", "").split()[:1]:
                    yield address, suite


def one_line_entries(text: str) -> Iterable[tuple[str, str]]:
    """Yield (address, suite) of each line that names binary packages."""
    yield from re.findall(r"(?m)^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s", text)


def os_release() -> dict[str, str]:
    """Return the variables of the host's os-release."""
    try:
        text = Path("/etc/os-release").read_text()
    except OSError:
        return {}
    return dict(re.findall(r"(?m)^(\w+)=[\"']?([^\"'\n]*)", text))


class Apt:
    """An apt-get with lists, caches and an empty package database of its own.

    Args:
        home: Its directory.
        suite: Debian release that it knows.
    """

    def __init__(self, home: Path, suite: str) -> None:
        self.archives = home / "archives"
        self.config = home / "apt.conf"
        self.home = home
        for folder in ("lists/partial", "archives/partial", "cache"):
            (home / folder).mkdir(parents=True, exist_ok=True)
        (home / "debian.sources").write_text(debian_sources(suite))
        (home / "status").write_text("")
        self.write_config()
        self.run("update")

    def write_config(self) -> None:
        """Write the settings: the host's about the network, ours for the rest."""
        network = run(["apt-config", "dump"])
        settings = {
            "Dir::State": self.home,
            "Dir::State::lists": self.home / "lists",
            "Dir::State::status": self.home / "status",
            "Dir::Cache": self.home / "cache",
            "Dir::Cache::archives": self.archives,
            "Dir::Cache::pkgcache": "pkgcache.bin",
            "Dir::Cache::srcpkgcache": "srcpkgcache.bin",
            "Dir::Etc::sourcelist": self.home / "debian.sources",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "APT::Sandbox::User": "",
            "APT::Install-Recommends": "false",
            "Acquire::Languages": "none",
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
            "Debug::NoLocking": "true",
        }
        lines = [line for line in network.splitlines() if line.startswith("Acquire::")]
        lines += ["#clear APT::Update;", "#clear DPkg;"]
        lines += [f'{name} "{value}";' for name, value in settings.items()]
        self.config.write_text("\n".join(lines) + "\n")

    def run(self, *args: str, cwd: Path | None = None) -> str:
        """Run apt-get and return its output."""
        return run(["apt-get", "-qq", "--yes", "-c", self.config, *args], cwd=cwd)

    def resolve(self, specs: Sequence[str]) -> set[Path]:
        """Return the .deb files that apt-get would install into an empty system."""
        pattern = re.compile(r"^Inst (\S+) \((\S+) .*\[(\w+)\]\)", re.MULTILINE)
        found = pattern.findall(self.run("--simulate", "install", *specs))
        return {
            self.archives / f"{name.partition(':')[0]}_{version.replace(':', '%3a')}_{machine}.deb"
            for name, version, machine in found
        }

    def install(self, names: Iterable[str]) -> None:
        """Download packages and what they depend on into ``archives``."""
        self.run("--download-only", "install", *names)

    def download(self, name: str) -> Path:
        """Download one package without what it depends on; return its .deb file."""
        with tempfile.TemporaryDirectory(dir=self.home) as folder:
            self.run("download", name, cwd=Path(folder))
            (package,) = Path(folder).iterdir()
            return package.rename(self.archives / package.name)


class Packages:
    """Sets of .deb files, each in a directory, as the build wants them.

    Args:
        home: Working directory; ``packages`` in it becomes the context of that name.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.root = home / "packages"
        self.apts: dict[str, Apt] = {}
        self.closures: dict[str, set[Path]] = {"": set()}

    def apt(self, suite: str = SUITE) -> Apt:
        """Return the apt-get of a suite; its lists are updated once a run."""
        if suite not in self.apts:
            self.apts[suite] = Apt(self.home / suite, suite)
        return self.apts[suite]

    def fetch(self, names: Iterable[str]) -> None:
        """Fetch the sets that are not there yet; a set appears at once or not at all."""
        missing = [name for name in dict.fromkeys(names) if not (self.root / name).exists()]
        if not missing:
            return
        self.root.mkdir(parents=True, exist_ok=True)
        installed = {name: self.closure(name) for name in missing if name in INSTALLED}
        wanted = sorted({package_name(p) for packages in installed.values() for p in packages})
        if wanted:
            self.apt().install(wanted)
        for name, packages in installed.items():
            self.publish(name, packages - self.closure(INSTALLED[name][0]))
        for name in missing:
            if name in SINGLE:
                package, suite = SINGLE[name]
                self.publish(name, {self.apt(suite).download(package)})
        self.write_image_settings()

    def closure(self, name: str) -> set[Path]:
        """Return the .deb files of a set and of the sets below it; nothing is fetched."""
        if name not in self.closures:
            base, specs = INSTALLED[name]
            below = sorted(package_name(path) for path in self.closure(base))
            self.closures[name] = self.apt().resolve([*below, *specs])
        return self.closures[name]

    def publish(self, name: str, packages: set[Path]) -> None:
        """Make a set out of files: hard links in a directory that is renamed into place."""
        folder = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=self.home))
        folder.chmod(0o755)
        for package in packages:
            os.link(package, folder / package.name)
        if name == "busybox":
            unpack_program(next(iter(packages)), "busybox", folder / "busybox")
        folder.rename(self.root / name)

    def write_image_settings(self) -> None:
        """Write the directory ``apt``: what makes apt-get work inside the images."""
        target = self.root / "apt"
        (target / "sources.list.d").mkdir(parents=True, exist_ok=True)
        (target / "apt.conf.d").mkdir(exist_ok=True)
        sources = debian_sources(SUITE)
        if "URIs: http" in sources:
            (target / "sources.list.d/debian.sources").write_text(sources)
        settings = run(["apt-config", "dump", "Acquire::Check-Valid-Until"])
        (target / "apt.conf.d/host").write_text(settings)


def package_name(path: Path) -> str:
    """Return the name of the package in a .deb file."""
    return path.name.partition("_")[0]


def unpack_program(package: Path, program: str, target: Path) -> None:
    """Take one program out of a package."""
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        run(["dpkg-deb", "--extract", package, folder])
        found = next(p for p in Path(folder).rglob(program) if p.parent.name == "bin")
        shutil.copy2(found, target)
    target.chmod(0o755)


# ------------------------------------------------------------------------------ images


def jettison(*args: str | Path, quiet: bool = False) -> bool:
    """Run Jettison; return whether it succeeded."""
    argv = [sys.executable, "-m", "jettison", *map(str, args)]
    output = subprocess.DEVNULL if quiet else None
    return subprocess.run(argv, stdout=output, stderr=output, check=False).returncode == 0


def make(name: str, packages: Path) -> None:
    """Build one image."""
    passed = [f"--build-arg={variable}" for variable in PASSED if os.environ.get(variable)]
    argv = ["--target", IMAGES[name][0], "-t", name, "--ca-bundle", "host", *passed]
    context = f"--build-context=packages={packages}"
    if not jettison("build", *argv, context, "-f", HERE / "Dockerfile", HERE):
        raise BaseImageError(f"`{name}` cannot be built")


def cache_root() -> Path:
    """Return the directory that keeps the packages."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "jettison/bases"


def parse_arguments() -> argparse.Namespace:
    """Parse the command line; names are checked."""
    description = (__doc__ or "").partition("\n")[0]
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--force", action="store_true", help="make images that are in the store")
    parser.add_argument(
        "--fetch-only", action="store_true", help="fetch packages, print where, build nothing"
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(IMAGES))
    arguments = parser.parse_args()
    for name in arguments.names:
        if name not in IMAGES:
            parser.error(f"unknown image `{name}`; known are {', '.join(IMAGES)}")
    return arguments


def main() -> int:
    """Run the program; return its exit status."""
    arguments = parse_arguments()
    packages = Packages(cache_root())
    names = list(dict.fromkeys(arguments.names or IMAGES))
    if not (arguments.force or arguments.fetch_only):
        names = [name for name in names if not jettison("inspect", name, quiet=True)]
    try:
        started = time.monotonic()
        packages.fetch(part for name in names for part in IMAGES[name][1])
        if arguments.fetch_only:
            print(packages.root)
            return 0
        for name in names:
            make(name, packages.root)
            print(f"made {name} ({time.monotonic() - started:.0f} s)", flush=True)
    except BaseImageError as failure:
        print(f"make.py: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
