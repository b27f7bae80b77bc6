"""Steps cannot write the names of hosts that they are given, and a failure says what to do."""

from __future__ import annotations

import pytest

from scratch_rig import Scratch

pytestmark = pytest.mark.needs_root


@pytest.mark.parametrize("name", ["hosts", "resolv.conf"])
def test_a_step_that_writes_names_of_hosts_fails_with_a_hint(scratch: Scratch, name: str) -> None:
    done = scratch.build(f"FROM busybox\nRUN echo 10.0.0.5 db >> /etc/{name}\n")
    assert done.returncode != 0
    assert "Read-only file system" in done.stderr
    assert "--add-host" in done.stderr
    done = scratch.build(
        "FROM busybox\nRUN grep db /etc/hosts && echo own > /etc/hostname\n"
        "RUN grep own /etc/hostname\n",
        "--add-host=db:10.0.0.5",
    )
    assert done.returncode == 0, done.stderr


def test_other_failures_have_other_hints(scratch: Scratch) -> None:
    done = scratch.build("FROM busybox\nRUN cat /etc/hosts && false\n")
    assert done.returncode != 0
    assert "--add-host" not in done.stderr
