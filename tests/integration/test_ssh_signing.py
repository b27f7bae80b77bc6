"""A step signs with a key that it never sees: through the agent that ``--ssh ID=KEY`` starts."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from scratch_rig import Scratch, copy_program, grep

pytestmark = pytest.mark.needs_root

SIGNING = """FROM busybox
COPY host /
RUN echo root:x:0:0::/:/bin/sh > /etc/passwd && echo what is signed > /data
COPY key.pub /key.pub
RUN --mount=type=ssh,id=signer ssh-keygen -Y sign -f /key.pub -n file < /data > /data.sig
FROM scratch
COPY --from=1 /data /data.sig /
"""


def test_a_step_signs_with_the_key_of_the_agent(tmp_path: Path, need: Callable[[str], str]) -> None:
    need("ssh-agent")
    keygen = need("ssh-keygen")
    scratch = Scratch(tmp_path, need("busybox"))
    copy_program(keygen, scratch.context / "host")
    key = tmp_path / "key"
    subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    shutil.copy(f"{key}.pub", scratch.context / "key.pub")
    scratch.dockerfile(SIGNING)
    out = tmp_path / "out"
    build = ["build", "--progress=plain", "-o", f"type=local,dest={out}"]
    done = scratch.run(*build, "--ssh", f"signer={key}", scratch.context)
    assert done.returncode == 0, done.stderr
    allowed = tmp_path / "allowed"
    allowed.write_text(f"somebody {Path(f'{key}.pub').read_text()}")
    verify = [keygen, "-Y", "verify", "-f", allowed, "-I", "somebody", "-n", "file"]
    signature = ["-s", out / "data.sig"]
    data = (out / "data").read_bytes()
    assert subprocess.run([*verify, *signature], input=data, check=False).returncode == 0
    assert subprocess.run([*verify, *signature], input=data + b"x", check=False).returncode != 0
    secret = key.read_bytes().splitlines()[2]
    assert grep([secret], scratch.store, out) == []
    other = tmp_path / "other"
    subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", other], check=True)
    scratch.run("prune", "--all", "--force")
    refused = scratch.run(*build, "--ssh", f"signer={other}", scratch.context)
    assert refused.returncode == 1
    assert "exit code: 255" in refused.stderr
