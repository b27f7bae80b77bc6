"""Two builders for the same context: BuildKit of the lab, and ours.

In:  a context directory and targets of its Dockerfile.
Out: OCI archives of both, or what they said.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 600


class Lab:
    """The lab with BuildKit (``c8d``).

    Args:
        peers: The directory that has its programs.
        base: The base image that both take from its registry.
    """

    def __init__(self, peers: Path, base: str) -> None:
        self._docker = str(peers / "bin/dk")
        home = os.environ.get("LAB") or os.path.expanduser("~/.cache/jettison-lab")
        self._base = base
        self._port = Path(home, "etc/port")

    @classmethod
    def find(cls, base: str) -> Lab | None:
        """Return the lab, or None where it is not up."""
        for parent in ROOT.parents:
            peers = parent / "shared/peers"
            if (peers / "bin/dk").exists():
                found = cls(peers, base)
                return found if found._is_up() else None
        return None

    def _is_up(self) -> bool:
        if not self._port.exists():
            return False
        try:
            return self._run([self._docker, "c8d", "version"]).returncode == 0
        except OSError:
            return False

    def theirs(self, context: Path, targets: Iterable[str], out: Path) -> str:
        """Build with BuildKit; return what it said, or nothing if all went well."""
        definition = {
            "target": {
                name: {
                    "context": str(context),
                    "target": name,
                    "contexts": {self._base: f"docker-image://{self._image()}"},
                    "network": "host",
                    "output": [f"type=oci,dest={out}/{name}.buildkit.tar"],
                    "no-cache": True,
                    "attest": ["type=provenance,disabled=true"],
                }
                for name in targets
            }
        }
        file = out / "bake.json"
        file.write_text(json.dumps(definition))
        command = [self._docker, "c8d", "buildx", "bake", "-f", str(file), "--progress=plain"]
        done = self._run([*command, "--allow=network.host", "--allow=fs=*", *targets])
        return "" if done.returncode == 0 else done.stdout[-3000:]

    def ours(self, context: Path, target: str, out: Path, store: Path) -> str:
        """Build with this version; return what it said, or nothing if all went well."""
        command = [sys.executable, "-m", "jettison", "--root", str(store), "build", "--target"]
        command += [target, "--network=host", "--progress=plain", "--build-context"]
        command += [f"{self._base}=docker-image://{self._image()}", "-o"]
        command += [f"type=oci,dest={out}/{target}.jettison.tar,compression=uncompressed"]
        done = self._run([*command, str(context)])
        return "" if done.returncode == 0 else done.stdout[-3000:]

    def _image(self) -> str:
        return f"127.0.0.1:{self._port.read_text().strip()}/library/{self._base}"

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            timeout=TIMEOUT,
        )
