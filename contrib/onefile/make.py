#!/usr/bin/env python3
"""Make one file that is Jettison with a Python of its own, for any Linux of an architecture.

    make.py [--arch amd64|arm64] [--out FILE]

In:  Debian's packages of Python and of the libraries that it loads, C library and loader among
     them; wheels, checked by the hashes of requirements/runtime.txt; the sources of Jettison.
Out: a shell script with an archive behind it. Its first start unpacks it into
     ``$XDG_CACHE_HOME/jettison/program``, later ones run what is there.

Nothing of the other architecture is run, so that each makes the file of both. Needs Debian with
apt-get, Python 3.11 (whose bytecode it is), and pip. The same packages give the same file.
"""

from __future__ import annotations

import argparse
import compileall
import gzip
import hashlib
import importlib.util
import io
import os
import py_compile
import re
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PACKAGES = (
    "libbz2-1.0",
    "libc6",
    "libexpat1",
    "libffi8",
    "libgcc-s1",
    "liblzma5",
    "libpython3.11-minimal",
    "libpython3.11-stdlib",
    "libsqlite3-0",
    "libssl3",
    "libstdc++6",
    "libuuid1",
    "python3.11-minimal",
    "zlib1g",
)
# Architecture of Debian -> directory of its libraries, loader, tag of wheels.
MACHINES = {
    "amd64": ("x86_64-linux-gnu", "ld-linux-x86-64.so.2", "x86_64"),
    "arm64": ("aarch64-linux-gnu", "ld-linux-aarch64.so.1", "aarch64"),
}
PYTHON = "python3.11"
# Parts of the standard library that nothing here uses.
UNUSED = ("ensurepip", "idlelib", "lib2to3", "pydoc_data", "test", "tkinter", "turtledemo")
BUILD_ONLY = {
    "editables",
    "hatchling",
    "packaging",
    "pathspec",
    "pluggy",
    "tomlkit",
    "trove-classifiers",
}
# The loader's path is absolute in a program, and known when it is unpacked: here is room for it.
INTERPRETER_ROOM = 1024
EPOCH = 1748736000


def main() -> None:
    """Make the file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--arch", choices=MACHINES, default="amd64")
    parser.add_argument("--out", type=Path, default=Path("jettison"))
    given = parser.parse_args()
    if sys.version_info[:2] != (3, 11):
        raise SystemExit("make.py needs Python 3.11: the bytecode is of the version that makes it")
    with tempfile.TemporaryDirectory(prefix="jettison-one-file-") as name:
        work = Path(name)
        tree = work / "tree"
        install_wheels(work, MACHINES[given.arch][2], tree / "jettison")
        unpack_packages(work, given.arch, tree)
        compile_all(tree)
        room = make_room(tree / "bin" / PYTHON)
        archive = pack(tree)
    given.out.write_bytes(script(given.arch, room, archive))
    given.out.chmod(0o755)
    print(f"{given.out}: {given.out.stat().st_size / 1e6:.1f} MB")


def run(argv: list[str | Path], cwd: Path | None = None) -> None:
    """Run a program that must succeed."""
    done = subprocess.run(argv, cwd=cwd, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{argv[0]} failed:\n{done.stdout}{done.stderr}")


def unpack_packages(work: Path, arch: str, tree: Path) -> None:
    """Fetch packages and take what runs from them: ``bin``, ``lib`` and the standard library.

    The wheels are there already: what they load is taken, too.
    """
    spec = importlib.util.spec_from_file_location("bases", ROOT / "examples" / "bases" / "make.py")
    if spec is None or spec.loader is None:
        raise SystemExit("examples/bases/make.py is missing")
    bases = importlib.util.module_from_spec(spec)
    sys.modules["bases"] = bases
    spec.loader.exec_module(bases)
    triplet, loader, _ = MACHINES[arch]
    settings = work / "arch.conf"
    settings.write_text(f'APT::Architecture "{arch}";\nAPT::Architectures {{ "{arch}"; }};\n')
    os.environ["APT_CONFIG"] = str(settings)
    apt = bases.Apt(work / "apt", "bookworm")
    root = work / "root"
    for name in PACKAGES:
        run(["dpkg-deb", "--extract", apt.download(name), root])
    library = tree / "lib" / PYTHON
    shutil.copytree(
        root / "usr/lib" / PYTHON,
        library,
        ignore=shutil.ignore_patterns(*UNUSED, "__pycache__", "config-*", "_tkinter.*"),
    )
    (tree / "bin").mkdir()
    shutil.copy2(root / "usr/bin" / PYTHON, tree / "bin" / PYTHON)
    wanted = [tree / "bin" / PYTHON, *library.glob("lib-dynload/*.so")]
    wanted += (tree / "jettison").rglob("*.so")
    places = [root / "lib" / triplet, root / "usr/lib" / triplet]
    for name in needed(wanted, places):
        found = next(place / name for place in places if (place / name).exists())
        shutil.copy(found, tree / "lib" / name)
    found = next(place / loader for place in places if (place / loader).exists())
    shutil.copy(found, tree / "lib" / "ld.so")
    for extension in library.glob("lib-dynload/*.so"):
        if any(not (tree / "lib" / name).exists() for name in libraries_of(extension)):
            extension.unlink()  # of a library that is not wanted: curses, readline, Berkeley DB


def needed(files: list[Path], places: list[Path]) -> set[str]:
    """Return the names of the libraries that files need and that are there, all the way down."""
    found: set[str] = set()
    left = list(files)
    while left:
        for name in libraries_of(left.pop()):
            path = next((place / name for place in places if (place / name).exists()), None)
            if path is not None and name not in found:
                found.add(name)
                left.append(path)
    return found


def libraries_of(path: Path) -> list[str]:
    """Return the DT_NEEDED entries of an ELF file of 64 bits."""
    data = path.read_bytes()
    if data[:5] != b"\x7fELF\x02":
        return []
    (offset,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    headers = [struct.unpack_from("<IIQQQQQQ", data, offset + size * n) for n in range(count)]

    def place(address: int) -> int:
        for kind, _, at, virtual, _, length, *_ in headers:
            if kind == 1 and virtual <= address < virtual + length:
                return int(at + address - virtual)
        raise SystemExit(f"{path.name} is damaged")

    entries: list[tuple[int, int]] = []
    for kind, _, at, *_, length, _, _ in headers:
        if kind == 2:
            entries = [struct.unpack_from("<QQ", data, at + 16 * n) for n in range(length // 16)]
    strings = next((place(value) for tag, value in entries if tag == 5), 0)
    names = [strings + value for tag, value in entries if tag == 1]
    return [data[at : data.index(b"\0", at)].decode() for at in names]


def install_wheels(work: Path, machine: str, target: Path) -> None:
    """Install Jettison and what it needs, for another machine perhaps."""
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    text = (ROOT / "requirements" / "runtime.txt").read_text()
    entries = [each for each in re.split(r"(?m)^(?=[a-z])", text) if "==" in each]
    kept = [each for each in entries if each.partition("==")[0] not in BUILD_ONLY]
    (work / "requirements.txt").write_text("".join(kept))
    flags = ["--require-hashes", "--no-deps", "--no-compile", "--only-binary=:all:"]
    flags += [f"--platform=manylinux_2_{n}_{machine}" for n in (17, 28)]
    flags += [f"--platform=manylinux2014_{machine}", "--python-version=3.11", "--implementation=cp"]
    run([*pip, "install", *flags, f"--target={target}", "-r", work / "requirements.txt"])
    shutil.rmtree(target / "bin", ignore_errors=True)
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src" / "jettison", target / "jettison", ignore=ignore)


def compile_all(tree: Path) -> None:
    """Make bytecode that no time of a source is in."""
    for name in ("lib/" + PYTHON, "jettison"):
        compileall.compile_dir(
            tree / name,
            quiet=2,
            force=True,
            stripdir=str(tree),
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
    shutil.copy(HERE / "start.py", tree / "start.py")


def make_room(program: Path) -> int:
    """Have a program load its libraries from ``../lib``; return where its loader's path stands."""
    mark = "/" + "_" * (INTERPRETER_ROOM - 1)
    run(["patchelf", "--force-rpath", "--set-rpath", "$ORIGIN/../lib", program])
    run(["patchelf", "--set-interpreter", mark, program])
    data = program.read_bytes()
    at = data.index(mark.encode())
    program.write_bytes(data.replace(mark.encode(), bytes(INTERPRETER_ROOM)))
    return at


def pack(tree: Path) -> bytes:
    """Return the tree as a compressed tar without times and owners."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as tar,
    ):
        for path in sorted(tree.rglob("*")):
            info = tar.gettarinfo(str(path), str(path.relative_to(tree)))
            info.uid = info.gid = 0
            info.uname = info.gname = ""
            info.mtime = EPOCH
            info.mode = 0o755 if path.is_dir() or info.mode & 0o100 else 0o644
            if info.isreg():
                with path.open("rb") as file:
                    tar.addfile(info, file)
            else:
                tar.addfile(info)
    return packed.getvalue()


def script(arch: str, room: int, archive: bytes) -> bytes:
    """Return the file: a script that knows where the archive begins."""
    text = (HERE / "start.sh").read_text()
    values = {
        "ARCH": MACHINES[arch][2],
        "ID": hashlib.sha256(archive).hexdigest()[:24],
        "ROOM": str(room),
        "MOST": str(INTERPRETER_ROOM - 20),
        "BEGIN": "0000000000",
    }
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    begin = f"{len(text.encode()) + 1:010}"
    return text.replace("begin=0000000000", f"begin={begin}").encode() + archive


if __name__ == "__main__":
    main()
