"""The git program: what it sees of the caller, and what it may write."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from pathlib import Path

import pytest

from jettison.concurrency import INTERRUPTS
from jettison.errors import ContextError, HostError
from jettison.source.git_access import GitRemote, basic
from jettison.source.git_program import Git
from scratch_processes import Members, left_after

HOST = GitRemote("https://h/x")


@pytest.fixture
def scripted(tmp_path):
    """A function from a shell script that stands in for git, and a remote, to a ``Git``."""

    def make(script: str, remote: GitRemote = HOST, **options) -> Git:
        program = tmp_path / "bin/git"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        environ = {
            "PATH": f"{program.parent}:/usr/bin:/bin",
            "HOME": "/home/me",
            "GIT_DIR": "/elsewhere",
            "LD_PRELOAD": "",
            "HTTPS_PROXY": "http://p:1",
        }
        return Git(tmp_path, remote, {**environ, **options.pop("environ", {})}, **options)

    return make


def variables(output: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in output.splitlines() if "=" in line)


def test_git_sees_little_of_the_caller_and_no_configuration(scripted):
    seen = variables(scripted("env").run("x"))
    assert seen["HTTPS_PROXY"] == "http://p:1"
    assert seen["GIT_CONFIG_GLOBAL"] == os.devnull
    assert seen["GIT_SSH_COMMAND"] == "ssh -o BatchMode=yes"
    assert seen["GIT_CONFIG_COUNT"] == "0"
    assert not {"GIT_DIR", "LD_PRELOAD"} & seen.keys()
    own = variables(scripted("env", environ={"GIT_SSH_COMMAND": "ssh -v"}).run("x"))
    assert own["GIT_SSH_COMMAND"] == "ssh -v"


def test_credentials_are_in_the_environment_of_remote_commands_only(scripted):
    header = basic("me", "secret")
    remote = GitRemote("https://h/x", (("https://h", header),), ("secret",))
    git = scripted('env; echo "ARGS=$*"', remote)
    seen = variables(git.run("fetch"))
    assert seen["GIT_CONFIG_KEY_0"] == "http.https://h/.extraHeader"
    assert seen["GIT_CONFIG_VALUE_0"] == f"Authorization: {header}"
    assert seen["GIT_CONFIG_VALUE_1"] == "false"
    assert header not in seen["ARGS"]
    assert "GIT_CONFIG_COUNT" not in variables(git.run("fetch", local=True))


def test_local_repositories_are_reached_only_where_that_is_asked_for(scripted):
    for git, local, allowed in [
        (scripted('echo "$*"'), False, False),
        (scripted('echo "$*"'), True, True),
        (scripted('echo "$*"', allow_files=True), False, True),
    ]:
        assert ("protocol.file.allow=always" in git.run("x", local=local)) is allowed


def test_an_index_and_a_lock_are_handed_on(scripted, tmp_path):
    with open(tmp_path / "lock", "w") as lock:
        git = scripted('echo "$GIT_INDEX_FILE"; ls /proc/self/fd', lock=lock.fileno())
        index, *descriptors = git.run("x", index=tmp_path / "index").split()
        assert str(lock.fileno()) in descriptors
    assert index == str(tmp_path / "index")


def test_a_failure_ends_with_the_last_lines_and_without_secrets(scripted):
    remote = GitRemote("https://h/x", (), ("s3cret",))
    git = scripted("printf 'a\\nb\\n\\nc s3cret\\nfatal: https://u:p@h/\\n' >&2; exit 128", remote)
    with pytest.raises(ContextError) as caught:
        git.run("fetch", "origin")
    assert caught.value.message == ("git fetch failed: b; c xxxxx; fatal: https://xxxxx:xxxxx@h/")
    with pytest.raises(ContextError, match="git x failed: no message"):
        scripted("exit 1").run("x")


def test_commands_are_logged_without_credentials(scripted):
    logged: list[str] = []
    scripted("true", log=logged.append).run("ls-remote", "https://u:p@h/x")
    assert logged == ["git ls-remote https://xxxxx:xxxxx@h/x"]


def test_output_without_end_is_an_error_at_once(scripted):
    began = time.monotonic()
    with pytest.raises(ContextError) as caught:
        scripted("yes").run("log", limit=100_000)
    assert caught.value.message == "git log writes too much: the repository is too large"
    with pytest.raises(ContextError, match="failed: "):
        scripted("yes | head -c 3000000 >&2; exit 1").run("log")
    assert time.monotonic() - began < 5


def test_names_that_are_no_text_come_back_as_they_are(scripted):
    assert os.fsencode(scripted(r"printf '\377a'").run("x")) == b"\xffa"


def test_a_machine_without_git_is_told(tmp_path):
    with pytest.raises(HostError) as caught:
        Git(tmp_path, GitRemote("https://h/x"), {"PATH": str(tmp_path)}).run("x")
    assert caught.value.message == "there is no git program"


def alive_as(pid: int) -> Members:
    """Return a process as it is now, if it is."""
    try:
        return {(pid, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])}
    except (FileNotFoundError, ProcessLookupError):
        return set()


def test_an_interrupt_ends_git_and_all_that_it_started(scripted, tmp_path):
    git = scripted(f"sleep 60 & echo $! > {tmp_path}/pid; mv {tmp_path}/pid {tmp_path}/begun; wait")
    failed: list[ContextError] = []

    def run() -> None:
        with pytest.raises(ContextError) as caught:
            git.run("clone")
        failed.append(caught.value)

    thread = threading.Thread(target=run)
    thread.start()
    while not (tmp_path / "begun").exists():
        time.sleep(0.005)
    INTERRUPTS.interrupt()
    thread.join(50)
    assert not thread.is_alive()
    assert failed[0].message == "git clone failed: no message"
    child = int((tmp_path / "begun").read_text())
    assert left_after(alive_as(child)) == set()


def test_an_interrupt_while_git_starts_ends_it(scripted, monkeypatch):
    start = subprocess.Popen

    def interrupted(*args, **options):
        process = start(*args, **options)
        INTERRUPTS.interrupt()  # before anybody can have registered the process
        return process

    monkeypatch.setattr(subprocess, "Popen", interrupted)
    began = time.monotonic()
    with pytest.raises(ContextError, match="git clone failed: no message"):
        scripted("sleep 60").run("clone")
    assert time.monotonic() - began < 30
