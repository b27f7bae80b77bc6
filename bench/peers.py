"""The builders that are compared, each behind the same few verbs.

In:  ``NAME=COMMAND`` for those that are not called by their names on PATH. The name begins with
     what it is: ``jettison``, ``docker``, ``buildah`` or ``podman``; ``VARIABLE=VALUE`` may come
     before the command, as in a shell.
Out: argument vectors of what is timed; the verbs that only prepare do their work at once.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.process import CommandError, Commands, Runner, children

IMAGES = ("alpine:3.20", "python:3.11-slim", "node:20", "golang:1.23")
"""Base images of the workloads; they are in every store before anything is timed, but for W7."""

_COMPRESSORS = {"gzip": ("gzip", "-6"), "zstd": ("zstd", "-q", "-3", "-T0")}


class Peer:
    """What all builders can do; subclasses give the commands.

    Args:
        name: For the tables.
        command: How it is called, with variables of the environment in front.
        runner: Runs what prepares.
        work: Directory for stores and archives.
        registry: ``host:port`` of a registry that has base images below ``library/``, or empty.
    """

    def __init__(
        self, name: str, command: Sequence[str], *, runner: Runner, work: Path, registry: str
    ) -> None:
        words = list(command)
        self.name = name
        self.env: dict[str, str] = {}
        while words and words[0].partition("=")[0].isidentifier() and "=" in words[0]:
            key, _, value = words.pop(0).partition("=")
            self.env[key] = value
        self.command = words
        self.daemons: Sequence[int] = ()
        self.runner, self.work, self.registry = runner, work, registry

    def missing(self) -> str:
        """Return why the peer cannot be measured, or nothing."""
        if shutil.which(self.command[0], path=self.env.get("PATH")) is None:
            return f"no program `{self.command[0]}`"
        try:
            self.runner.run([*self.command, "version"], env=self.env)
        except CommandError as error:
            return " ".join(str(error).split())[:200]
        return ""

    def version(self) -> str:
        """Return what the peer says of its version, in a line."""
        self._prepare("--version")
        return " ".join(self.runner.log.read_text().split())

    def build(self, context: Path, tag: str, *options: str) -> Commands:
        """Build into the local store."""
        raise NotImplementedError

    def export(self, context: Path, tag: str, compression: str, *options: str) -> Commands:
        """Build and write an OCI archive."""
        raise NotImplementedError

    def push(self, tag: str) -> Commands:
        """Push an image that was built."""
        return [[*self.command, "push", "-q", tag]]

    def build_push(self, context: Path, tag: str, *options: str) -> Commands:
        """Build and push; two commands where no one command does both."""
        return [*self.build(context, tag, *options), *self.push(tag)]

    def jobs(self, number: int) -> tuple[str, ...]:
        """Return the options for that many stages at a time; a default that fits has none."""
        del number
        return ()

    def provide(self, image: str) -> None:
        """Have a base image in the store."""
        raise NotImplementedError

    def forget(self, tag: str) -> None:
        """Remove the image and the build cache; base images stay."""
        raise NotImplementedError

    def emptied(self) -> Peer:
        """Return this peer with a store that may be emptied."""
        raise NotImplementedError

    def wipe(self) -> None:
        """Empty the store."""
        raise NotImplementedError

    def _prepare(self, *argv: str, check: bool = True) -> None:
        self.runner.run([*self.command, *argv], env=self.env, check=check)

    def _archive(self, compression: str) -> Path:
        return self.work / "out" / f"{self.name}-{compression}.tar"


class Jettison(Peer):
    """This program, with a store of its own; so has another version of it, by its name."""

    def __init__(self, *args: object, store: str = "", **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self.store = self.work / "stores" / (store or self.name)
        self.env["JETTISON_ROOT"] = str(self.store)

    def build(self, context: Path, tag: str, *options: str) -> Commands:
        """Build into the local store."""
        argv = [*self.command, "build", "--network=host", "--progress=plain", "-t", tag]
        text = (context / "Dockerfile").read_text()
        bases = [
            f"--build-context={image}=docker-image://{self.registry}/library/{image}"
            for image in IMAGES
            if self.registry and image in text
        ]
        return [[*argv, *bases, *options, str(context)]]

    def export(self, context: Path, tag: str, compression: str, *options: str) -> Commands:
        """Build and write an OCI archive, in one command."""
        out = f"type=oci,dest={self._archive(compression)},compression={compression}"
        force = ",force-compression=true" if compression == "zstd" else ""
        return self.build(context, tag, "-o", out + force, *options)

    def push(self, tag: str) -> Commands:
        """Push an image that was built."""
        return [[*self.command, "push", tag]]

    def provide(self, image: str) -> None:
        """Have a base image in the store, unpacked: a step runs on it."""
        context = self.work / "out" / "base"
        context.mkdir(parents=True, exist_ok=True)
        (context / "Dockerfile").write_text(f"FROM {image}\nRUN true\n")
        for argv in self.build(context, "bench-base"):
            self.runner.run(argv, env=self.env)

    def forget(self, tag: str) -> None:
        """Remove the image and the build cache; base images stay."""
        self._prepare("rmi", "-f", tag, check=False)
        self._prepare("prune", "--all", "--force")

    def emptied(self) -> Peer:
        """Return Jettison with a second store."""
        command = [*(f"{key}={value}" for key, value in self.env.items()), *self.command]
        return Jettison(
            self.name, command, runner=self.runner, work=self.work, registry=self.registry,
            store=f"{self.name}-emptied",
        )  # fmt: skip

    def wipe(self) -> None:
        """Remove the whole store."""
        shutil.rmtree(self.store, ignore_errors=True)


class Docker(Peer):
    """BuildKit in a docker daemon, through buildx; its image store is asked for."""

    def missing(self) -> str:
        """Return why the peer cannot be measured, or nothing; find out which store it has."""
        why = super().missing()
        if not why:
            self._prepare("info", "--format", "{{json .DriverStatus}}")
            self._packs = "io.containerd.snapshotter" in self.runner.log.read_text()
        return why

    def build(self, context: Path, tag: str, *options: str) -> Commands:
        """Build into the daemon's store."""
        argv = [*self.command, "buildx", "build", "--network=host", "--progress=plain", "-t", tag]
        return [[*argv, *options, str(context)]]

    def export(self, context: Path, tag: str, compression: str, *options: str) -> Commands:
        """Build and write an archive: OCI from containerd's store, else a docker archive."""
        archive = self._archive(compression)
        if self._packs:
            force = ",force-compression=true" if compression == "zstd" else ""
            out = f"type=oci,dest={archive},compression={compression}{force}"
            return self.build(context, tag, *options, "--output", out)
        save = shlex.join([*self.command, "save", tag])
        pipe = f"{save} | {shlex.join(_COMPRESSORS[compression])} > {shlex.quote(str(archive))}"
        return [*self.build(context, tag, *options), ["bash", "-o", "pipefail", "-c", pipe]]

    def build_push(self, context: Path, tag: str, *options: str) -> Commands:
        """Build and push in one command."""
        return self.build(context, tag, *options, "--push")

    def provide(self, image: str) -> None:
        """Have a base image in the store."""
        self._prepare("pull", "-q", image)

    def forget(self, tag: str) -> None:
        """Remove the image and the build cache; base images stay."""
        self._prepare("rmi", "-f", tag, check=False)
        self._prepare("builder", "prune", "-af")

    def emptied(self) -> Peer:
        """Return the same: a daemon has one store."""
        return self

    def wipe(self) -> None:
        """Remove all that the daemon has; what it removes lazily is waited for."""
        self._prepare("system", "prune", "-af")
        self._prepare("builder", "prune", "-af")
        time.sleep(2)
        self._prepare("builder", "prune", "-af")


class Buildah(Peer):
    """Buildah or podman, whose verbs are the same."""

    more: Sequence[str] = ()
    """More options for each build."""

    def build(self, context: Path, tag: str, *options: str) -> Commands:
        """Build into the local store, with layers kept as cache."""
        argv = [*self.command, "build", "--layers", "--network", "host", *self.more, "-t", tag]
        return [[*argv, *options, str(context)]]

    def export(self, context: Path, tag: str, compression: str, *options: str) -> Commands:
        """Build, then write an OCI archive."""
        form = ["--compression-format", compression]
        if compression == "zstd":
            form.append("--force-compression")
        place = f"oci-archive:{self._archive(compression)}:{tag}"
        push = [*self.command, "push", "-q", *form, tag, place]
        return [*self.build(context, tag, *options), push]

    def push(self, tag: str) -> Commands:
        """Push to a registry without TLS."""
        return [[*self.command, "push", "-q", "--tls-verify=false", tag]]

    def jobs(self, number: int) -> tuple[str, ...]:
        """Return the options for that many stages at a time."""
        return ("--jobs", str(number))

    def provide(self, image: str) -> None:
        """Have a base image in the store."""
        self._prepare("pull", "-q", f"docker.io/library/{image}")

    def forget(self, tag: str) -> None:
        """Remove the image and what nothing names."""
        self._prepare("rmi", "-f", tag, check=False)
        self._prune()

    def emptied(self) -> Peer:
        """Return the same program with a second store."""
        run = "/run" if os.geteuid() == 0 else os.environ.get("XDG_RUNTIME_DIR", self.work / "run")
        place = [
            "--root",
            str(self.work / "stores" / self.name),
            "--runroot",
            f"{run}/bench-{self.name}",
        ]
        command = [*(f"{key}={value}" for key, value in self.env.items()), *self.command, *place]
        other = Buildah(
            self.name, command, runner=self.runner, work=self.work, registry=self.registry
        )
        other.more = ("--tls-verify=false",)
        return other

    def wipe(self) -> None:
        """Remove all images and what nothing names."""
        self._prepare("rmi", "-a", "-f", check=False)
        self._prune()

    def _prune(self) -> None:
        is_podman = self.name.startswith("podman")
        prune = ("image", "prune", "-f") if is_podman else ("rmi", "--prune", "-f")
        self._prepare(*prune, check=False)


_KINDS: dict[str, type[Peer]] = {
    "jettison": Jettison, "docker": Docker, "buildah": Buildah, "podman": Buildah,
}  # fmt: skip


def find_peers(
    settings: Sequence[str], daemons: Sequence[str], *, runner: Runner, work: Path, registry: str
) -> Iterator[Peer]:
    """Yield the peers that are there, and tell of those that are not.

    Args:
        settings: ``NAME=COMMAND`` or ``NAME`` each.
        daemons: ``NAME=PIDFILE`` or ``NAME=PID`` each.
        runner: Runs what prepares.
        work: Directory for stores and archives.
        registry: ``host:port``, or empty.

    Raises:
        ValueError: a setting is wrong.
    """
    pids = dict(pids_of(setting) for setting in daemons)
    for setting in settings:
        name, _, command = setting.partition("=")
        kind = next((kind for prefix, kind in _KINDS.items() if name.startswith(prefix)), None)
        if kind is None:
            raise ValueError(f"peer `{name}`: a name begins with one of {', '.join(_KINDS)}")
        words = shlex.split(command) or ([_ours()] if kind is Jettison else [name])
        peer = kind(name, words, runner=runner, work=work, registry=registry)
        peer.daemons = pids.get(name, ())
        if why := peer.missing():
            sys.stderr.write(f"{name}: left out: {why}\n")
        else:
            yield peer


def pids_of(setting: str) -> tuple[str, tuple[int, ...]]:
    """Return the name and the process IDs of ``NAME=PIDFILE``: the daemon and its children.

    Containerd is a child of dockerd, unless the system manages it.

    Raises:
        ValueError: there is no such file or process.
    """
    name, _, place = setting.partition("=")
    try:
        pid = int(place) if place.isdecimal() else int(Path(place).read_text())
    except OSError as error:
        raise ValueError(f"daemon of `{name}`: `{place}`: {error.strerror}") from error
    if not Path(f"/proc/{pid}").exists():
        raise ValueError(f"daemon of `{name}`: there is no process {pid}")
    return name, (pid, *children(pid))


def _ours() -> str:
    """Return the program that is installed beside this interpreter, as users call it."""
    program = Path(sys.executable).with_name("jettison")
    return str(program) if program.exists() else "jettison"
