"""Caches elsewhere: a machine with an empty store runs what changed, and fetches what that reads."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from cache_machine import STEPS, TEXT, Machine
from cache_rig import CacheDirectory
from host_tools import tool
from registry_server import VERSIONS, RegistryServer, program_of
from scratch_rig import Scratch


class First(NamedTuple):
    """What the first machine has left: the cache, the ID of its image, and its archive."""

    cache: Path
    image: str
    archive: bytes


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> First:
    directory = tmp_path_factory.mktemp("first")
    machine = Machine(Scratch(directory, tool("busybox")), None)
    archive = directory / "app.tar"
    ran, _ = machine.build("-o", f"type=oci,dest={archive}", *to(machine, mode="max"))
    assert ran == STEPS
    return First(machine.cache, machine.image(), archive.read_bytes())


@pytest.fixture
def made(scratch: Scratch, first: First) -> Machine:
    return Machine(scratch, first.cache)


def to(made: Machine, **more: str) -> list[str]:
    text = "".join(f",{name.replace('_', '-')}={value}" for name, value in more.items())
    return ["--cache-to", f"type=local,dest={made.cache}{text}"]


def source(made: Machine) -> list[str]:
    return ["--cache-from", f"type=local,src={made.cache}"]


def test_an_empty_machine_runs_and_fetches_nothing_when_nothing_changed(
    made: Machine, first: First
) -> None:
    ran, said = made.build(*source(made))
    assert (ran, made.layers()) == (0, 0), said
    assert made.image() == first.image
    assert made.program() == "one\nlock\nlock\n"  # fetched now, each layer verified
    assert made.build()[0] == 0  # and the store knows it, without the cache


def test_what_changed_runs_on_layers_that_are_fetched_for_it(made: Machine) -> None:
    made.edit("two\n")
    before = {path.name for path in made.cache.glob("blobs/*/*")}
    ran, said = made.build(*source(made), *to(made, mode="max"))
    assert ran == 4, said  # COPY src, RUN, COPY --from and RUN
    assert "WARN" not in said
    assert made.program() == "two\nlock\nlock\n"
    # Only what is new was written: layers; records, their manifest, the index.
    assert len({path.name for path in made.cache.glob("blobs/*/*")} - before) <= ran + 3
    index = CacheDirectory(made.cache).index_path
    made.build(*to(made, mode="max"))
    assert CacheDirectory(made.cache).index_path == index
    made.replace()
    assert made.build(*source(made))[0] == 0
    made.edit("one\n")
    assert made.build(*source(made))[0] == 0  # what was there before is still there


def test_min_has_the_layers_of_the_image_and_a_budget_those_that_were_used_last(
    made: Machine,
) -> None:
    made.edit("two\n")
    made.build(*source(made), *to(made, tag="min"))
    small = CacheDirectory(made.cache, "min").records()
    assert small
    assert all("[build" not in name for name in small)
    assert len(CacheDirectory(made.cache).records()) == STEPS
    made.build(*to(made, mode="max", max_size="1k"))
    left = CacheDirectory(made.cache).records()
    assert 0 < sum(each.blob_bytes for each in left.values()) <= 1024
    assert len(left) < STEPS
    made.replace()
    at = f"type=local,src={made.cache},tag=min"
    assert made.build("--cache-from", at)[0] == 5  # the stage `build`, whose content is known then


def test_a_cache_that_is_not_there_or_cannot_be_written(made: Machine) -> None:
    at = f"type=local,src={made.cache},tag=other"
    ran, said = made.build("--cache-from", at)
    assert ran == STEPS
    assert "there is none yet" in said
    shutil.rmtree(made.cache)
    made.cache.write_text("a file")
    done = made.scratch.build(TEXT, "-t", "app", *to(made))
    assert done.returncode == 6
    assert "cannot be written" in done.stderr
    ran, said = made.build(*to(made, ignore_error="true"))
    assert ran == 0
    assert "not written" in said


@pytest.fixture(scope="module", params=VERSIONS)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RegistryServer]:
    directory = tmp_path_factory.mktemp("registry")
    with RegistryServer(directory, program=program_of(request.param)) as running:
        yield running


def test_a_registry_is_asked_for_no_layer_that_nothing_reads(
    made: Machine, first: First, server: RegistryServer
) -> None:
    cache, image = f"{server.host}/a/cache:main", f"{server.host}/a/app:1"
    made.build(*source(made), "--cache-to", f"type=registry,ref={cache},mode=max")
    made.replace()
    since = len(server.log())
    ran, said = made.build("--cache-from", cache, "--push", tag=image)
    assert (ran, made.layers(), made.image(image)) == (0, 0, first.image), said
    asked = server.log()[since:].splitlines()
    got = [each for each in asked if '"GET /v2/' in each and "/blobs/sha256:" in each]
    assert len(got) == 1, got  # the records
    made.edit("two\n")
    assert made.build("--cache-from", f"type=registry,ref={cache}")[0] == 4
    assert made.program() == "two\nlock\nlock\n"


def test_an_image_holds_its_own_cache(made: Machine, server: RegistryServer) -> None:
    image = f"{server.host}/b/app:1"
    made.build(*source(made), "--cache-to", "type=inline", "--push", tag=image)
    inlined = made.image(image)
    made.build("--cache-to", "type=inline", tag=image)
    assert made.image(image) == inlined
    made.replace()
    text = TEXT.replace("RUN echo done > /end", "RUN echo done > /end\nRUN echo more > /more")
    ran, said = made.build("--cache-from", f"type=registry,ref={image}", text=text)
    assert ran == 5 + 1, said  # the stage `build`, and the new step
    assert made.program() == "one\nlock\nlock\n"


def test_a_registry_that_is_not_there_is_a_warning_and_an_error(made: Machine) -> None:
    nowhere = "127.0.0.1:1/a/b:c"
    ran, said = made.build("--cache-from", nowhere, *source(made))
    assert ran == 0
    assert "WARN" in said
    assert nowhere in said
    done = made.scratch.build(TEXT, "--cache-to", nowhere)
    assert done.returncode == 4, done.stderr


def test_an_archive_of_an_image_from_a_cache_and_an_image_that_is_based_on_it(
    made: Machine, first: First
) -> None:
    """A stage of one build is the base image of another: its layers can be had by their tars."""
    archive = made.scratch.directory / "app.tar"
    made.build(*source(made))
    (made.scratch.context / "Dockerfile").write_text("FROM app\nRUN cat /app/program > /seen\n")
    done = made.scratch.run("build", "-t", "next", made.scratch.context)
    assert done.returncode == 0, done.stderr
    assert made.scratch.run("run", "--rm", "next", "cat", "/seen").stdout == "one\nlock\nlock\n"
    made.replace()
    assert made.build("-o", f"type=oci,dest={archive}", *source(made))[0] == 0
    assert archive.read_bytes() == first.archive


def test_a_base_image_is_the_same_on_the_machine_that_made_it_and_elsewhere(
    made: Machine, server: RegistryServer
) -> None:
    base = f"{server.host}/c/base:1"
    # The second layer is the empty one, which whoever ran such a step has made, too.
    text = "FROM busybox\nRUN echo base > /base; touch -d @1 /old\nRUN true\n"
    made.build("--push", text=text, tag=base)
    text = f"""FROM {base} AS lines
    WORKDIR /work
    RUN --mount=from={base},target=/mnt cat /mnt/base > copy
    COPY --from={base} /base /old ./
    FROM {base}
    RUN true
    COPY --from=lines /work /work
    """
    ran, _ = made.build(*to(made, mode="max"), text=text)
    assert ran == 5
    made.replace()
    ran, said = made.build(*source(made), text=text)
    assert ran == 0, said
    made.replace()
    made.build(text="FROM busybox\nRUN true\n", tag="other")
    ran, said = made.build(*source(made), text=text)
    assert ran == 0, said


def test_pruning_removes_what_is_claimed_and_needed_by_nothing(made: Machine) -> None:
    made.build(*source(made))
    assert made.scratch.run("rmi", "app").returncode == 0
    assert made.scratch.run("system", "prune", "-a", "-f").returncode == 0
    shutil.rmtree(made.cache)
    assert made.build()[0] == STEPS
