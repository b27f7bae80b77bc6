"""Parts of an image that several machines push: in any order, at the same time, killed anywhere."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

import pytest

from jettison.api.build import build
from jettison.api.merge import merge
from jettison.api.request import BuildRequest, BuildResult
from jettison.api.session import Session
from jettison.errors import ImageNotFoundError, RegistryError, RegistryUnavailableError, UsageError
from jettison.exporter.outputs import Annotation
from jettison.image.parts import PART_OF, Merged, PartRecords, PartSet
from jettison.oci.mediatype import OCI_INDEX
from jettison.oci.platform import parse_platform
from jettison.oci.reference import parse_reference
from jettison.registry.session import RegistrySession
from jettison.registry.upload import Uploader
from jettison.settings import load_settings
from registry_server import RegistryServer

pytestmark = pytest.mark.needs_root

THREE = ("linux/amd64", "linux/arm64", "linux/arm/v7")
TEXT = "FROM scratch\nARG TARGETARCH CONTENT\nCOPY one /$TARGETARCH\nLABEL content=$CONTENT\n"
_numbers = itertools.count()


class Killed(BaseException):
    """Stands for the end of a process."""


class Machine:
    """A machine with a store of its own."""

    def __init__(self, session: Session, context: Path) -> None:
        self.session = session
        self.context = context

    def push(self, name: str, *platforms: str, **options: object) -> BuildResult:
        options = {"part_of": "run-1", "parts": THREE, **options}
        request = BuildRequest(
            context=str(self.context),
            platforms=platforms,
            tags=(name,),
            push=True,
            checks="none",
            **options,  # type: ignore[arg-type]
        )
        return build(self.session, request, lambda _: None)

    def tags(self, name: str) -> list[str]:
        return sorted(self.session.registry().tags(parse_reference(name)))

    def index(self, name: str) -> dict[str, object] | None:
        found = self.session.registry().manifest(parse_reference(name))
        return json.loads(found.data) if found is not None else None

    def platforms(self, name: str) -> list[str]:
        """Return what the index of a name has, each with its image there."""
        index = self.index(name)
        found = []
        for each in index["manifests"] if index else ():
            place = f"{name.rpartition(':')[0]}@{each['digest']}"
            assert self.session.registry().manifest(parse_reference(place)) is not None
            found.append("/".join(each["platform"].get(k, "") for k in ("os", "architecture")))
        return found


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Machine]]:
    place = tmp_path_factory.mktemp("parts")
    (place / "context").mkdir()
    (place / "context/Dockerfile").write_text(TEXT)
    (place / "context/one").write_text("1\n")
    environ = {"PATH": os.environ["PATH"], "HOME": str(place)}
    with ExitStack() as stack:
        made = []
        for number in range(3):
            settings = load_settings(environ, root=str(place / f"store{number}"))
            session = stack.enter_context(Session.open(settings, environ))
            made.append(Machine(session, place / "context"))
        yield made


@pytest.fixture
def new(registry: RegistryServer) -> Callable[[], str]:
    """A function that returns names of repositories that nobody has used."""
    return lambda: f"{registry.host}/team/app{next(_numbers)}:1"


@pytest.fixture
def at_request(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A function that lets something happen before or after the n-th request of a session."""
    original = RegistrySession.request

    def arrange(machine: Machine, number: int, action: Callable[[], None], *, after: bool) -> None:
        count = itertools.count(1)
        session = machine.session.registry().session

        def request(self: RegistrySession, *args: object, **options: object) -> object:
            mine = self is session and next(count) == number
            if mine and not after:
                action()
            answer = original(self, *args, **options)  # type: ignore[arg-type]
            if mine and after:
                answer.close()
                action()
            return answer

        monkeypatch.setattr(RegistrySession, "request", request)

    return arrange


def test_the_last_part_writes_the_index_and_removes_the_records(machines, new) -> None:
    first, second, third = machines
    name = new()
    made = first.push(name, "linux/amd64")
    assert (made.index, made.missing_parts) == (None, ("linux/arm/v7", "linux/arm64"))
    assert first.index(name) is None
    assert len(first.tags(name)) == 1
    second.push(name, "linux/arm64", parts=THREE[::-1])
    done = third.push(name, "linux/arm/v7")
    assert (done.missing_parts, done.left_tags) == ((), ())
    assert first.tags(name) == ["1"]
    assert first.platforms(name) == ["linux/amd64", "linux/arm", "linux/arm64"]
    assert third.session.registry().resolve(parse_reference(name)).digest == done.index


def test_one_machine_may_push_several_parts_under_several_names(machines, new) -> None:
    first, second, _ = machines
    name, other = new(), new()
    tags = {"tags": (name, name.replace(":1", ":2"), other)}
    request = {
        "context": str(first.context),
        "push": True,
        "part_of": "x",
        "parts": THREE,
        "checks": "none",
    }
    build(
        first.session,
        BuildRequest(platforms=THREE[:2], **tags, **request),
        lambda _: None,
    )
    done = build(
        second.session, BuildRequest(platforms=THREE[2:], **tags, **request), lambda _: None
    )
    assert done.index is not None
    assert first.tags(name) == ["1", "2"]
    for each in (name, name.replace(":1", ":2"), other):
        assert sorted(first.platforms(each)) == ["linux/amd64", "linux/arm", "linux/arm64"]


def test_a_part_that_is_pushed_again_takes_the_place_of_the_old_one(machines, new) -> None:
    first, second, _third = machines
    name = new()
    for machine, platform in zip(machines, THREE, strict=True):
        machine.push(name, platform)
    before = first.index(name)
    again = second.push(name, "linux/arm64", build_args={"CONTENT": "new"})
    assert again.index is not None
    after = first.index(name)
    changed = [
        a["platform"]
        for b, a in zip(before["manifests"], after["manifests"], strict=False)
        if a != b
    ]
    assert [each["architecture"] for each in changed] == ["arm64"]
    assert first.tags(name) == ["1"]


def test_another_set_does_not_mix_with_it_and_moves_the_tag_when_it_is_whole(machines, new) -> None:
    name = new()
    for machine, platform in zip(machines, THREE, strict=True):
        machine.push(name, platform)
    before = machines[0].index(name)
    made = machines[0].push(name, "linux/amd64", part_of="run-2")
    assert made.missing_parts == ("linux/arm/v7", "linux/arm64")
    assert machines[0].index(name) == before
    for machine, platform in zip(machines[1:], THREE[1:], strict=True):
        machine.push(name, platform, part_of="run-2", build_args={"CONTENT": "2"})
    assert machines[0].index(name) != before
    assert len(machines[0].platforms(name)) == 3


@pytest.fixture(scope="module")
def pushed(machines, registry) -> Callable[[Machine, str, str], Merged]:
    """A function that lets a machine join a set with what it has pushed."""
    repository = f"{registry.host}/team/parts"
    digests = {}
    for machine, platform in zip(machines, THREE[:2], strict=False):
        place = f"{repository}:{platform.rpartition('/')[2]}"
        digests[machine] = (machine.push(place, platform, part_of="", parts=()).manifest, platform)

    def join(machine: Machine, tag: str) -> Merged:
        digest, platform = digests[machine]
        wanted = PartSet.of(tag, list(map(parse_platform, THREE[:2])))
        client = machine.session.registry()
        records = PartRecords(client, parse_reference(f"{repository}:{tag}"), wanted)
        records.keep(digest, [(parse_platform(platform), parse_platform(platform))])
        return records.merge([tag])

    join.repository = repository
    return join


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_machine_that_is_killed_at_any_request_is_repaired_by_running_it_again(
    machines, pushed, at_request, after
) -> None:
    first, second, _ = machines

    def kill() -> None:
        raise Killed

    for number in itertools.count(1):
        tag = f"killed{after}{number}"
        name = f"{pushed.repository}:{tag}"
        pushed(first, tag)
        ended = False
        at_request(second, number, kill, after=after)
        with suppress(Killed):
            pushed(second, tag)
            ended = True
        at_request(second, 0, kill, after=after)
        index = first.index(name)
        assert index is None or len(index["manifests"]) == 2
        assert pushed(second, tag).index is not None, number
        assert first.platforms(name) == ["linux/amd64", "linux/arm64"]
        if ended:
            assert number > 8
            break
    assert not [each for each in first.tags(name) if each.startswith("jettison-part")]


@pytest.mark.parametrize("number", [2, 5, 8])
def test_a_build_whose_network_ends_while_it_pushes_moves_no_tag(
    machines, new, monkeypatch, number
) -> None:
    first, second, _ = machines
    name = new()
    count = itertools.count(1)
    original = RegistrySession.request

    def request(self: RegistrySession, *args: object, **options: object) -> object:
        if next(count) >= number:
            raise RegistryUnavailableError("the network has ended")
        return original(self, *args, **options)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(RegistrySession, "request", request)
        arguments = {"CONTENT": str(number)}
        with pytest.raises(RegistryError):
            second.push(name, "linux/arm64", parts=THREE[:2], build_args=arguments)
    assert first.index(name) is None


@pytest.mark.parametrize("again", [False, True], ids=["first", "again"])
def test_machines_that_join_in_the_middle_of_each_other_make_one_index(
    machines, pushed, at_request, again
) -> None:
    first, second, _ = machines
    other: list[Merged] = []
    for number in itertools.count(1):
        tag = f"amid{again}{number}"
        if again:
            pushed(second, tag)
        other.clear()
        at_request(first, number, partial(_join, pushed, second, tag, other), after=False)
        made = pushed(first, tag)
        assert made.index or other[0].index
        name = f"{pushed.repository}:{tag}"
        assert first.platforms(name) == ["linux/amd64", "linux/arm64"]
        if not other:
            assert again
            break
        if not again and number == 5:  # alone it asks no more
            break
    assert not [each for each in first.tags(name) if each.startswith("jettison-part")]


def _join(
    pushed: Callable[[Machine, str], Merged], machine: Machine, tag: str, made: list[Merged]
) -> None:
    made.append(pushed(machine, tag))


def test_processes_that_race_make_one_index(machines, registry, new, tmp_path) -> None:
    four = (*THREE, "linux/riscv64")
    name = new()
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "jettison", "--root", str(tmp_path / str(number)), "build",
             "--platform", platform, "--push", "--part-of", "race", "--parts", ",".join(four),
             "-t", name, "--progress=plain", str(machines[0].context)],
            stderr=subprocess.PIPE,
            text=True,
        )
        for number, platform in enumerate(four)
    ]  # fmt: skip
    said = [process.communicate(timeout=100)[1] for process in running]
    assert [process.returncode for process in running] == [0] * 4, said
    assert any("all parts are there: index" in each for each in said)
    assert len(machines[0].platforms(name)) == 4
    assert machines[0].tags(name) == ["1"]


def test_records_that_a_registry_does_not_delete_are_told(machines, tmp_path) -> None:
    with RegistryServer(tmp_path / "keeps", deletes=False) as server:
        name = f"{server.host}/app:1"
        machines[0].push(name, "linux/amd64", parts=THREE[:2])
        done = machines[1].push(name, "linux/arm64", parts=THREE[:2])
        assert done.index is not None
        assert len(done.left_tags) == 2
        assert machines[0].tags(name) == [
            "1",
            *(each.rpartition(":")[2] for each in done.left_tags),
        ]
        again = machines[1].push(name, "linux/arm64", parts=THREE[:2])
        assert again.index == done.index


def test_what_is_no_record_of_the_set_does_not_count(machines, new) -> None:
    name = new()
    wanted = PartSet.of("run-1", list(map(parse_platform, THREE[:2])))
    for notes in ({}, {PART_OF: "other"}):
        uploader = Uploader(machines[0].session.registry(), parse_reference(name))
        data = {
            "schemaVersion": 2,
            "mediaType": OCI_INDEX,
            "manifests": [],
            "annotations": notes,
        }
        tag = wanted.tag(parse_platform("linux/amd64"))
        uploader.manifest(tag, OCI_INDEX, json.dumps(data).encode())
        made = machines[1].push(name, "linux/arm64", parts=THREE[:2])
        assert made.missing_parts == ("linux/amd64",)
        assert machines[1].index(name) is None


def test_a_part_is_what_was_asked_for_whatever_its_base_says(machines, new) -> None:
    first, second, _ = machines
    name = new()
    wanted = PartSet.of("v2", list(map(parse_platform, THREE[:2])))
    pushed = first.push(name, "linux/amd64/v2", part_of="", parts=()).manifest
    amd64, v2 = map(parse_platform, ("linux/amd64", "linux/amd64/v2"))
    records = PartRecords(first.session.registry(), parse_reference(name), wanted)
    records.keep(pushed, [(amd64, v2)])
    done = second.push(name, "linux/arm64", part_of="v2", parts=THREE[:2])
    assert done.index is not None
    variants = [each["platform"].get("variant") for each in first.index(name)["manifests"]]
    assert variants == ["v2", None]
    again = second.push(name, "linux/arm64", part_of="v2", parts=THREE[:2])
    assert again.index == done.index  # the record is gone, the index stands for it


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"parts": ()}, "both are needed"),
        ({"part_of": ""}, "both are needed"),
        ({"push": False}, "needs a registry"),
        ({"tags": ()}, "needs a name"),
        ({"parts": ("linux/s390x",)}, "none of the parts"),
        ({"parts": ("a/b/c/d",)}, "not a platform"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_built(
    machines, options, message
) -> None:
    wanted = {"tags": ("x.example/app",), "push": True, "part_of": "1", "parts": THREE, **options}
    request = BuildRequest(context="/nowhere", platforms=("linux/amd64",), **wanted)
    with pytest.raises(UsageError, match=message):
        build(machines[0].session, request, lambda _: None)


def test_merge_makes_an_index_of_images_wherever_they_are(machines, new, tmp_path) -> None:
    first, second, _ = machines
    name, near = new(), new()
    plain = {"part_of": "", "parts": ()}
    first.push(name.replace(":1", ":amd64"), "linux/amd64", **plain)
    second.push(near, "linux/arm64", "linux/arm/v7", **plain)
    with RegistryServer(tmp_path / "far") as server:
        far = f"{server.host}/app:1"
        second.push(far, "linux/riscv64", **plain)
        sources = [name.replace(":1", ":amd64"), near, far]
        digest = merge(first.session, name, sources, lambda _: None).descriptor.digest
    assert first.session.registry().resolve(parse_reference(name)).digest == digest
    assert [*first.platforms(name)] == ["linux/amd64", "linux/arm64", "linux/arm", "linux/riscv64"]
    by_digest = f"{name}@{digest}"
    again = merge(first.session, name.replace(":1", ":2"), [by_digest], lambda _: None)
    assert again.descriptor.digest == digest
    first.push(other := new(), "linux/amd64", labels={"an": "other"}, **plain)
    with pytest.raises(UsageError, match="both have an image for `linux/amd64`"):
        merge(first.session, name, [name, other], lambda _: None)
    with pytest.raises(ImageNotFoundError, match="not in its registry"):
        merge(first.session, name, [name.replace(":1", ":none")], lambda _: None)


def test_merge_adds_to_an_index_annotates_it_and_shows_it_first(machines, new) -> None:
    first, second, _ = machines
    name, more = new(), new()
    plain = {"part_of": "", "parts": ()}
    first.push(name, "linux/amd64", **plain)
    second.push(more, "linux/arm64", **plain)
    client = first.session.registry()
    before = client.resolve(parse_reference(name))
    wanted = {"append": True, "annotations": [Annotation("a", "b", "index")]}
    dry = merge(first.session, name, [more, name], lambda _: None, **wanted, dry=True)
    assert client.resolve(parse_reference(name)) == before
    made = merge(first.session, name, [more, name], lambda _: None, **wanted)
    assert made == dry
    assert client.manifest(parse_reference(name), own=True).data == made.data
    assert json.loads(made.data)["annotations"] == {"a": "b"}
    assert [*first.platforms(name)] == ["linux/amd64", "linux/arm64"]
    with pytest.raises(UsageError, match="not of the index"):
        merge(first.session, name, [more], lambda _: None, annotations=[Annotation("a", "b")])
    with pytest.raises(ImageNotFoundError):
        merge(first.session, new(), [more], lambda _: None, append=True)
