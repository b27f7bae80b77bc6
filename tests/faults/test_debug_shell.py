"""A failed step can be looked into until the next build."""

from __future__ import annotations

import pytest

from scratch_rig import Scratch, grep

pytestmark = pytest.mark.needs_root

FAILING = """FROM busybox AS other
RUN echo of-a-stage > /file
FROM busybox
RUN mkdir -p /etc /home/dev && echo 'dev:x:1234:1234::/home/dev:/bin/sh' > /etc/passwd && chown 1234 /home/dev
USER dev
WORKDIR /home/dev
ENV COLOUR=green
RUN --mount=type=bind,from=other,target=/other --mount=type=cache,target=/cache,uid=1234 \\
    --mount=type=tmpfs,target=/mem --mount=type=secret,id=token,env=TOKEN \\
    echo half-done > partial; echo cached > /cache/c; exit 3
"""


@pytest.mark.parametrize("isolation", ["embedded", "crun"])
def test_a_shell_has_user_environment_directory_and_mounts_of_the_failed_step(
    scratch: Scratch, isolation: str, need
) -> None:
    if isolation != "embedded":
        need(isolation)
    token = scratch.directory / "token"
    token.write_text("a-very-secret-token")
    secret = ("--secret", f"id=token,src={token}")
    driver = f"--isolation={isolation}"
    assert scratch.build(FAILING, driver, *secret).returncode == 1
    assert "exit code 3" in scratch.run("debug", "shell", "--list").stdout
    script = 'id -u; pwd; echo $COLOUR; cat partial /other/file /cache/c; echo "[$TOKEN]"; grep -c " /mem " /proc/mounts'
    done = scratch.run("debug", "shell", driver, "sh", "-c", script)
    assert done.stdout.split() == [
        "1234",
        "/home/dev",
        "green",
        "half-done",
        "of-a-stage",
        "cached",
        "[]",
        "1",
    ]
    given = scratch.run(
        "debug",
        "shell",
        driver,
        *secret,
        "sh",
        "-c",
        "echo $TOKEN; cat /run/secrets/token; touch more",
    )
    assert "a-very-secret-token" in given.stdout, given.stderr
    typed = scratch.run("debug", "shell", "--step", "half-done", driver, stdin=b"ls; exit 7\n")
    assert typed.returncode == 7, typed.stderr
    assert typed.stdout.split() == ["more", "partial"]
    assert grep([b"a-very-secret-token"], scratch.store) == []
    unknown = scratch.run("debug", "shell", "--step", "nothing like it")
    assert unknown.returncode == 125
    assert scratch.run("fsck").returncode == 0
    assert scratch.build("FROM busybox\nRUN true\n").returncode == 0
    gone = scratch.run("debug", "shell", "true")
    assert gone.returncode == 125
    assert "no failed step is kept" in gone.stderr
    assert list((scratch.store / "failed").iterdir()) == []


def test_on_error_shell_opens_it_at_once_and_the_build_still_fails(scratch: Scratch) -> None:
    scratch.dockerfile("FROM busybox\nRUN echo half > /half; false\n")
    done = scratch.run("build", "-q", "--on-error=shell", scratch.context, stdin=b"cat /half\n")
    assert done.returncode == 1
    assert "half" in done.stdout


def test_a_failed_step_that_holds_a_secret_is_not_kept(scratch: Scratch) -> None:
    token = scratch.directory / "token"
    token.write_text("a-very-secret-token")
    text = "FROM busybox\nRUN --mount=type=secret,id=token cp /run/secrets/token /t; false\n"
    assert scratch.build(text, "--secret", f"id=token,src={token}").returncode == 1
    assert scratch.run("debug", "shell", "true").returncode == 125
    assert grep([b"a-very-secret-token"], scratch.store) == []


def test_the_hint_offers_a_shell_where_there_is_one_and_output_where_there_was_some(
    scratch: Scratch,
) -> None:
    def hint(text: str, *flags: str) -> str:
        done = scratch.build(f"FROM busybox\nRUN {text}\n", *flags)
        assert done.returncode == 1
        return done.stderr.splitlines()[-1]

    offer = "; `jettison debug shell` starts a shell where it failed"
    assert hint("false") == (
        f"hint: it printed nothing; `RUN set -x; …` shows each command as it runs{offer}"
    )
    assert hint("echo x; false").startswith("hint: its last output is above; ")
    token = scratch.directory / "token"
    token.write_text("a-very-secret-token")
    text = "--mount=type=secret,id=token cp /run/secrets/token /t; false"
    assert offer not in hint(text, "--secret", f"id=token,src={token}")
