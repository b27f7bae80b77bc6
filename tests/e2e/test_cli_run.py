"""``jettison run`` through the command line: status, streams, signals, mounts, users, ports."""

from __future__ import annotations

import os
import re
import signal

import pytest

from e2e.command import Cli
from jettison.cli.run import run


def test_the_status_and_the_streams_are_those_of_the_command(cli: Cli):
    said = cli.attempt("run", "--rm", "box", "sh", "-c", "echo out; echo err >&2; exit 42")
    assert (said.returncode, said.stdout, said.stderr) == (42, "out\n", "err\n")


def test_without_a_command_the_image_tells_what_runs(cli: Cli):
    assert cli("run", "--rm", "box").stdout == "this is the box\n"


def test_switches_behind_the_image_belong_to_the_command(cli: Cli):
    assert (
        cli("run", "--rm=true", "box", "echo", "--rm=true", "-e", "A=b").stdout
        == "--rm=true -e A=b\n"
    )


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["missing/image"], 125),
        (["--nonsense", "box"], 125),
        (["--name", "a", "--network", "nonsense", "box"], 125),
        (["box", "no-such-program"], 127),
        (["box", "/no/such/program"], 127),
        (["box", "/etc/passwd"], 126),
        (["box", "/etc"], 126),
        (["box", "sh", "-c", "sleep 60 & kill -9 $!; wait $!"], 137),
    ],
)
def test_what_cannot_run_ends_as_docker_ends(cli: Cli, arguments: list[str], status: int):
    said = cli.attempt("run", "--rm", "--pull", "never", *arguments)
    assert said.returncode == status, said.all
    assert status == 137 or said.stderr.strip()


@pytest.mark.parametrize(
    ("number", "name", "status"),
    [(signal.SIGTERM, "TERM", 11), (signal.SIGINT, "INT", 12), (signal.SIGHUP, "HUP", 13)],
)
def test_signals_are_passed_on(cli: Cli, number: signal.Signals, name: str, status: int):
    script = f"trap 'exit {status}' {name}; echo ready; while :; do sleep 0.1; done"
    read, write = os.pipe()
    process = cli.start("run", "--rm", "box", "sh", "-c", script, stdout=write)
    os.close(write)
    try:
        assert os.read(read, 100) == b"ready\n"
        process.send_signal(number)
        assert process.wait(timeout=20) == status
    finally:
        os.close(read)
        process.kill()
        process.wait()


def test_a_killed_command_ends_with_128_and_the_signal(cli: Cli):
    said = cli.attempt("run", "--rm", "--init", "box", "sh", "-c", "kill -TERM $$")
    assert said.returncode == 128 + signal.SIGTERM


def test_standard_input_is_empty_unless_it_is_asked_for(cli: Cli):
    data = os.urandom(200_000)
    assert cli.raw("run", "--rm", "-i", "box", "cat", stdin=data).stdout == data
    assert cli.raw("run", "--rm", "box", "cat", stdin=data).stdout == b""


def test_a_terminal_is_a_terminal(cli: Cli):
    status, shown = cli.on_terminal("run", "-it", "box", "sh", "-c", "tty; stty size; exit 7")
    assert status == 7
    assert "/dev/" in shown
    assert "30 100" in shown


def test_keys_of_a_terminal_reach_the_command(cli: Cli):
    script = "echo who; read name; echo hello $name"
    status, shown = cli.on_terminal(
        "run", "--rm", "-it", "box", "sh", "-c", script, typed=b"you\r", until=b"who"
    )
    assert status == 0
    assert "hello you" in shown


def test_ctrl_c_on_a_terminal_interrupts_the_command(cli: Cli):
    script = "trap 'echo trapped; exit 9' INT; echo ready; while :; do sleep 0.1; done"
    status, shown = cli.on_terminal(
        "run", "-it", "box", "sh", "-c", script, typed=b"\x03", until=b"ready"
    )
    assert (status, "trapped" in shown) == (9, True)


def test_a_terminal_needs_a_terminal(cli: Cli):
    said = cli.attempt("run", "-it", "box", "true", stdin=b"x")
    assert said.returncode == 125
    assert "hint:" in said.stderr


def test_the_environment_is_the_images_then_files_then_flags(cli: Cli):
    file = cli.context({"env": "# comment\nFROM_FILE=1\nBOTH=file\nINHERITED\n\n"}) / "env"
    said = cli(
        "run", "-e", "BOTH=flag", "-eX=a b", "-e", "TAKEN", "--env-file", file, "box", "env",
        env={"TAKEN": "yes", "INHERITED": "too"},
    )  # fmt: skip
    found = dict(line.split("=", 1) for line in said.stdout.splitlines())
    wanted = {"FROM_FILE": "1", "BOTH": "flag", "X": "a b", "TAKEN": "yes", "INHERITED": "too"}
    assert wanted.items() <= found.items()
    assert "JETTISON_ROOT" not in found


def test_volumes_are_read_and_written(cli: Cli):
    directory = cli.context({"in": "from outside\n"})
    mount = f"{directory}:/data"
    assert cli("run", "-v", mount, "box", "cat", "/data/in").stdout == "from outside\n"
    cli("run", "-v", mount, "box", "sh", "-c", "echo from inside > /data/out")
    assert (directory / "out").read_text() == "from inside\n"
    assert (directory / "out").stat().st_uid == directory.stat().st_uid
    said = cli.attempt("run", "-v", f"{mount}:ro", "box", "touch", "/data/no")
    assert said.returncode == 1
    assert "Read-only" in said.stderr
    cli("run", "-v", "./fresh:/data", "box", "touch", "/data/x", cwd=directory)
    assert (directory / "fresh" / "x").exists()


def test_the_whole_host_can_be_a_volume(cli: Cli):
    said = cli("run", "-v", "/:/host:ro", "box", "sh", "-c", "ls -d /host/proc /dev/null")
    assert said.stdout == "/dev/null\n/host/proc\n"


def test_nothing_of_a_container_outlives_it(cli: Cli):
    cli("run", "--rm", "--name", "gone", "box", "sh", "-c", "echo x > /written; mkdir /etc/more")
    said = cli.attempt("run", "--rm", "--name", "gone", "box", "ls", "/written", "/etc/more")
    assert said.returncode == 1


def test_the_hostname_is_the_id_unless_one_is_given(cli: Cli):
    assert re.fullmatch("[0-9a-f]{12}\n", cli("run", "--rm", "box", "hostname").stdout)
    said = cli("run", "--rm", "-h", "other", "--name", "chosen", "box", "hostname")
    assert said.stdout == "other\n"


def test_user_and_directory_can_be_chosen(cli: Cli):
    script = "id -u; id -g; pwd; echo $HOME"
    said = cli("run", "-u", "app", "-w", "/tmp", "box", "sh", "-c", script)
    assert said.stdout.split() == ["1000", "1000", "/tmp", "/home/app"]
    assert cli("run", "-u", "7:8", "box", "sh", "-c", "id -u; id -g").stdout.split() == ["7", "8"]
    assert cli("run", "-w", "/new/place", "box", "pwd").stdout == "/new/place\n"
    said = cli.attempt("run", "-u", "nobody-knows", "box")
    assert said.returncode == 125
    assert "nobody-knows" in said.stderr


def test_the_entrypoint_can_be_replaced_and_reset(cli: Cli):
    text = 'FROM box\nENTRYPOINT ["echo", "entry"]\nCMD ["cmd"]\n'
    cli("build", "-t", "entry", cli.context({"Dockerfile": text}))
    assert cli("run", "entry").stdout == "entry cmd\n"
    assert cli("run", "entry", "given").stdout == "entry given\n"
    assert cli("run", "--entrypoint", "printf", "entry", "%s", "x").stdout == "x"
    assert cli("run", "--entrypoint", "", "entry", "echo", "bare").stdout == "bare\n"
    assert cli.attempt("run", "--entrypoint", "", "entry").returncode == 125


def test_a_container_can_do_without_a_network(cli: Cli):
    links = cli("run", "--network", "none", "box", "ls", "/sys/class/net").stdout.split()
    addresses = cli("run", "--network=none", "box", "ip", "-o", "addr").stdout
    assert links in (["lo"], []) or "eth" not in addresses
    assert "eth" not in addresses


def test_files_in_memory_and_a_root_that_cannot_be_written(cli: Cli):
    script = "echo x > /scratch/x && cat /scratch/x; touch /y"
    said = cli.attempt("run", "--read-only", "--tmpfs", "/scratch", "box", "sh", "-c", script)
    assert (said.returncode, said.stdout) == (1, "x\n")
    assert "Read-only" in said.stderr


def test_limits_and_capabilities_hold(cli: Cli):
    script = "ulimit -n; df /dev/shm | tail -1; grep CapEff /proc/self/status"
    flags = ["--ulimit", "nofile=77", "--shm-size=1m", "--cap-drop", "ALL", "--cap-add=KILL"]
    lines = cli("run", *flags, "box", "sh", "-c", script).stdout.splitlines()
    assert lines[0] == "77"
    assert lines[1].split()[1] == "1024"
    assert lines[2].split() == ["CapEff:", "0000000000000020"]


def test_a_mount_is_named_by_its_fields(cli: Cli):
    directory = cli.context({"in": "from outside\n"})
    mount = f"type=bind,src={directory},dst=/data,readonly"
    assert cli("run", "--mount", mount, "box", "cat", "/data/in").stdout == "from outside\n"
    assert cli.attempt("run", "--mount", mount, "box", "touch", "/data/x").returncode == 1


def test_nothing_restarts_a_container(cli: Cli):
    cli("run", "--rm", "--restart", "no", "box")
    said = cli.attempt("run", "--restart", "always", "box")
    assert said.returncode == 125
    assert "`jettison start`" in said.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["localhost:1/none"],
        ["--pull=always", "localhost:1/none"],
        ["--platform=linux/s390x", "box"],
        ["-u", "nobody-of-that-name", "box", "true"],
        ["-u", "0:no-group", "box", "true"],
        ["--snapshotter=none", "box", "true"],
        ["--isolation=none", "box", "true"],
        ["--network=none", "-p", "8080:80", "box"],
        ["--add-host=a", "box"],
        ["--cap-add=FLY", "box"],
        ["--pids-limit=x", "box"],
        ["--ca-bundle=/no/such/file", "box", "true"],
    ],
)
def test_hints_name_flags_of_run_only(cli: Cli, arguments: list[str]):
    said = cli.attempt("run", "--rm", *arguments)
    assert said.returncode in {0, 125}, said.all
    hints = " ".join(line for line in said.stderr.splitlines() if line.startswith("hint: "))
    names = {name for option in run.params for name in option.opts}
    assert set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", hints)) <= names, hints
    assert "RUN" not in hints
    assert "examples/bases" not in hints


def test_an_image_for_another_platform_is_not_run(cli: Cli):
    own = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
    assert cli("run", "--platform", f"linux/{own}", "box").stdout == "this is the box\n"
    said = cli.attempt("run", "--pull", "never", "--platform", "linux/s390x", "box")
    assert said.returncode == 125
    assert (
        f"`box` of the local store is for `linux/{own}`, and not for `linux/s390x`" in said.stderr
    )


def test_an_unknown_isolation_is_an_error_before_anything_else(cli: Cli):
    said = cli.attempt("run", "--isolation", "bogus", "no-such-image")
    assert (said.returncode, "unknown sandbox driver `bogus`" in said.stderr) == (125, True)
