"""Pulls and pushes beside skopeo and buildah: seconds and bytes, on one machine, in one run.

``python -m bench.transfers [MIB]``: a registry (Debian's ``docker-registry``) gets a base image of
so many MiB, as gzip, eStargz and zstd:chunked; then each of the tools does the same things with it.
Stores are fresh each time. What is printed is a table, and what was fetched of the base's layers.
``python -m bench.transfers [MIB] copies``: copies only, between two registries and a layout, and
out of a store. ``JETTISON_SKOPEO`` names the command of another skopeo.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from registry_server import RegistryServer  # noqa: E402

FILES = 400
JETTISON = [sys.executable, "-m", "jettison"]
PLAIN = ["--tls-verify=false"]


def base(directory: Path, mib: int) -> Path:
    """Write the context of the base: half of it packs well, half does not."""
    part = mib * (1 << 20) // FILES
    for number in range(FILES):
        path = directory / f"files/{number % 50}/{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(part) if number % 2 else bytes([number % 251]) * part)
    (directory / "tool").write_text("a tool")
    (directory / "Dockerfile").write_text(
        "FROM scratch\nCOPY files /files\nCOPY tool /usr/bin/tool\n"
    )
    return directory


def buildah_on(store: Path) -> list[str | Path]:
    """Return the beginning of a command line of buildah on a store."""
    places = ["--root", store / "root", "--runroot", store / "run"]
    return ["buildah", *places, "--storage-driver=vfs"]


class Bench:
    """Runs commands, each with a store of its own."""

    def __init__(self, directory: Path, registry: RegistryServer) -> None:
        self.directory = directory
        self.registry = registry
        self.rows = 0
        self.count = 0

    def store(self) -> Path:
        """Return a place for a fresh store."""
        self.count += 1
        return self.directory / f"store{self.count}"

    def run(self, what: str, who: str, *commands: Sequence[str | Path], root: Path) -> None:
        """Run commands, and note how long they took and what was fetched."""
        seen = len(self.registry.requests())
        env = {**os.environ, "JETTISON_ROOT": str(root), "PYTHONPATH": str(ROOT / "src")}
        began = time.monotonic()
        for command in commands:
            subprocess.run([*map(str, command)], env=env, check=True, capture_output=True)
        seconds = time.monotonic() - began
        fetched = sum(
            each.size
            for each in self.registry.requests()[seen:]
            if each.method == "GET" and "/blobs/" in each.path
        )
        self.rows += 1
        sys.stdout.write(f"{what:46} {who:10} {seconds:8.2f} {fetched:12,}\n")
        sys.stdout.flush()
        shutil.rmtree(root, ignore_errors=True)

    def context(self, text: str) -> Path:
        """Return a context with a Dockerfile."""
        made = self.directory / f"context{len(os.listdir(self.directory))}"
        made.mkdir()
        (made / "app").write_text("app")
        (made / "Dockerfile").write_text(text)
        return made


def copies(mib: int, rounds: int = 3) -> None:
    """Measure copies beside skopeo's, by turns, and print."""
    sys.stdout.write(f"{'what':46} {'who':10} {'seconds':>8} {'fetched':>12}\n")
    with tempfile.TemporaryDirectory(dir=os.environ.get("JETTISON_BENCH")) as temporary:
        directory = Path(temporary)
        with RegistryServer(directory / "one") as one:
            bench = Bench(directory, one)
            name, kept = f"{one.host}/base:gzip", directory / "kept"
            made = base(directory / "base", mib)
            build = [*JETTISON, "--root", kept, "build", "-t", name, made]
            bench.run("build", "jettison", build, root=bench.store())
            push = [*JETTISON, "--root", kept, "push", name]
            bench.run("push, which packs nothing any more", "jettison", push, root=bench.store())
            store = directory / "containers"
            pull = [*buildah_on(store), "pull", *PLAIN, name]
            subprocess.run([*map(str, pull)], check=True, capture_output=True)
            stored = f"containers-storage:[vfs@{store}/root+{store}/run]{name}"
            for number in range(rounds):
                # New registries: skopeo remembers what it has seen where, and mounts it.
                with (
                    RegistryServer(directory / f"two{number}") as two,
                    RegistryServer(directory / f"three{number}") as three,
                ):
                    targets = (f"docker://{two.host}/x-", f"docker://{three.host}/x-")
                    _copy_all(bench, kept, name, stored, (*targets, f"oci:{directory}/l{number}-"))


def _copy_all(
    bench: Bench, kept: Path, name: str, stored: str, targets: tuple[str, str, str]
) -> None:
    """Copy in each way with both programs.

    Args:
        bench: Runs them.
        kept: Jettison's store.
        name: Of the image in a registry.
        stored: The same in a store of skopeo's, which keeps layers uncompressed.
        targets: Two registries and a layout, without the end of their names.
    """
    skopeo = shlex.split(os.environ.get("JETTISON_SKOPEO", "skopeo"))
    plain = ["--src-tls-verify=false", "--dest-tls-verify=false"]
    source, (first, second, layout) = f"docker://{name}", targets
    beside = f"docker://{bench.registry.host}/{bench.rows}-"
    for what, ours, theirs, target in (
        ("registry to registry", source, source, f"{first}{{}}:1"),
        ("registry to registry, all there", source, source, f"{first}{{}}:2"),
        ("registry to repository beside it", source, source, f"{beside}{{}}:1"),
        ("registry to layout", source, source, f"{layout}{{}}:1"),
        ("store to registry", f"store:{name}", stored, f"{second}{{}}:1"),
    ):
        command = [*JETTISON, "--root", kept, "copy", "-q", ours, target.format("j")]
        bench.run(what, "jettison", command, root=bench.store())
        other = [*skopeo, "copy", *plain, theirs, target.format("s")]
        bench.run(what, "skopeo", other, root=bench.store())


def main(mib: int) -> None:
    """Measure and print."""
    sys.stdout.write(f"{'what':46} {'who':10} {'seconds':>8} {'fetched':>12}\n")
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        with RegistryServer(directory / "registry") as registry:
            bench = Bench(directory, registry)
            host = registry.host
            made = base(directory / "base", mib)
            name = f"{host}/base:gzip"
            store = bench.store()
            bench.run(
                "build and push",
                "jettison",
                [*JETTISON, "build", "--push", "-t", name, made],
                root=store,
            )
            chunked = f"{host}/chunked/base:1"
            copy = ["skopeo", "copy", "--src-tls-verify=false", "--dest-tls-verify=false"]
            subprocess.run(
                [
                    *copy,
                    "--dest-compress-format=zstd:chunked",
                    f"docker://{name}",
                    f"docker://{chunked}",
                ],
                check=True,
                capture_output=True,
            )
            store = bench.store()
            bench.run("pull", "jettison", [*JETTISON, "pull", name], root=store)
            bench.run(
                "pull",
                "skopeo",
                [*copy, f"docker://{name}", f"oci:{directory}/pulled"],
                root=bench.store(),
            )
            store = bench.store()
            buildah = buildah_on(store)
            bench.run("pull", "buildah", [*buildah, "pull", *PLAIN, name], root=store)
            pushed = f"{host}/pushed"
            bench.run(
                "push what was pulled elsewhere",
                "skopeo",
                [*copy, f"oci:{directory}/pulled", f"docker://{pushed}:s"],
                root=bench.store(),
            )
            for label, text in {
                "metadata onto it, push": f"FROM {name}\nENV A=1\n",
                "COPY --link onto it, push": f"FROM {name}\nCOPY --link app /app\n",
                "COPY onto it, push": f"FROM {name}\nCOPY app /app\n",
                "COPY onto it (zstd:chunked), push": f"FROM {chunked}\nCOPY app /app\n",
                "COPY --from of one file": f"FROM scratch\nCOPY --from={name} /usr/bin/tool /\n",
                "COPY --from of a file below": f"FROM scratch\nCOPY --from={name} /files/0/0 /\n",
                "COPY --from of a file below (zstd:chunked)": (
                    f"FROM scratch\nCOPY --from={chunked} /files/0/0 /\n"
                ),
            }.items():
                context = bench.context(text)
                tag = f"{host}/made:{bench.rows}"
                store = bench.store()
                bench.run(
                    label,
                    "jettison",
                    [*JETTISON, "build", "--push", "-t", tag, context],
                    root=store,
                )
                store = bench.store()
                buildah = buildah_on(store)
                (context / "Dockerfile").write_text(text.replace(" --link", ""))
                bench.run(
                    label,
                    "buildah",
                    [*buildah, "bud", *PLAIN, "--isolation=chroot", "-t", tag + "b", context],
                    [*buildah, "push", *PLAIN, tag + "b"],
                    root=store,
                )


if __name__ == "__main__":
    measured = copies if "copies" in sys.argv else main
    measured(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
