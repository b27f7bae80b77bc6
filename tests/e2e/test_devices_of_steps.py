"""``RUN --device``: devices of the host by description (CDI) and by path, granted and not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from e2e.command import Cli

DESCRIPTION = """\
cdiVersion: "0.6.0"
kind: vendor.com/test
devices:
- name: a
  containerEdits:
    env:
    - A=from a
    deviceNodes:
    - path: /dev/test/a
      hostPath: /dev/null
    mounts:
    - hostPath: {directory}/lib
      containerPath: /opt/lib
      options: [ro, rbind]
- name: b
  containerEdits:
    env: [B=1]
  annotations:
    org.mobyproject.buildkit.device.class: many
- name: free
  annotations:
    org.mobyproject.buildkit.device.autoallow: true
  containerEdits:
    env: [FREE=1]
containerEdits:
  env: [ALL=1]
"""
LEVELS = ["embedded", "crun", "runc"]


@pytest.fixture
def described(cli: Cli) -> Cli:
    directory = cli.work / "cdi"
    (directory / "lib").mkdir(parents=True, exist_ok=True)
    (directory / "lib/so").write_text("a library\n")
    (directory / "test.yaml").write_text(DESCRIPTION.format(directory=directory))
    other = Cli(cli.work, cli.prefix, cli.python)
    other._directories = 9000 + cli._directories
    other.env["JETTISON_CDI_DIRS"] = str(directory)
    cli._directories += 10
    return other


def context(cli: Cli, *lines: str) -> Path:
    return cli.context({"Dockerfile": "\n".join(("FROM box", *lines, ""))})


@pytest.mark.parametrize("isolation", LEVELS)
def test_a_step_gets_what_the_description_says_and_no_other_step_does(
    described: Cli, isolation: str, need
):
    if isolation != "embedded":
        need(isolation)
    if not os.path.exists("/dev/fuse"):
        pytest.skip("this host has no /dev/fuse")
    # Whether it may be opened is the host's to say.
    opened = "! (: <>/dev/fuse) 2>&1" if described.prefix else ": <>/dev/fuse && echo opened"
    built = described(
        "build",
        "--progress=plain",
        "--no-cache",
        f"--isolation={isolation}",
        "--allow=device=vendor.com/test=a",
        "--allow=device=/dev/fuse",
        context(
            described,
            "RUN --device=vendor.com/test=a,required --device=vendor.com/none=x --device=many2 "
            'echo "$A $ALL $(cat /opt/lib/so)"; test -c /dev/test/a && echo x > /dev/test/a '
            "&& ! touch /opt/lib/x && echo written",
            f"RUN --device=/dev/fuse test -c /dev/fuse && {opened}",
            'RUN ls -d /dev/fuse /dev/test /opt/lib; echo "left: $A"',
        ),
    )
    assert "from a 1 a library\n" in built.all
    assert "written\n" in built.all
    assert "left: \n" in built.all
    assert ("Permission denied" if described.prefix else "opened\n") in built.all
    assert "ls: /dev/fuse: No such file or directory" in built.all
    assert "ls: /dev/test: No such file or directory" in built.all


def test_devices_are_checked_on_cached_builds_and_refused_where_they_cannot_be(described: Cli):
    made = context(described, "RUN --device=vendor.com/test=a true")
    described("build", "-q", "--allow=device", made)
    assert "1 step" not in described("build", "--allow=device", made).stdout
    assert described.attempt("build", made).returncode != 0
    said = described.attempt(
        "build", "--no-cache", "--allow=device", "--isolation=in-container", made
    )
    assert "the sandbox `in-container` cannot run this: it cannot show devices" in said.stderr
