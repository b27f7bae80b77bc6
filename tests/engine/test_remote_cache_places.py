"""Whole builds with caches in a bucket and at the service of GitHub: as a user has them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from actions_server import MAIN, READS, WRITES, ActionsServer
from cache_machine import STEPS, TEXT, Machine
from s3_server import ACCESS, BUCKET, ENVIRON, REGION, SECRET, S3Server
from scratch_rig import Scratch

MOUNT = """
FROM busybox
COPY lock .
RUN --mount=type=cache,target=/kept cat lock >> /kept/all; cat /kept/all > /seen
"""


class Place:
    """A server with an empty cache, and what flags and variables lead there."""

    def __init__(
        self, kind: str, server: S3Server | ActionsServer, at: str, environ: dict[str, str]
    ):
        self.kind = kind
        self.server = server
        self.at = at
        self.environ = environ

    def to(self, **more: str) -> list[str]:
        text = "".join(f",{name.replace('_', '-')}={value}" for name, value in more.items())
        return ["--cache-to", self.at + text]

    @property
    def source(self) -> list[str]:
        return ["--cache-from", self.at]

    def fetched(self) -> int:
        """Return how many objects were read so far: indexes, records and layers."""
        if isinstance(self.server, S3Server):
            return sum(each.method == "GET" for each in self.server.requests())
        return self.server.seen.count("GET blob")

    def damage(self, what: str, data: bytes) -> int:
        """Change all indexes, or all blobs; return how many."""
        if isinstance(self.server, S3Server):
            directory = {"index": "manifests", "blob": "blobs"}[what]
            paths = list((self.server.bucket / directory).iterdir())
            for path in paths:
                path.write_bytes(data)
            return len(paths)
        found = [each for each in self.server.kept if f"-{what}-" in each.key]
        for each in found:
            each.data = data
        return len(found)


@pytest.fixture(params=["s3", "gha"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "s3":
        with S3Server(tmp_path / "s3") as server:
            at = f"type=s3,name=main,endpoint_url={server.url},use_path_style=true"
            yield Place("s3", server, at, ENVIRON)
    else:
        with ActionsServer() as server:
            yield Place("gha", server, "type=gha,scope=main", server.environ())


@pytest.fixture
def made(scratch: Scratch, place: Place) -> Machine:
    scratch.environment.update(place.environ)
    return Machine(scratch, None)


@pytest.fixture
def alone(scratch: Scratch) -> Machine:
    """A machine that has no cache as yet."""
    return Machine(scratch, None)


def test_an_empty_machine_runs_and_fetches_nothing_when_nothing_changed(
    made: Machine, place: Place
) -> None:
    ran, said = made.build(*place.to(mode="max"))
    assert ran == STEPS, said
    image = made.image()
    made.replace()
    before = place.fetched()
    ran, said = made.build(*place.source)
    assert (ran, made.layers(), made.image()) == (0, 0, image), said
    assert "WARN" not in said
    assert place.fetched() - before == 2  # the index and the records
    assert made.program() == "one\nlock\nlock\n"  # by another process, which knows the place
    assert place.fetched() > before + 2
    assert made.build()[0] == 0  # and the store knows it, without the cache


def test_what_changed_runs_and_only_what_is_new_is_written(made: Machine, place: Place) -> None:
    made.build(*place.to(mode="max"))
    made.replace()
    made.edit("two\n")
    ran, said = made.build(*place.source, *place.to(mode="max"))
    assert ran == 4, said
    assert made.program() == "two\nlock\nlock\n"
    made.replace()
    assert made.build(*place.source)[0] == 0
    made.edit("one\n")
    assert made.build(*place.source)[0] == 0  # what was there before is still there
    made.edit("three\n")
    made.build(*place.to(mode="max", max_size="1k"))
    made.replace()
    assert 0 < made.build(*place.source)[0] <= STEPS


def test_cache_mounts_travel(made: Machine, place: Place) -> None:
    made.build(*place.to(mode="max", mounts="true"), text=MOUNT)
    made.replace()
    (made.scratch.context / "lock").write_text("more\n")
    _, said = made.build(*place.source, text=MOUNT)
    assert "WARN" not in said
    assert made.scratch.run("run", "--rm", "app", "cat", "/seen").stdout == "lock\nmore\n"


@pytest.mark.parametrize("what", ["index", "blob"])
@pytest.mark.parametrize("data", [b"", b"{}", os.urandom(2000)], ids=["empty", "other", "noise"])
def test_what_is_damaged_is_built_with_a_warning(
    made: Machine, place: Place, what: str, data: bytes
) -> None:
    made.build(*place.to(mode="max"))
    made.replace()
    assert place.damage(what, data)
    ran, said = made.build(*place.source, *place.to(mode="max"))
    assert ran == STEPS
    assert "WARN" in said
    assert made.program() == "one\nlock\nlock\n"
    made.replace()
    ran, said = made.build(*place.source)  # it was mended
    assert ran == 0, said
    for _ in range(STEPS):  # a layer that is made again has the name of the damaged one
        if made.program():
            break
        made.build(*place.source, *place.to(mode="max"))
    assert made.program() == "one\nlock\nlock\n"


def lose_layers(place: Place) -> None:
    """Let the cache have its records and no layers."""
    if isinstance(place.server, S3Server):
        for path in (place.server.bucket / "blobs").iterdir():
            if path.read_bytes()[:2] == b"\x1f\x8b":
                path.unlink()
    else:
        for each in place.server.kept:
            if (each.data or b"").startswith(b"\x1f\x8b"):
                each.key = "evicted"


def test_what_a_later_command_finds_to_be_lost_is_built_by_the_next_build(
    made: Machine, place: Place
) -> None:
    made.build(*place.to(mode="max"))
    made.replace()
    lose_layers(place)
    assert made.build(*place.source)[0] == 0  # nothing reads them
    done = made.scratch.run("run", "--rm", "app", "cat", "/app/program")
    assert done.returncode != 0
    assert "build again" in done.stderr
    ran, said = made.build(*place.source, *place.to(mode="max"))
    assert ran > 0, said
    for _ in range(STEPS):  # each time one layer more
        if made.program():
            break
        made.build(*place.source, *place.to(mode="max"))
    assert made.program() == "one\nlock\nlock\n"


def test_layers_that_are_lost_are_built_and_sent_again(made: Machine, place: Place) -> None:
    made.build(*place.to(mode="max"))
    made.replace()
    lose_layers(place)
    made.edit("two\n")
    _, said = made.build(*place.source, *place.to(mode="max"))
    assert "the step that made it runs again" in said
    assert made.program() == "two\nlock\nlock\n"
    made.replace()
    made.edit("three\n")
    ran, said = made.build(*place.source)
    assert (ran, "WARN" in said) == (4, False), said
    assert made.program() == "three\nlock\nlock\n"


def test_a_cache_that_refuses_is_a_warning_to_readers_and_an_error_to_writers(
    made: Machine, place: Place
) -> None:
    names = {"s3": "AWS_SECRET_ACCESS_KEY", "gha": "ACTIONS_RUNTIME_TOKEN"}
    wrong = "wr0ng-s3cret-of-this-test"
    made.scratch.environment[names[place.kind]] = wrong
    ran, said = made.build(*place.source)
    assert ran == STEPS
    assert "WARN" in said
    done = made.scratch.build(TEXT, *place.to())
    assert done.returncode == 4, done.stderr
    assert "hint: " in done.stderr
    ran, ignored = made.build(*place.to(ignore_error="true"))
    assert ran == 0
    assert "not written" in ignored
    for text in (said, done.stderr, ignored):
        assert wrong not in text
        assert "Traceback" not in text
        assert "sig=" not in text


def test_credentials_of_flags_are_kept_nowhere(alone: Machine, tmp_path: Path) -> None:
    with S3Server(tmp_path / "other") as server:
        for name in ENVIRON:
            alone.scratch.environment.pop(name, None)
        at = f"type=s3,name=main,bucket={BUCKET},region={REGION},endpoint_url={server.url}"
        at += f",access_key_id={ACCESS},secret_access_key={SECRET}"
        report = alone.scratch.directory / "report.json"
        layout = alone.scratch.directory / "out"
        flags = ["--cache-to", f"{at},mode=max", "--report", f"json={report}"]
        flags += ["-o", f"type=oci,tar=false,dest={layout}", "--provenance=mode=max"]
        _, said = alone.build(*flags)
        assert SECRET not in said
        image = alone.image()
        alone.replace()
        ran, said = alone.build("--cache-from", at)
        assert (ran, alone.image()) == (0, image), said
        done = alone.scratch.build(TEXT, "--cache-from", f"{at},oops")
        assert done.returncode == 125
        assert SECRET not in done.stderr
        done = alone.scratch.build(TEXT, "--cache-from", f'type=s3,"secret_access_key={SECRET}')
        assert SECRET not in done.stderr
        for path in alone.scratch.directory.rglob("*"):
            if path.is_file() and not path.is_symlink():
                assert SECRET.encode() not in path.read_bytes(), path


def test_outside_of_github_its_cache_is_left_out(alone: Machine) -> None:
    alone.scratch.environment.clear()
    ran, said = alone.build("--cache-from", "type=gha", "--cache-to", "type=gha,mode=max")
    assert ran == STEPS
    assert "not read: this is no job of GitHub Actions" in said
    assert "not written: this is no job of GitHub Actions" in said


def test_a_pull_request_builds_from_the_cache_of_its_base(alone: Machine) -> None:
    with ActionsServer() as server:
        alone.scratch.environment.update(server.environ())
        alone.build("--cache-to", "type=gha,mode=max")
        alone.replace()
        pull = (("refs/pull/1/merge", READS | WRITES), (MAIN, READS))
        alone.scratch.environment.update(server.environ(*pull))
        alone.edit("two\n")
        both = ["--cache-from", "type=gha", "--cache-to", "type=gha,mode=max"]
        assert alone.build(*both)[0] == 4
        alone.replace()
        assert alone.build(*both)[0] == 0
        assert alone.program() == "two\nlock\nlock\n"


def test_without_the_library_a_bucket_is_an_error_that_says_how_to_get_it(
    alone: Machine, tmp_path: Path
) -> None:
    (tmp_path / "without/obstore").mkdir(parents=True)
    (tmp_path / "without/obstore/__init__.py").write_text("raise ImportError('it is not here')\n")
    alone.scratch.environment["PYTHONPATH"] = str(tmp_path / "without")
    at = f"type=s3,bucket={BUCKET},region={REGION}"
    done = alone.scratch.build(TEXT, "--cache-from", at)
    assert done.returncode == 125, done.stderr
    assert "needs the library `obstore`" in done.stderr
    assert "pip install 'jettison[s3]'" in done.stderr
    assert alone.build()[0] == STEPS


def test_what_is_missing_is_said_before_anything_is_built(alone: Machine) -> None:
    alone.scratch.environment.clear()
    for at, said in (
        ("type=s3", "needs a bucket"),
        ("type=s3,bucket=b1b", "needs a region"),
        ("type=s3,bucket=b1b,region=r,endpoint_url=ftp://x", "`endpoint_url` is no URL"),
        ("type=s3,bucket=b1b,region=r,prefix=/x/", "cannot be a key"),
        ("type=s3,bucket=../x,region=r", "no name of a bucket"),
    ):
        done = alone.scratch.build(TEXT, "--cache-to", at)
        assert done.returncode == 125, done.stderr
        assert said in done.stderr
        assert "RUN" not in done.stdout
