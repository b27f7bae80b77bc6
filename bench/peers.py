"""The builders that are compared, each behind the same few verbs.

A peer is there when its command is: ``BENCH_DOCKER``, ``BENCH_BUILDAH``, ``BENCH_PODMAN`` and
``BENCH_JETTISON`` replace the names that are looked for on PATH, arguments included.
``BENCH_REGISTRY`` (``host:port``, plain HTTP) has base images under ``library/``; Jettison takes
them from there, the others must know it as a mirror.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

Commands = list[list[str]]
"""What one measurement runs, one after the other."""


class Peer:
    """What all builders can do; subclasses give the commands.

    Args:
        command: How it is called.
        out: Directory for archives.
    """

    name = ""

    def __init__(self, command: Sequence[str], out: Path) -> None:
        self.command = list(command)
        self.out = out
        self.env: Mapping[str, str] = {}
        self.daemons: Sequence[int] = ()

    def build(self, context: Path, tag: str, *options: str) -> Commands:
        """Build into the local store."""
        raise NotImplementedError

    def export(self, context: Path, tag: str, compression: str, *options: str) -> Commands:
        """Build and write an archive."""
        raise NotImplementedError

    def push(self, tag: str) -> Commands:
        """Push an image that was built."""
        return [[*self.command, "push", tag]]

    def forget(self, tag: str) -> None:
        """Remove the image and the build cache; base images stay."""
        raise NotImplementedError

    def _quietly(self, *argv: str) -> None:
        env = {**os.environ, **self.env}
        subprocess.run([*self.command, *argv], env=env, capture_output=True, check=False)


class Jettison(Peer):
    """This program, with a store of its own."""

    name = "jettison"

    def __init__(self, command: Sequence[str], out: Path, store: Path, registry: str) -> None:
        super().__init__(command, out)
        self.store = store
        self.env = {"JETTISON_ROOT": str(store)}
        self._registry = registry

    def build(self, context: Path, tag: str, *options: str) -> Commands:
        """Build into the local store."""
        argv = [*self.command, "build", "--network=host", "--progress=plain", "-t", tag]
        return [[*argv, *self._bases(context), *options, str(context)]]

    def export(self, context: Path, tag: str, compression: str, *options: str) -> Commands:
        """Build and write an OCI archive, in one command."""
        out = f"type=oci,dest={self.out / compression}.tar,compression={compression}"
        force = ",force-compression=true" if compression == "zstd" else ""
        return self.build(context, tag, "-o", out + force, *options)

    def forget(self, tag: str) -> None:
        """Remove the image and the build cache."""
        self._quietly("rmi", "-f", tag)
        self._quietly("prune", "--all", "--force")

    def empty(self) -> None:
        """Remove the whole store."""
        shutil.rmtree(self.store, ignore_errors=True)

    def _bases(self, context: Path) -> list[str]:
        if not self._registry:
            return []
        lines = (context / "Dockerfile").read_text().splitlines()
        images = {line.split()[1] for line in lines if line.startswith("FROM ")}
        place = f"docker-image://{self._registry}/library"
        return [
            f"--build-context={image}={place}/{image}"
            for image in sorted(images)
            if ":" in image and "/" not in image
        ]


class Docker(Peer):
    """BuildKit in a docker daemon, through buildx."""

    name = "docker"

    def build(self, context: Path, tag: str, *options: str) -> Commands:
        """Build into the daemon's store."""
        argv = [*self.command, "buildx", "build", "--network=host", "--progress=plain", "-t", tag]
        return [[*argv, *options, str(context)]]

    def export(self, context: Path, tag: str, compression: str, *options: str) -> Commands:
        """Build and write an OCI archive; needs the containerd image store."""
        out = f"type=oci,dest={self.out / compression}.tar,compression={compression}"
        force = ",force-compression=true" if compression == "zstd" else ""
        return self.build(context, tag, "--output", out + force, *options)

    def forget(self, tag: str) -> None:
        """Remove the image and the build cache."""
        self._quietly("rmi", "-f", tag)
        self._quietly("builder", "prune", "-af")


class Buildah(Peer):
    """Buildah or podman, whose verbs are the same."""

    def __init__(self, name: str, command: Sequence[str], out: Path) -> None:
        super().__init__(command, out)
        self.name = name

    def build(self, context: Path, tag: str, *options: str) -> Commands:
        """Build into the local store, with layers kept as cache."""
        argv = [*self.command, "build", "--layers", "--network", "host", "-t", tag]
        return [[*argv, *options, str(context)]]

    def export(self, context: Path, tag: str, compression: str, *options: str) -> Commands:
        """Build, then write an OCI archive."""
        form = ["--compression-format", compression]
        place = f"oci-archive:{self.out / compression}.tar"
        push = [*self.command, "push", "-q", *form, tag, place]
        return [*self.build(context, tag, *options), push]

    def push(self, tag: str) -> Commands:
        """Push to a registry without TLS."""
        return [[*self.command, "push", "-q", "--tls-verify=false", tag]]

    def forget(self, tag: str) -> None:
        """Remove the image and what nothing names."""
        self._quietly("rmi", "-f", tag)
        prune = ("rmi", "--prune", "-f") if self.name == "buildah" else ("image", "prune", "-f")
        self._quietly(*prune)


def find_peers(wanted: Sequence[str], work: Path) -> list[Peer]:
    """Return the peers of those names that are there, Jettison first."""
    registry = os.environ.get("BENCH_REGISTRY", "")
    out = work / "out"
    out.mkdir(parents=True, exist_ok=True)
    found: list[Peer] = []
    for name in wanted:
        command = shlex.split(os.environ.get(f"BENCH_{name.upper()}", name))
        if name == "jettison" and f"BENCH_{name.upper()}" not in os.environ:
            command = [sys.executable, "-m", "jettison"]
        if not shutil.which(command[0]):
            sys.stderr.write(f"{name} is not installed: left out\n")
        elif name == "jettison":
            found.append(Jettison(command, out, work / "store", registry))
        elif name == "docker":
            docker = Docker(command, out)
            daemons = os.environ.get("BENCH_DOCKER_PIDS", "")
            docker.daemons = [int(pid) for pid in daemons.split(",") if pid]
            found.append(docker)
        else:
            found.append(Buildah(name, command, out))
    return found
