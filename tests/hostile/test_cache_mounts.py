"""Cache mounts between steps and builds: sharing, modes, owners, what they begin with."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from scratch_processes import wait_for_file
from scratch_rig import Scratch

pytestmark = [pytest.mark.needs_root, pytest.mark.any_user(by_turns=True)]


def test_a_locked_cache_is_used_by_one_build_at_a_time(scratch: Scratch) -> None:
    scratch.dockerfile("""FROM busybox
ARG N
RUN --mount=type=cache,id=c,target=/c,sharing=locked test ! -e /c/busy && touch /c/busy && \\
    sleep 0.3 && rm /c/busy && echo $N >> /c/done
""")
    builds = [
        scratch.start("build", "-q", "--build-arg", f"N={n}", scratch.context) for n in range(4)
    ]
    assert [build.wait(timeout=60) for build in builds] == [0] * 4
    done = next((scratch.store / "cache-mounts").glob("*/done")).read_text()
    assert sorted(done.split()) == ["0", "1", "2", "3"]


def test_a_private_cache_is_another_one_while_it_is_in_use(scratch: Scratch) -> None:
    mount = "--mount=type=cache,id=c,target=/c,sharing=private"
    scratch.dockerfile(f"FROM busybox\nRUN {mount} touch /c/first /begun; sleep 1000\n")
    first = scratch.start("build", "-q", scratch.context)
    wait_for_file(first, scratch.store, "tmp/*/*/fs/begun")
    done = scratch.build(f"FROM busybox\nRUN {mount} test ! -e /c/first && touch /c/second\n")
    assert done.returncode == 0, done.stderr
    os.killpg(first.pid, signal.SIGINT)
    assert first.wait(timeout=60) == 130
    done = scratch.build(f"FROM busybox\nRUN {mount} test -e /c/first && test ! -e /c/second\n")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("isolation", ["embedded", "in-container"])
@pytest.mark.parametrize("sharing", ["locked", "shared", "private"])
def test_one_step_may_mount_a_cache_twice(scratch: Scratch, isolation: str, sharing: str) -> None:
    mounts = " ".join(f"--mount=type=cache,id=c,target=/{t},sharing={sharing}" for t in "ab")
    for script in ("touch /a/x /b/y && test -e /b/x && test -e /a/y", "ls /a/x /a/y /b/x /b/y"):
        done = scratch.build(
            f"FROM busybox\nRUN {mounts} {script}\n",
            "--step-timeout=20",
            f"--isolation={isolation}",
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("isolation", "sharing"), [("embedded", "locked"), ("in-container", "shared")]
)
def test_steps_that_lock_two_caches_in_two_orders_do_not_wait_for_each_other(
    scratch: Scratch, isolation: str, sharing: str
) -> None:
    one, two = (f"--mount=type=cache,id={n},target=/{n},sharing={sharing}" for n in "xy")
    stages = "".join(
        f"FROM busybox AS s{n}\nRUN {' '.join((one, two)[:: 1 - 2 * (n % 2)])} echo {n} > /r{n}\n"
        for n in range(8)
    )
    copies = "".join(f"COPY --from=s{n} /r{n} /\n" for n in range(8))
    text = f"{stages}FROM busybox\n{copies}"
    done = scratch.build(text, "-j", "8", f"--isolation={isolation}")
    assert done.returncode == 0, done.stderr


def test_a_cache_begins_with_the_files_of_a_stage_and_no_link_leads_out(scratch: Scratch) -> None:
    host = scratch.directory / "host"
    host.mkdir()
    (host / "secret").write_text("of the host")
    seed = f"""FROM busybox AS seed
RUN mkdir /s && echo seeded > /s/file && ln -s /s /inside && ln -s {host} /outside && ln -s {host}/secret /s/link
"""
    done = scratch.build(
        f"{seed}FROM busybox\nRUN --mount=type=cache,from=seed,source=/inside,id=a,target=/c"
        " grep seeded /c/file && ! cat /c/link && echo kept > /c/new\n"
        "RUN --mount=type=cache,from=seed,source=/inside,id=a,target=/c grep kept /c/new\n"
    )
    assert done.returncode == 0, done.stderr
    done = scratch.build(
        f"{seed}FROM busybox\nRUN --mount=type=cache,from=seed,source=/outside,id=b,target=/c ls /c/secret\n"
    )
    assert done.returncode != 0
    assert [path.name for path in host.iterdir()] == ["secret"]


def test_an_ssh_agent_is_forwarded_by_its_socket_and_by_keys(scratch: Scratch, need) -> None:
    need("ssh-agent")
    import subprocess  # noqa: PLC0415

    key = scratch.directory / "key"
    subprocess.run([need("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    scratch.give(key)
    text = """FROM busybox
RUN --mount=type=ssh,required test -S "$SSH_AUTH_SOCK" && \\
    printf '\\0\\0\\0\\1\\013' | nc -w 2 local:"$SSH_AUTH_SOCK" 2>/dev/null | wc -c; test -S "$SSH_AUTH_SOCK"
"""
    done = scratch.build(text, "--ssh", f"default={key}")
    assert done.returncode == 0, done.stderr
    assert not list(Path("/tmp").glob(f"jettison-agent-*{key.name}"))
    missing = scratch.build(text, "--ssh", f"default={key}.none")
    assert missing.returncode == 125
