"""Podman: it pulls from us, for the moment of the load; by its service or by its program.

In:  an image.
Out: ``podman pull`` from a loopback registry, its names, and the name that it was pulled by taken
     away again; an archive where the service cannot reach us.

Podman copies an archive to its disk before it looks at it, and refuses one that lacks layers. What
it pulls it asks for blob by blob, and not for those that its storage has (ADR 0034 has numbers).

Source: podman's libpod API 4.0 (``/libpod/images/pull``); podman-pull(1), podman-load(1).
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Mapping

from jettison.concurrency import INTERRUPTS
from jettison.engine.base import EngineImage, LayerFiles
from jettison.engine.client import EngineClient, RefusedError
from jettison.engine.loopback import LoopbackRegistry
from jettison.engine.messages import shown
from jettison.engine.service import PullingService
from jettison.errors import ExportError
from jettison.events import Progress
from jettison.oci.platform import Platform

_SAID_BYTES = 64 << 10


class PodmanService(PullingService):
    """Podman behind a socket.

    Args:
        client: Speaks with it.
        files: Has the layers of images.
        platform: What it runs.
        version: Of its API.
    """

    product = "podman"
    takes_index = False

    def __init__(
        self, client: EngineClient, files: LayerFiles, platform: Platform | None, version: str
    ) -> None:
        super().__init__(client, files, platform)
        self._base = f"/v{version}/libpod/images"

    def load(self, image: EngineImage, report: Progress) -> None:
        """Have it pulled, or send it; see ``Engine``."""
        if self.inspect(image.config) is not None:
            self.tag(image.config, image)
            return
        self.pull_or_send(image, report, image.config)

    def pull(self, image: EngineImage, report: Progress) -> bool:
        """Have podman pull; see ``PullingService``."""
        with LoopbackRegistry(image, self.files, report) as registry:
            query = {"reference": registry.reference, "tlsVerify": "false", "policy": "always"}
            try:
                self.client.work(f"{self._base}/pull", query)
                self.tag(image.config, image)
            except RefusedError:
                if registry.failure is not None:
                    raise registry.failure from None
                return False
            # Of an image with several names this takes one away.
            with contextlib.suppress(RefusedError):
                self.client.call("DELETE", f"/images/{registry.reference}")
        return True


class PodmanProgram:
    """Podman as a program.

    Args:
        files: Has the layers of images.
        platform: Of this machine.
        environ: For the program.
    """

    takes_index = False
    title = "podman"

    def __init__(
        self, files: LayerFiles, platform: Platform | None, environ: Mapping[str, str]
    ) -> None:
        self.platform = platform
        self._files = files
        self._environ = environ

    def close(self) -> None:
        """There is no connection."""

    def load(self, image: EngineImage, report: Progress) -> None:
        """Have it pulled; see ``Engine``."""
        config = image.config.partition(":")[2]
        names = [str(each) for each in image.names]
        if not self._has(config):
            with LoopbackRegistry(image, self._files, report) as registry:
                try:
                    self._run("pull", "--quiet", "--tls-verify=false", registry.reference)
                except ExportError:
                    if registry.failure is not None:
                        raise registry.failure from None
                    raise
                if names:
                    self._run("tag", config, *names)
                self._run("untag", config, registry.reference)
        elif names:
            self._run("tag", config, *names)

    def _has(self, config: str) -> bool:
        try:
            self._run("image", "exists", config)
        except ExportError as error:
            if isinstance(error, _EndedError) and error.status == 1:
                return False
            raise
        return True

    def _run(self, *arguments: str) -> None:
        """Run podman.

        Raises:
            ExportError: it cannot be run, or fails.
        """
        since = INTERRUPTS.count
        try:
            program = subprocess.Popen(
                ["podman", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=dict(self._environ),
            )
        except OSError as error:
            raise ExportError(
                f"cannot run `podman`: {(error.strerror or '').lower()}",
                hint="install podman, or name another engine",
            ) from error
        with program, INTERRUPTS.ending(program.kill, since):
            try:
                said = program.stderr.read(_SAID_BYTES) if program.stderr else b""
                while program.stderr and program.stderr.read(_SAID_BYTES):
                    pass
                status = program.wait()
            except BaseException:
                program.kill()
                raise
        if status:
            lines = said.decode("utf-8", "replace").strip().splitlines()
            last = shown(lines[-1]) if lines else f"status {status}"
            raise _EndedError(f"`podman {arguments[0]}` fails: {last}", status)


class _EndedError(ExportError):
    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status
