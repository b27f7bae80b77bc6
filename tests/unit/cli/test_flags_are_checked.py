"""Values of flags are looked at where they are read: status 125, also for builds without RUN."""

from __future__ import annotations

from pathlib import Path

import pytest

from jettison.cli.main import run

USAGE = 125


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A context whose Dockerfile runs nothing."""
    context = tmp_path / "context"
    context.mkdir()
    (context / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    monkeypatch.chdir(tmp_path)
    return context


WRONG = [
    ("--platform=x=\udcff", "is not UTF-8"),
    ("--isolation=\udcff", "is not UTF-8"),
    ("--ulimit=nope=1", "unknown resource limit `nope`"),
    ("--ulimit=NOFILE=1", "unknown resource limit `NOFILE`"),
    ("--ulimit=nofile=2:1", "soft limit is above the hard one"),
    ("--ulimit=nofile=-1:5", "soft limit is above the hard one"),
    ("--ulimit=nofile=unlimited", "`unlimited` is no limit"),
    ("--ulimit=nofile=1:2:3", "`1:2:3` is no limit"),
    ("--ulimit=nofile=", "is no limit"),
    ("--ulimit=nofile", "is malformed"),
    ("--ulimit=nofile=99999999999999999999", "is no limit"),
    ("--ulimit=nofile=9223372036854775808", "is no limit"),
    ("--ulimit=nofile=٣", "is no limit"),
    ("--cpus=nan", "is not a number"),
    ("--cpus=inf", "is not between"),
    ("--cpus=-1", "is not between"),
    ("--cpus=1e-7", "is not between 0.01 and"),
    ("--cpus=1e300", "is not between"),
    ("--cpus=two", "is not a number"),
    ("--shm-size=9223372036854775808", "more than there can be"),
    ("--shm-size=" + "9" * 30 + "g", "more than there can be"),
    ("--shm-size=" + "9" * 400, "is not a size"),
    ("--shm-size=nan", "is not a size"),
    ("--memory=8388608t", "more than there can be"),
    ("--add-host=db", "invalid extra host `db`"),
    ("--add-host=db:999.1.1.1", "invalid address"),
    ("--add-host=:1.1.1.1", "invalid extra host"),
]
OF_BUILD = [
    ("--platform=linux/am d64", "is not a platform"),
    ("--label=\udcff", "is not UTF-8"),
    ("--build-arg=a=\udcff", "is not UTF-8"),
    ("--tag=\udcff", "is not UTF-8"),
    ("--build-context=a=foo://x", "`foo://x` is of no known kind"),
    ("--build-context=a=", "is malformed"),
    ("--build-context=\udcff=.", "is not UTF-8"),
    ("--secret=id=\udcff,src=Dockerfile", "is not UTF-8"),
    ("--secret=id=a\nb", "is malformed: new-line character seen in unquoted field"),
    ("--output=type=" + "x" * 140_000, "is malformed: field larger than field limit"),
    ("--network=bridge", 'invalid network mode "bridge"'),
    ("--network=container:x", "invalid network mode"),
    ("--step-timeout=nan", "is not a number"),
    ("--step-timeout=inf", "is not between"),
    ("--step-log-size=1e5", "is not a size"),
    ("--output=dest=no/such/dir/x", "has no type"),
    ("--output=type=nonsense,dest=x", "unknown output type"),
]


@pytest.mark.parametrize(("flag", "said"), [*WRONG, *OF_BUILD])
def test_a_wrong_value_of_build_is_told(context: Path, tmp_path: Path, flag, said, capsys) -> None:
    status = run(["--root", str(tmp_path / "store"), "build", flag, str(context)])
    assert (status, said in capsys.readouterr().err) == (USAGE, True)


@pytest.mark.parametrize(("flag", "said"), WRONG)
def test_a_wrong_value_of_run_is_told_before_the_image_is_looked_for(
    tmp_path: Path, flag, said, capsys
) -> None:
    status = run(["--root", str(tmp_path / "store"), "run", flag, "nope", "true"])
    assert (status, said in capsys.readouterr().err) == (USAGE, True)


@pytest.mark.parametrize(
    "flag",
    [
        "--ulimit=nofile=1:2", "--ulimit=nofile=5:-1", "--ulimit=core=-1", "--cpus=0", "--cpus=0.01",
        "--cpus=1e2", "--shm-size=9223372036854775807", "--shm-size=1.5g", "--add-host=a=::1",
        "--add-host=a:[::1]", "--add-host=a:host-gateway", "--network=none", "--step-timeout=0.5",
    ],
)  # fmt: skip
def test_values_at_the_edge_are_taken(context: Path, tmp_path: Path, flag: str) -> None:
    assert run(["--root", str(tmp_path / "store"), "build", flag, str(context)]) == 0


def test_the_docker_output_without_a_file_is_loaded(context: Path, tmp_path: Path, capsys) -> None:
    store = ["--root", str(tmp_path / "store")]
    assert run([*store, "build", "-o", "type=docker", "-t", "loaded", str(context)]) == 0
    assert run([*store, "build", "-o", "type=docker,name=named", str(context)]) == 0
    assert run([*store, "images"]) == 0
    said = capsys.readouterr().out
    assert "loaded" in said
    assert "named" in said


@pytest.mark.parametrize("kind", ["oci", "docker", "tar"])
def test_a_destination_that_cannot_be_made_is_an_error(
    context: Path, tmp_path: Path, kind: str, capsys
) -> None:
    (tmp_path / "file").write_text("")
    for place in ("no/such/dir/x", "file/x"):
        output = f"type={kind},dest={tmp_path}/{place}"
        status = run(["--root", str(tmp_path / "store"), "build", "-o", output, str(context)])
        assert status == 6, place
        assert place in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["bake"], "no bake files"),
        (["buildx", "bake"], "no bake files"),
        (["buildx", "create"], "no builders to choose from"),
        (["buildx", "ls"], "no builders to choose from"),
        (["container", "rename"], "another `--name`"),
        (["system", "events"], "no daemon"),
        (["compose"], "no services"),
    ],
)
def test_commands_of_docker_s_are_answered_with_what_to_do(words, said, capsys) -> None:
    assert run(words) == USAGE
    answer = capsys.readouterr().err
    assert f"there is no `jettison {' '.join(words)}`" in answer
    assert said in answer
    assert "hint: " in answer


@pytest.mark.parametrize("group", ["buildx", "container"])
def test_a_group_alone_shows_its_commands(group: str, capsys) -> None:
    assert run([group]) == 0
    assert "Commands" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "said"),
    [("/dev/full", "is a device"), ("/dev", "is a directory"), ("/no/such", "no such file")],
)
def test_an_env_file_is_a_file(name: str, said: str, tmp_path: Path, capsys) -> None:
    status = run(["--root", str(tmp_path / "store"), "run", "--env-file", name, "image"])
    assert (status, said in capsys.readouterr().err) == (USAGE, True)
