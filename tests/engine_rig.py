"""Running engines for tests: Debian's dockerd, podman's service and podman as a program.

In:  a directory for their data.
Out: addresses, and what the engine's own client says.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import msgspec

from image_rig import AMD64, CREATED_NS, Rig
from jettison.api.engine_exporter import EngineExporter
from jettison.exporter.outputs import EngineOutput
from jettison.image.assemble import assemble
from jettison.oci.config import ContainerConfig, History
from jettison.oci.reference import parse_reference
from jettison.plan.graph import HistoryStep, ImageTemplate
from jettison.store.image import StoredImage
from jettison.store.layer import LayerId
from registry_server import needed

_SECONDS = 30


class Engine:
    """An engine and its client.

    Args:
        name: As Jettison is told: an address, or ``podman``.
        client: The beginning of a command line.
        run: Arguments of ``run`` that this machine needs.
        environ: Of the client, and of Jettison.
    """

    def __init__(
        self, name: str, client: list[str], run: list[str], environ: Mapping[str, str]
    ) -> None:
        self.name = name
        self._client = client
        self._run = run
        self.environ = {**os.environ, **environ}

    def __call__(self, *arguments: str) -> str:
        """Return what the client prints."""
        done = subprocess.run(
            [*self._client, *arguments],
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run(self, image: str) -> str:
        """Return what a container of an image prints."""
        return self("run", "--rm", "--network=none", *self._run, image)

    def inspect(self, image: str) -> dict[str, Any]:
        """Return what the engine knows of an image."""
        found = json.loads(self("image", "inspect", image))[0]
        assert isinstance(found, dict)
        return found

    def names(self) -> set[str]:
        """Return the names of all images."""
        lines = self("images", "--format", "{{.Repository}}:{{.Tag}}").splitlines()
        return {each for each in lines if each != "<none>:<none>"}

    def forget(self) -> None:
        """Remove all images."""
        ids = set(self("images", "-q").split())
        if ids:
            self("rmi", "-f", *ids)

    def load(self, rig: Rig, *images: StoredImage, names: tuple[str, ...] = ()) -> list[str]:
        """Load images with our exporter; return the digests of blobs of which bytes were sent."""
        exporter = EngineExporter(
            EngineOutput(engine=self.name),
            tuple(map(parse_reference, names)),
            msgspec.structs.replace(rig.services, platform=AMD64),
            self.environ,
        )
        sent: dict[str, None] = {}

        def report(item: str, current: int, total: int) -> None:
            if current:
                sent[item] = None

        exporter.export(images, report)
        return list(sent)


class Process:
    """A service behind a socket; a context manager."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.socket = directory / "engine.sock"
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        """Return the command line."""
        raise NotImplementedError

    def environ(self) -> dict[str, str]:
        """Return variables that it needs."""
        return {}

    def engine(self) -> Engine:
        """Return the engine."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self.directory.mkdir(parents=True, exist_ok=True)
        command = self.command()
        with (self.directory / "log").open("wb") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, env={**os.environ, **self.environ()}
            )
        end = time.monotonic() + _SECONDS
        while not self._answers():
            assert self._process.poll() is None, (self.directory / "log").read_text()
            assert time.monotonic() < end, (self.directory / "log").read_text()
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
        for mount in sorted(_mounts_below(self.directory), reverse=True):
            subprocess.run(["umount", "-l", mount], check=False)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as tried:
            try:
                tried.connect(str(self.socket))
            except OSError:
                return False
        return True


class Dockerd(Process):
    """Debian's dockerd, with a graph driver and no network."""

    def command(self) -> list[str]:
        place = self.directory
        return [
            *(needed("dockerd"), "--bridge=none", "--iptables=false", "--ip6tables=false"),
            *(f"--data-root={place}/data", f"--exec-root={place}/exec", f"--pidfile={place}/pid"),
            *(f"--host=unix://{self.socket}", "--storage-driver=vfs", f"--config-file={place}/no"),
        ]

    def __enter__(self) -> Self:
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "no").write_text("{}")
        return super().__enter__()

    def engine(self) -> Engine:
        """Return the engine."""
        address = f"unix://{self.socket}"
        return Engine(address, [needed("docker"), "-H", address], [], {})


class PodmanService(Process):
    """Podman's service, with a storage of its own."""

    def command(self) -> list[str]:
        return [needed("podman"), "system", "service", "--time=0", f"unix://{self.socket}"]

    def environ(self) -> dict[str, str]:
        return podman_storage(self.directory)

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        forget_storage(self.directory)

    def engine(self) -> Engine:
        """Return the engine."""
        return Engine(f"unix://{self.socket}", PODMAN, PODMAN_RUN, podman_storage(self.directory))


PODMAN = ["podman", "--runtime=runc", "--cgroup-manager=cgroupfs"]
"""Debian's crun refuses cgroups of both versions at once."""

PODMAN_RUN = ["--ulimit=nofile=1024:1024", "--ulimit=nproc=1000:1000"]
"""Its own limits are more than a user without CAP_SYS_RESOURCE may set."""


@contextmanager
def podman_program(directory: Path) -> Iterator[Engine]:
    """Yield podman as a program, with a storage of its own."""
    directory.mkdir(parents=True, exist_ok=True)
    needed("podman")
    yield Engine("podman", PODMAN, PODMAN_RUN, podman_storage(directory))
    forget_storage(directory)


def podman_storage(directory: Path) -> dict[str, str]:
    """Return what makes podman keep everything in a directory."""
    path = directory / "storage.conf"
    if not path.exists():
        runroot = tempfile.mkdtemp(prefix="jp-")  # podman takes 50 characters at most
        path.write_text(
            f'[storage]\ndriver = "vfs"\ngraphroot = "{directory}/root"\nrunroot = "{runroot}"\n'
        )
    return {"CONTAINERS_STORAGE_CONF": str(path)}


def forget_storage(directory: Path) -> None:
    """Remove what podman keeps outside of its directory."""
    match = re.search('runroot = "(.*)"', (directory / "storage.conf").read_text())
    if match is not None:
        shutil.rmtree(match[1], ignore_errors=True)


def runnable(rig: Rig, *texts: str) -> StoredImage:
    """Make an image that prints the last text; each text is a layer on the first, a busybox."""
    program = Path(needed("busybox")).read_bytes()
    first = _layer(rig, "bin/busybox", program, 0o755)
    stack = (first, *(_layer(rig, "said", f"{text}\n".encode(), 0o644) for text in texts))
    history = tuple(HistoryStep(History(created_by="COPY"), None) for _ in stack)
    config = ContainerConfig(cmd=("/bin/busybox", "cat", "/said"))
    template = ImageTemplate(AMD64, config, history)
    image = assemble(template, stack, rig.blobs, created_ns=CREATED_NS)
    rig.store.images.add(image)
    return image


def _layer(rig: Rig, name: str, content: bytes, mode: int) -> LayerId:
    """Make a layer of one file, the same whenever it is made."""
    active = rig.layer_store.prepare()
    path = active.upper / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)
    for each in {path, path.parent}:
        os.utime(each, (1_700_000_000, 1_700_000_000))
    return rig.layer_store.commit(active).id


def _mounts_below(directory: Path) -> list[str]:
    lines = Path("/proc/self/mounts").read_text().splitlines()
    return [each.split()[1] for each in lines if each.split()[1].startswith(f"{directory}/")]
