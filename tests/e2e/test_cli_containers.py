"""Containers in the background, as root and not: started, looked at, stopped, removed."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import tarfile
from collections.abc import Iterator
from subprocess import PIPE

import pytest

from e2e.command import Cli

ONCE = pytest.mark.parametrize("cli", ["root"], indirect=True)
"""What has nothing to do with who calls is tried once."""

READY = "echo ready; trap 'echo bye; exit 3' TERM; while :; do sleep 0.05; done"


@pytest.fixture
def detached(cli: Cli) -> Iterator[Cli]:
    """The command line without the containers of other tests; none is left afterwards."""
    remove_all(cli)
    yield cli
    remove_all(cli)


def remove_all(cli: Cli) -> None:
    """Remove all containers."""
    ids = cli("ps", "-aq").stdout.split()
    if ids:
        cli("rm", "-f", *ids)
    assert cli("ps", "-aq").stdout == ""


def rows(cli: Cli, *args: str) -> dict[str, dict[str, str]]:
    """Return the containers of a list by their names."""
    found = map(json.loads, cli("ps", *args, "--format", "json").stdout.splitlines())
    return {each["Names"]: each for each in found}


def test_a_container_is_started_looked_at_and_stopped(detached: Cli):
    container = detached("run", "-d", "--name", "web", "box", "sh", "-c", READY).stdout.strip()
    with detached.start("logs", "-f", "web", stdout=PIPE) as follower:
        assert follower.stdout.readline() == b"ready\n"
        follower.terminate()
    assert re.fullmatch("[0-9a-f]{64}", container)
    lines = detached("ps").stdout.splitlines()
    assert lines[0].split("  ")[0] == "CONTAINER ID"
    assert lines[1].startswith(f"{container[:12]}   box       ")
    assert lines[1].endswith("   web")
    shown = rows(detached)["web"]
    assert (shown["State"], shown["Status"].startswith("Up ")) == ("running", True)
    assert detached("stop", container[:5]).stdout == f"{container[:5]}\n"
    assert detached("ps", "-q").stdout == ""
    assert rows(detached, "-a")["web"]["Status"].startswith("Exited (3) ")
    assert detached("logs", "web").stdout == "ready\nbye\n"
    assert detached("wait", "web").stdout == "3\n"
    assert detached("rm", "web").stdout == "web\n"
    assert detached.attempt("logs", "web").returncode == 1


def test_a_stopped_container_is_started_again_with_its_files(detached: Cli):
    script = "cat /tmp/seen; echo again >> /tmp/seen"
    detached("run", "--name", "twice", "box", "sh", "-c", f"touch /tmp/seen; {script}")
    detached("start", "twice")
    assert detached("wait", "twice").stdout == "0\n"
    assert detached("logs", "twice").stdout == "again\n"


@ONCE
def test_whoever_ends_late_is_killed(detached: Cli):
    detached("run", "-d", "--name", "deaf", "box", "sleep", "600")
    detached("stop", "-t", "0", "deaf")
    assert detached("wait", "deaf").stdout == "137\n"
    detached("start", "deaf")
    detached("kill", "deaf")
    assert rows(detached, "-a")["deaf"]["Status"].startswith("Exited (137) ")
    said = detached.attempt("kill", "deaf")
    assert said.returncode == 1
    assert "is not running" in said.stderr


@ONCE
def test_the_signal_of_the_request_is_what_stop_sends(detached: Cli):
    script = "trap 'exit 7' USR1; echo ready; while :; do sleep 0.05; done"
    detached("run", "-d", "--name", "own", "--stop-signal", "USR1", "box", "sh", "-c", script)
    with detached.start("logs", "-f", "own", stdout=PIPE) as follower:
        assert follower.stdout.readline() == b"ready\n"
        detached("stop", "own")
    assert detached("wait", "own").stdout == "7\n"


def test_rm_decides_whether_a_container_stays(detached: Cli):
    detached.attempt("run", "--name", "stays", "box", "sh", "-c", "echo kept; exit 4")
    detached("run", "--rm", "--name", "goes", "box", "true")
    gone = detached("run", "-d", "--rm", "--name", "later", "box", "sleep", "600").stdout.strip()
    assert set(rows(detached, "-a")) == {"stays", "later"}
    detached("stop", "-t", "0", gone)
    for _ in range(50):  # as with docker, it is removed a moment after it has ended
        if gone[:12] not in detached("ps", "-aq").stdout:
            break
    assert set(rows(detached, "-a")) == {"stays"}
    assert detached("logs", "stays").stdout == "kept\n"


@ONCE
def test_what_cannot_be_executed_is_said_at_once(detached: Cli):
    for command, status in (("no-such-program", 127), ("/etc/passwd", 126)):
        said = detached.attempt("run", "-d", "box", command)
        assert said.returncode == status
        assert "unable to start container process" in said.stderr
    assert {each["Status"] for each in rows(detached, "-a").values()} == {"Created"}


@ONCE
def test_a_name_is_taken_once(detached: Cli):
    container = detached("run", "-d", "--name", "taken", "box", "sleep", "600").stdout.strip()
    said = detached.attempt("run", "--name", "taken", "box", "true")
    assert said.returncode == 125
    assert (
        f'Conflict. The container name "/taken" is already in use by container "{container}". '
        "You have to remove (or rename) that container to be able to reuse that name."
    ) in said.stderr
    assert detached.attempt("run", "--name", "x!", "box", "true").returncode == 125


@ONCE
def test_a_running_container_is_removed_by_force_only(detached: Cli):
    detached("run", "-d", "--name", "busy", "box", "sleep", "600")
    said = detached.attempt("rm", "busy", "nobody")
    assert said.returncode == 1
    assert 'cannot remove container "busy": container is running' in said.stderr
    assert "No such container: nobody" in said.stderr
    detached("rm", "-f", "busy")


def test_a_process_joins_a_container(detached: Cli):
    detached("run", "-d", "--name", "host", "-e", "A=1", "-w", "/tmp", "box", "sleep", "600")
    said = detached("exec", "-e", "B=2", "host", "sh", "-c", "echo $A $B; pwd; id -u; ps -o args")
    assert said.stdout.splitlines()[:3] == ["1 2", "/tmp", "0"]
    assert "sleep 600" in said.stdout
    said = detached("exec", "-u", "app", "-w", "/", "host", "sh", "-c", "id -u; echo $HOME; pwd")
    assert said.stdout == "1000\n/home/app\n/\n"
    assert detached.raw("exec", "-i", "host", "cat", stdin=b"in\0\xff").stdout == b"in\0\xff"
    assert detached.attempt("exec", "host", "sh", "-c", "echo no >&2; exit 9").returncode == 9
    assert detached.attempt("exec", "host", "no-such").returncode == 127
    assert detached.attempt("exec", "host", "/etc/passwd").returncode == 126
    detached("exec", "-d", "host", "sh", "-c", "echo there > /tmp/file")
    detached("stop", "-t", "0", "host")
    said = detached.attempt("exec", "host", "true")
    assert (said.returncode, "is not running" in said.stderr) == (1, True)


def test_a_process_that_joins_has_a_terminal(detached: Cli):
    detached("run", "-d", "--name", "tty", "box", "sleep", "600")
    status, shown = detached.on_terminal(
        "exec", "-it", "tty", "sh", "-c", "echo who; read n; echo hi $n; stty size; exit 5",
        typed=b"you\r", until=b"who",
    )  # fmt: skip
    assert status == 5
    assert "hi you" in shown
    assert "30 100" in shown


@ONCE
def test_a_shell_waits_in_the_background_for_who_enters(detached: Cli):
    detached("run", "-dit", "--name", "shell", "box", "sh")
    assert detached("exec", "shell", "ps", "-o", "args").stdout.splitlines()[1] == "sh"
    assert rows(detached)["shell"]["State"] == "running"


def test_whoever_keeps_a_container_may_be_killed(detached: Cli):
    detached("run", "-d", "--name", "orphan", "box", "sleep", "600")
    watcher = detached.start("wait", "orphan", stdout=PIPE)
    pid = int(detached("inspect", "-f", "{{.State.Pid}}", "orphan").stdout)
    os.kill(pid, signal.SIGKILL)
    assert watcher.communicate(timeout=20) == (b"137\n", None)
    assert rows(detached, "-a")["orphan"]["Status"] == "Dead"
    detached("stop", "orphan")
    detached("start", "orphan")
    assert rows(detached)["orphan"]["State"] == "running"


def test_logs_are_followed_until_the_end(detached: Cli):
    script = "echo one; read x < /tmp/a; echo two >&2; read x < /tmp/b; echo three"
    detached("run", "-d", "--name", "talk", "box", "sh", "-c", f"mkfifo /tmp/a /tmp/b; {script}")
    with detached.start("logs", "-f", "talk", stdout=PIPE, stderr=PIPE) as follower:
        assert follower.stdout.readline() == b"one\n"
        detached("exec", "talk", "sh", "-c", "echo > /tmp/a")
        assert follower.stderr.readline() == b"two\n"
        detached.attempt("exec", "talk", "sh", "-c", "echo > /tmp/b")  # the last that is done there
        assert follower.communicate(timeout=20) == (b"three\n", b"")
    said = detached("logs", "--tail", "2", "talk")
    assert (said.stdout, said.stderr) == ("three\n", "two\n")
    stamped = detached("logs", "-t", "talk").stdout.splitlines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z one", stamped[0])
    assert detached("logs", "--until", stamped[0].split()[0], "talk").stdout == "one\n"


@ONCE
def test_filters_and_templates(detached: Cli):
    detached("run", "-d", "--name", "aa", "-l", "tier=web", "box", "sleep", "600")
    detached("run", "--name", "bb", "-l", "tier=db", "box", "true")
    wanted = ["--format", "{{.Names}} {{.State}}"]
    assert detached("ps", *wanted).stdout == "aa running\n"
    assert detached("ps", "-a", *wanted).stdout == "bb exited\naa running\n"
    for text, names in [
        ("label=tier=db", "bb exited\n"), ("status=exited", "bb exited\n"), ("name=^/a", "aa running\n"),
        ("ancestor=box", "bb exited\naa running\n"), ("exited=0", "bb exited\n"), ("before=bb", "aa running\n"),
    ]:  # fmt: skip
        assert detached("ps", "-a", "--filter", text, *wanted).stdout == names, text
    assert detached.attempt("ps", "--filter", "nonsense=1").returncode == 125


def test_images_of_containers_are_held(detached: Cli):
    context = detached.context({"Dockerfile": "FROM box\nRUN echo file > /made\n"})
    detached("build", "-q", "-t", "held", context)
    detached("run", "--name", "holder", "held", "true")
    said = detached.attempt("rmi", "held")
    assert said.returncode == 1
    assert "is using its referenced image" in said.stderr
    row = json.loads(detached("images", "--format", "json", "held").stdout)
    said = detached.attempt("rmi", row["ID"])
    assert "(must be forced) - image is being used by stopped container" in said.stderr
    whole = json.loads(detached("system", "df", "-v", "--format", "json").stdout)
    counts = {each["Repository"]: each["Containers"] for each in whole["Images"]}
    assert (counts["held"], counts["box"]) == ("1", "0")
    assert rows(detached, "-a")["holder"]["Image"] == "held"
    detached("rmi", "-f", "held")
    assert rows(detached, "-a")["holder"]["Image"] == row["ID"]
    detached("prune")
    detached("start", "holder")
    assert detached("wait", "holder").stdout == "0\n"
    said = detached("container", "prune", "-f")
    assert said.stdout.startswith("Deleted Containers:\n")


@ONCE
def test_the_image_of_a_running_container_loses_its_names_only(detached: Cli):
    context = detached.context({"Dockerfile": "FROM box\nRUN echo other > /made\n"})
    image = detached("build", "-q", "-t", "busy", context).stdout.strip()
    detached("run", "-d", "--name", "user", "busy", "sleep", "600")
    said = detached.attempt("rmi", "-f", image)
    assert said.returncode == 1
    assert "(cannot be forced) - image is being used by running container" in said.stderr
    assert detached("rmi", "-f", "busy").stdout == "Untagged: busy:latest\n"
    assert image in detached("images", "-q", "--no-trunc").stdout
    detached("rm", "-f", "user")
    assert detached("rmi", image).stdout == f"Deleted: {image}\n"


@ONCE
def test_docker_s_group_of_commands(detached: Cli):
    detached("container", "run", "-d", "--name", "grouped", "box", "sleep", "600")
    assert detached("container", "ls", "-q").stdout.strip()
    (document,) = json.loads(detached("container", "inspect", "grouped").stdout)
    assert document["Name"] == "/grouped"
    assert document["State"]["Running"] is True
    detached("container", "stop", "-t", "0", "grouped")
    detached("container", "rm", "grouped")
    assert "No such object: grouped" in detached.attempt("inspect", "grouped").stderr


def test_files_are_copied_both_ways(detached: Cli):
    context = detached.context({"file": "hello\n", "dir/inner": "in\n"})
    (context / "link").symlink_to("file")
    detached("run", "-d", "--name", "files", "box", "sleep", "600")
    for source in ("file", "dir", "link"):
        detached("cp", context / source, "files:/tmp/")
    detached("cp", context / "dir", "files:/tmp/new")
    detached("cp", f"{context}/dir/.", "files:/tmp/new")
    said = detached("exec", "files", "sh", "-c", "cd /tmp; find . | sort; stat -c %u file; cat l*")
    wanted = [".", "./dir", "./dir/inner", "./file", "./link", "./new", "./new/inner", "0", "hello"]
    assert said.stdout.splitlines() == wanted
    detached("kill", "files")
    detached("cp", "files:/tmp/new", context / "out")
    assert (context / "out/inner").read_text() == "in\n"
    assert (context / "out").stat().st_uid == context.stat().st_uid
    archive = detached.raw("cp", "files:/tmp/dir", "-").stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        assert tar.getnames() == ["dir", "dir/inner"]
    detached.raw("cp", "-", "files:/", stdin=archive)
    detached("start", "files")
    assert detached("exec", "files", "cat", "/dir/inner").stdout == "in\n"


@ONCE
def test_what_cannot_be_copied_is_said(detached: Cli):
    context = detached.context({"file": "hello\n", "dir/inner": "in\n"})
    detached("run", "-d", "--name", "box1", "box", "sleep", "600")
    for source, target, said in (
        ("box1:/none", "out", "Could not find the file /none in container box1"),
        ("none", "box1:/", "no such file or directory"),
        ("file", "box1:/none/", "does not exist"),
        ("dir", "box1:/etc/passwd", "cannot copy directory"),
        ("file/", "box1:/", "not a directory"),
        ("file", "none:/", "No such container"),
        ("file", "other", "at least one container"),
    ):
        found = detached.attempt("cp", source, target, cwd=context)
        assert found.returncode in {1, 125}
        assert said in found.stderr
    assert not (context / "out").exists()


def test_flags_of_docker_s_run(detached: Cli):
    context = detached.context({"env": "# comment\n  A=1 \n", "data": "x"})
    script = 'cat /etc/resolv.conf; id -G; echo "[$A]"; grep NoNewPrivs /proc/self/status'
    said = detached(
        *("run", "--rm", "--dns", "1.2.3.4", "--dns-search", "a.b", "--dns-option", "rotate"),
        *("--group-add", "app", "--group-add", "77", "--env-file", context / "env"),
        *("--security-opt", "no-new-privileges", "--cidfile", context / "id", "-l", "a=b"),
        *("-v", f"{context}:/data:ro,z", "--sysctl", "kernel.msgmax=9000", "--network", "none"),
        *("box", "sh", "-c", f"{script}; cat /proc/sys/kernel/msgmax; touch /data/no || echo no"),
    )
    assert said.stdout.splitlines() == [
        *("nameserver 1.2.3.4", "search a.b", "options rotate", "0 77 1000", "[1 ]"),
        *("NoNewPrivs:\t1", "9000", "no"),
    ]
    assert re.fullmatch("[0-9a-f]{64}", (context / "id").read_text())
    for flags, reason in (
        (["--cidfile", str(context / "id")], "container ID file found"),
        (["--gpus", "all"], "could not select device driver"),
        (["--device", "/dev/no-such"], "no such file or directory"),
        (["--sysctl", "vm.swappiness=1"], "not in a separate kernel namespace"),
        (["--network", "host", "--sysctl", "net.x=1"], "not allowed in host network namespace"),
    ):
        refused = detached.attempt("run", "--rm", *flags, "box", "true")
        assert refused.returncode == 125
        assert reason in refused.stderr


def test_a_container_is_attached_to_and_started_so(detached: Cli):
    script = "read a; echo got $a; echo no >&2; exit 6"
    detached("run", "-di", "--name", "talks", "box", "sh", "-c", script)
    with detached.start("attach", "talks", stdin=PIPE, stdout=PIPE, stderr=PIPE) as looker:
        said = looker.communicate(b"word\n", timeout=20)
    assert (looker.returncode, *said) == (6, b"got word\n", b"no\n")
    said = detached.attempt("attach", "talks")
    assert (said.returncode, "attach to a stopped container" in said.stderr) == (1, True)
    said = detached.attempt(
        "run", "-i", "--name", "ends", "box", "sh", "-c", "cat; exit 3", stdin=b"1\n"
    )
    assert (said.returncode, said.stdout) == (3, "1\n")
    said = detached.raw("start", "-ai", "ends", stdin=b"2\n")  # whose end is its input's, too
    assert (said.returncode, said.stdout) == (3, b"2\n")
    said = detached.attempt("start", "-a", "ends", "talks")
    assert "you cannot start and attach multiple containers at once" in said.stderr


def test_keys_detach_and_signals_pass(detached: Cli):
    detached("run", "-dit", "--name", "shell", "box", "sh")
    status, shown = detached.on_terminal(
        "attach", "shell", typed=b"stty size\recho $((40+2))\r\x10\x11", until=b"#"
    )
    assert (status, "read escape sequence" in shown) == (1, True)
    # What is typed before the keys that detach is on its way to the shell then.
    assert any("30 100" in detached("logs", "shell").stdout for _ in range(200))
    status, shown = detached.on_terminal("attach", "shell", typed=b"exit 4\r", until=b"#")
    assert status == 4
    script = "trap 'echo bye; exit 3' TERM; while :; do echo tick; sleep 0.05; done"
    detached("run", "-d", "--name", "asked", "box", "sh", "-c", script)
    with detached.start("attach", "--no-stdin", "asked", stdout=PIPE) as looker:
        assert looker.stdout.readline() == b"tick\n"
        looker.send_signal(signal.SIGTERM)
        assert looker.communicate(timeout=20)[0].endswith(b"bye\n")
    assert looker.returncode == 3
    said = detached.attempt("attach", "--detach-keys", "shift-a", "asked")
    assert (said.returncode, "invalid detach keys" in said.stderr) == (125, True)
