"""Flags of all commands with values of every kind: an error that is told, never a bug or a traceback.

``JETTISON_FUZZ_FLAGS`` is the number of calls; 2,000 without it. The commands run in this process,
in a directory and with a store of their own, without a way to other machines.
"""

from __future__ import annotations

import io
import os
import random
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from jettison.cli.main import LazyGroup, jettison, run
from jettison.cli.names import COMMANDS, GROUPS

pytestmark = [pytest.mark.needs_root, pytest.mark.slow]

CALLS = int(os.environ.get("JETTISON_FUZZ_FLAGS", "600"))
SECONDS = 60
_BUG = 70
# No word is a path of the host that root could write to: some flags name files to be written.
_WORDS = r"""
a -1 0 1 1.5 nan inf -inf 1e-7 1e309 0x10 1k 1.5m 9999999999g 1e5m . .. ./ a/b ../x x:y : :: a:b:c @ = == a=b =b a=
a=b=c , ,, a,b a=b,c=d "a "a" ' \ ; | $(x) ${x * ** [ [a ] !x # % %s {{ {{.ID}} {{.Nope}} {{json .}} json table
sha256: sha256:zz sha512:00 http:// https://[::1 http://127.0.0.1:1/x ftp://x git:// foo://x x=foo://x
x=http://127.0.0.1:1 x=docker-image:// x=docker-image://box x=oci-layout://nope x=target:x x=. x=nope x=git@h:p type=
type=oci type=oci,dest= type=oci,dest=out.tar type=local type=local,dest=out type=tar,dest=- type=docker
type=docker,dest=no/x type=nonsense type=image,name= type=image,name=UP type=registry type=cacheonly dest=x
dest=no/such/x type=oci,compression=x type=oci,compression-level=-99 type=local,dest=/dev/null/x type=image,push=maybe
id= id=s id=s,src=nope id=s,env=NOPE id=s,src=. env=X src=f id=s,type=x default host none bridge container:x pasta
nofile=1:2 nofile=2:1 nofile=-1 nofile=unlimited nofile= nofile nofile=1:2:3 =1 x=1 nproc=99999999999999999999
nofile=0:0 nofile=1.5 core=0 memlock=-1:-1 h:1.2.3.4 h:999.1.1.1 h:::1 h=[::1] h:host-gateway h: :1.1.1.1 h
localhost:1/x 127.0.0.1:1/x:y box box:latest BOX scratch UPPER/case a//b a/b@sha256:0 linux/amd64 linux linux/nope
linux/arm/v7/x no/such/dir/x /dev/null /dev/full /proc/self/mem f f/x ctx ctx/Dockerfile - -- 80 80:80 80:80/udp
1-2:3-4 127.0.0.1:0:1 99999:1 80:80/x [::1]:80:80 CHOWN ALL CAP_NOPE seccomp=x apparmor=x label=x no-new-privileges
network.host security.insecure device nope until=1h until= until=-1 label=x name=y dangling=maybe 1h 1.5h h
99999999999h .:/x:ro .:x /x :/x .:/x:zz type=bind,src=.,dst=/x type=tmpfs A=B A TZ 1000:1000 root -1:-1 99999999999
nobody: :0 cpu-quota=1 cpu-quota=nan memory=-1 cpuset-cpus=99999 a=1 GODEBUG check outline targets lint crun oci:crun
oci:/nope /dev/null/program embedded overlay copy plain tty rawjson quiet host-gateway
"""
TEXTS = [
    *_WORDS.split(), "", " ", "a b", "\t", "a\nb", "é", "٣", "½", "\udcff", "x=\udcff", "\udcff=x", "type=oci,name=\udcff,dest=out.tar", "id=\udcff,src=f", "\x1b[31m", "\x7f", "a" * 5000, "9" * 400,
    str(2**31), str(2**32), str(2**63 - 1), str(2**63), str(2**64), f"-{2**63}", f"{2**63}k", "sha256:" + "0" * 64,
    "x@sha256:" + "0" * 64, "a=" + "b" * 3000, "=" * 300, "," * 300, "/" + "d/" * 3000 + "x", "0" * 5000 + "1",
]  # fmt: skip
DOCKERFILE = "FROM scratch AS s\nARG A\nCOPY f /f\nFROM s\nLABEL a=$A\n"


def commands() -> Iterator[tuple[list[str], click.Command]]:
    """Yield each command with the words that name it."""
    top = click.Context(jettison, info_name="jettison")
    for name in (*COMMANDS, *GROUPS):
        yield from _below([name], jettison.get_command(top, name), top)


def _below(
    words: list[str], command: click.Command | None, parent: click.Context
) -> Iterator[tuple[list[str], click.Command]]:
    assert command is not None, words
    yield words, command
    if isinstance(command, click.Group):
        here = click.Context(command, info_name=words[-1], parent=parent)
        for name in command.list_commands(here):
            yield from _below([*words, name], command.get_command(here, name), here)


EVERYWHERE = ("root", "debug", "verbose")
"""Of every command: another store, and errors with tracebacks."""


class Caller:
    """Calls commands with random flags.

    Args:
        place: The working directory.
        seed: Of the choices.
    """

    def __init__(self, place: Path, seed: int) -> None:
        self._random = random.Random(seed)
        self._place = place
        self._commands = list(commands())

    def arguments(self) -> list[str]:
        """Return a command line, in half of the cases one that would work but for one flag."""
        weights = [len(command.params) for _, command in self._commands]
        words, command = self._random.choices(self._commands, weights)[0]
        if self._random.random() < 0.4:  # these have most of the flags
            big = [self._random.choice(["build", "run"])]
            words, command = next(each for each in self._commands if each[0] == big)
        line = list(words)
        options = [
            each
            for each in command.params
            if isinstance(each, click.Option) and each.name not in EVERYWHERE
        ]
        for option in self._random.sample(options, min(len(options), self._count())):
            name = self._random.choice([*option.opts, *option.secondary_opts])
            if option.is_flag and self._random.random() < 0.8:
                line.append(name)
            elif name.startswith("--") and self._random.random() < 0.5:
                line.append(f"{name}={self._value(option)}")
            else:
                line += [name, self._value(option)]
        if self._random.random() < 0.6:
            # A container takes ten times as long as anything else.
            image = "box" if words[-1] != "run" or self._random.random() < 0.2 else "nope"
            ends = {"build": ["ctx"], "b": ["ctx"], "check": ["ctx"], "run": [image, "/f"]}
            line += ends.get(words[-1], [image])
        else:
            line += [self._text() for _ in range(self._count())]
        return line

    def _count(self) -> int:
        return self._random.choice([0, 1, 1, 1, 2, 2, 3, 5])

    def _value(self, option: click.Option) -> str:
        if isinstance(option.type, click.Choice) and self._random.random() < 0.7:
            return self._random.choice(list(option.type.choices))
        return self._text()

    def _text(self) -> str:
        text = self._random.choice(TEXTS)
        if self._random.random() < 0.15:
            text += self._random.choice([",", "=", ":", ""]) + self._random.choice(TEXTS)
        return text[:100_000]


class Late(BaseException):
    """A call took too long."""


def call(line: list[str], store: Path) -> tuple[int, str]:
    """Run a command line; return its status and what it said."""
    said = io.BytesIO()
    streams = sys.stdin, sys.stdout, sys.stderr
    sys.stdin = io.TextIOWrapper(io.BytesIO(b"text\n"))
    sys.stdout = sys.stderr = io.TextIOWrapper(
        said, encoding="utf-8", errors="backslashreplace", write_through=True
    )
    signal.signal(signal.SIGALRM, _late)
    signal.alarm(SECONDS)
    try:
        status = run(["--root", str(store), *line])
    finally:
        signal.alarm(0)
        text = said.getvalue().decode(errors="replace")
        sys.stdin, sys.stdout, sys.stderr = streams
    return status, text


def _late(*_: object) -> None:
    raise Late


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: below others, so that `..` leads to nothing of anybody's."""
    place = tmp_path / "a/b/c"
    (place / "ctx").mkdir(parents=True)
    monkeypatch.chdir(place)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))

    def nowhere(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "no such host")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    monkeypatch.setattr(socket, "create_connection", nowhere)
    return place


def fill(place: Path) -> None:
    """Write what the commands read; some flags name one of these files as what is to be written."""
    for path, text in (("ctx/Dockerfile", DOCKERFILE), ("ctx/f", "f"), ("f", "f")):
        (place / path).unlink(missing_ok=True)
        (place / path).write_text(text)


def test_no_flag_leads_to_a_bug(place: Path, tmp_path: Path) -> None:
    caller = Caller(place, seed=int(os.environ.get("JETTISON_FUZZ_SEED", "1")))
    failures = []
    statuses: dict[int, int] = {}
    store = tmp_path / "store"
    for number in range(CALLS):
        if number % 100 == 0:
            fill(place)
            status, said = call(["build", "-q", "-t", "box", "ctx"], store)
            assert status == 0, said
        line = caller.arguments()
        try:
            status, said = call(line, store)
        except (Late, SystemExit, Exception) as error:  # noqa: BLE001 - all of them are failures
            failures.append((line, type(error).__name__, str(error)[:300]))
            continue
        statuses[status] = statuses.get(status, 0) + 1
        if status == _BUG or "Traceback" in said or "is a bug" in said:
            failures.append((line, status, said[-300:]))
    assert not failures, f"{len(failures)} of {CALLS}:\n" + "\n".join(
        repr(each)[:700] for each in failures[:20]
    )
    assert {0, 125} <= set(statuses), statuses


def test_every_command_is_called() -> None:
    named = {words[0] for words, _ in commands()}
    assert named == {*COMMANDS, *GROUPS}
    assert any(isinstance(each, LazyGroup) for _, each in commands())
