"""Every fault at every request of a push and of a pull: right content, or an error that says so."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from fault_proxy import (
    DENY,
    DROP,
    FAIL,
    FAULTS,
    LIE,
    LIMIT,
    LOSE,
    REPEAT,
    SHORTEN,
    SLOW,
    SPOIL,
    TRUNCATE,
    Fault,
    FaultProxy,
)
from image_rig import AMD64, Rig, ignore, read_tree
from jettison.errors import JettisonError
from jettison.exporter.copying.collect import Selection, collect
from jettison.exporter.copying.from_registry import RegistrySource
from jettison.exporter.copying.place import parse_place
from jettison.exporter.copying.to_archive import ArchiveDestination
from jettison.exporter.copying.to_layout import LayoutDestination
from jettison.exporter.copying.to_registry import RegistryDestination
from jettison.image.resolve import ImageResolver
from jettison.oci.codec import decode
from jettison.oci.digest import sha256_digest
from jettison.oci.manifest import Manifest
from jettison.oci.mediatype import OCI_MANIFEST
from jettison.oci.reference import parse_reference
from jettison.registry.client import RegistryClient
from jettison.registry.credentials import Credentials
from jettison.registry.endpoint import RegistryHosts
from jettison.registry.transport import Transport
from jettison.store.image import StoredImage
from registry_server import RegistryServer
from server_rig import DIRECT

FILES = {"hello": "world", "bin/tool": os.urandom(60_000)}
SURVIVED = {DROP, LOSE, DENY, LIMIT, FAIL, SLOW, TRUNCATE, SHORTEN, REPEAT}
"""Faults after which nothing is missing, if they happen once."""
OF_PUSHES = (DROP, LOSE, DENY, LIMIT, FAIL, SLOW, TRUNCATE, SPOIL)
"""Answers of a push have no bytes of which another part could be sent."""
OF_CHUNKS = (DROP, LOSE, FAIL, SPOIL)
READ_SECONDS = {SLOW: 0.2}
"""How long a client waits; a loaded machine is not to look like a slow registry."""


class Bench(msgspec.Struct):
    """A registry, a proxy before it, and an image to push."""

    registry: RegistryServer
    proxy: FaultProxy
    rig: Rig
    image: StoredImage

    def client(self, chunk_bytes: int = 0) -> RegistryClient:
        kind = self.proxy.fault.kind if self.proxy.fault else ""
        read_seconds = READ_SECONDS.get(kind, 10.0)
        transport = Transport({}, backoff_seconds=0.001, read_seconds=read_seconds)
        credentials = Credentials("me", "s3cret-of-the-test")
        return RegistryClient(RegistryHosts(), lambda _: credentials, transport, chunk_bytes)

    def push(self, repository: str, *, chunk_bytes: int = 0) -> None:
        """Push the image as ``repository:1``."""
        with self.client(chunk_bytes) as client:
            self.rig.client = lambda: client
            name = f"{self.proxy.host}/{repository}:1"
            self.rig.exporter("registry", "", name).export([self.image], ignore)

    def get(self, path: str) -> bytes | None:
        """Return what the registry itself has at a path; None if it has nothing."""
        request = urllib.request.Request(
            f"http://{self.registry.host}/v2/{path}", headers={"Accept": OCI_MANIFEST}
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return response.read()
        except urllib.error.HTTPError as error:
            error.close()
            if error.code != 404:
                raise
            return None

    def missing(self, repository: str) -> list[str]:
        """Return what a pushed image lacks, or has other bytes of."""
        data = self.get(f"{repository}/manifests/1")
        if data is None:
            return ["the tag"]
        manifest = decode(Manifest, data)
        blobs = (manifest.config, *manifest.layers)
        found = {each.digest: self.get(f"{repository}/blobs/{each.digest}") for each in blobs}
        return [
            digest
            for digest, blob in found.items()
            if blob is None or sha256_digest(blob) != digest
        ]

    def pull(self, rig: Rig, repository: str) -> None:
        """Pull ``repository:1`` and compare its files."""
        found = ImageResolver(rig.store, rig.client).resolve(
            f"{self.proxy.host}/{repository}:1", AMD64
        )
        (files,) = rig.blobs.materialise(tuple(each.layer for each in found.image.layers))
        assert read_tree(files)["bin/tool"] == FILES["bin/tool"]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    directory = tmp_path_factory.mktemp("faults")
    with (
        RegistryServer(directory / "registry") as registry,
        FaultProxy(registry.host) as proxy,
        Rig(directory / "store") as rig,
    ):
        made = Bench(registry, proxy, rig, rig.image(FILES))
        made.push("source")
        yield made


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jettison.registry.blob._PAUSE_SECONDS", 0.001)
    monkeypatch.setattr("jettison.registry.blob_upload._PAUSE_SECONDS", 0.001)


def names_of(bench: Bench, work: Callable[[], None]) -> list[str]:
    """Return the names of the requests of a piece of work that nothing disturbs."""
    bench.proxy.begin()
    work()
    return sorted(set(bench.proxy.seen))


def error_of(work: Callable[[], None]) -> JettisonError | None:
    """Return the error that a user would see; any other exception fails the test."""
    found: JettisonError | None = None
    try:
        work()
    except JettisonError as error:
        found = error
    if found is not None:
        assert found.exit_status not in {0, 70}
        assert len(found.message) > 10
        assert "s3cret" not in f"{found.message} {found.hint}"
    return found


@pytest.mark.parametrize("chunk_bytes", [0, 20_000], ids=["whole", "chunks"])
def test_a_push_survives_each_fault_at_each_request_or_moves_no_tag(
    bench: Bench, chunk_bytes: int
) -> None:
    form = "chunks" if chunk_bytes else "whole"
    names = names_of(bench, lambda: bench.push(f"{form}/normal", chunk_bytes=chunk_bytes))
    assert len(names) >= (14 if chunk_bytes else 9)
    wrong: list[str] = []
    kinds = OF_CHUNKS if chunk_bytes else OF_PUSHES
    if chunk_bytes:
        names = [each for each in names if each.startswith(("PATCH", "PUT blobs"))]
    for number, name in enumerate(names):
        for kind in kinds:
            repository = f"{form}/{kind}{number}"
            bench.proxy.begin(Fault(name, kind))
            error = error_of(lambda: bench.push(repository, chunk_bytes=chunk_bytes))  # noqa: B023
            if not bench.proxy.struck:
                wrong.append(f"{kind} at {name}: never happened")
            elif error is not None and kind in SURVIVED:
                wrong.append(f"{kind} at {name}: {error}")
            elif error is not None and bench.get(f"{repository}/manifests/1") is not None:
                wrong.append(f"{kind} at {name}: the tag is there in spite of {error}")
            elif error is None and (lacks := bench.missing(repository)):
                wrong.append(f"{kind} at {name}: lacks {lacks}")
    assert not wrong


def test_a_pull_survives_each_fault_at_each_request_or_keeps_nothing(
    bench: Bench, tmp_path: Path
) -> None:
    def pulled(directory: str) -> None:
        with bench.client() as client, Rig(tmp_path / directory, lambda: client) as rig:
            bench.pull(rig, "source")

    names = names_of(bench, lambda: pulled("normal"))
    assert len(names) >= 4
    wrong: list[str] = []
    for number, name in enumerate(names):
        for kind in FAULTS:
            directory = f"{kind}{number}"
            bench.proxy.begin(Fault(name, kind))
            error = error_of(lambda: pulled(directory))  # noqa: B023
            if not bench.proxy.struck:
                wrong.append(f"{kind} at {name}: never happened")
            elif error is not None:
                if kind in SURVIVED | {SPOIL, LIE}:  # wrong bytes are fetched once more
                    wrong.append(f"{kind} at {name}: {error}")
                # What was kept of the failed pull is right: the rest is fetched now.
                bench.proxy.begin()
                pulled(directory)
    assert not wrong


@pytest.mark.parametrize("form", ["mounted", "sent"])
def test_a_copy_survives_each_fault_at_each_request_or_moves_no_tag(
    bench: Bench, form: str
) -> None:
    """What is mounted, and what is read of one registry while it is sent to another."""

    def copied(repository: str) -> None:
        # A registry of another name cannot be mounted from.
        host = bench.proxy.host if form == "mounted" else bench.registry.host
        with bench.client() as client:
            source = RegistrySource(client, parse_reference(f"{host}/source:1"))
            target = parse_reference(f"{bench.proxy.host}/copied/{form}/{repository}:1")
            contents = collect(source, Selection(AMD64), name="source")
            RegistryDestination(client, target).write(contents, source, ignore)

    names = names_of(bench, lambda: copied("normal"))
    assert len(names) >= 8
    wrong: list[str] = []
    for number, name in enumerate(names):
        for kind in OF_PUSHES:
            repository = f"{kind}{number}"
            bench.proxy.begin(Fault(name, kind))
            error = error_of(lambda: copied(repository))  # noqa: B023
            place = f"copied/{form}/{repository}"
            if not bench.proxy.struck:
                wrong.append(f"{kind} at {name}: never happened")
            elif error is not None and kind in SURVIVED:
                wrong.append(f"{kind} at {name}: {error}")
            elif error is not None and bench.get(f"{place}/manifests/1") is not None:
                wrong.append(f"{kind} at {name}: the tag is there in spite of {error}")
            elif error is None and (lacks := bench.missing(place)):
                wrong.append(f"{kind} at {name}: lacks {lacks}")
    assert not wrong


@pytest.mark.parametrize("kind", ["oci", "oci-archive"])
def test_a_copy_to_a_file_survives_each_fault_or_leaves_nothing(
    bench: Bench, tmp_path: Path, kind: str
) -> None:
    def copied(name: str) -> None:
        place = parse_place(f"{kind}:{tmp_path}/{name}")
        target = LayoutDestination(place) if kind == "oci" else ArchiveDestination(place, None)
        with bench.client() as client:
            source = RegistrySource(client, parse_reference(f"{bench.proxy.host}/source:1"))
            target.write(collect(source, Selection(AMD64), name="source"), source, ignore)

    names = names_of(bench, lambda: copied("normal"))
    assert len(names) == 4
    wrong: list[str] = []
    for number, name in enumerate(names):
        for fault in FAULTS:
            bench.proxy.begin(Fault(name, fault))
            error = error_of(lambda: copied(f"{fault}{number}"))  # noqa: B023
            if not bench.proxy.struck:
                wrong.append(f"{fault} at {name}: never happened")
            elif error is not None and (fault in SURVIVED or kind == "oci"):
                wrong.append(f"{fault} at {name}: {error}")  # a file is begun anew
            elif error is not None and (tmp_path / f"{fault}{number}").exists():
                wrong.append(f"{fault} at {name}: it is there in spite of {error}")
    assert not wrong
    assert not [each.name for each in tmp_path.iterdir() if each.name.startswith(".")]


def test_a_copy_that_is_killed_at_any_request_moves_no_tag(bench: Bench, tmp_path: Path) -> None:
    def arguments(number: object) -> tuple[str, str, str]:
        target = f"docker://{bench.proxy.host}/killed/{number}:1"
        return "copy", f"docker://{bench.registry.host}/source:1", target

    bench.proxy.begin()
    assert kill_at(bench, "none", tmp_path, "--root", str(tmp_path / "s"), *arguments("no")) == 0
    last = "PUT manifests/1 #1"
    puts = sorted({each for each in bench.proxy.seen if each.startswith("PUT") and each != last})
    for number, name in enumerate((puts[0], puts[-1], last)):
        bench.proxy.begin()
        store = str(tmp_path / "s")
        killed = kill_at(bench, name, tmp_path, "--root", store, *arguments(number))
        assert killed == -signal.SIGKILL, name
        if name != last:
            assert bench.get(f"killed/{number}/manifests/1") is None, name
        assert kill_at(bench, "none", tmp_path, "--root", store, *arguments(number)) == 0
        assert not bench.missing(f"killed/{number}")


@pytest.mark.parametrize("kind", [DROP, DENY, LIMIT, FAIL, SLOW, TRUNCATE, SPOIL, LIE])
def test_a_fault_that_stays_is_an_error_that_names_the_registry(
    bench: Bench, tmp_path: Path, kind: str
) -> None:
    push = names_of(bench, lambda: bench.push(f"stays/{kind}"))
    chosen = [each for each in push if each.startswith(("PUT blobs", "PUT manifests/1"))]
    for number, name in enumerate(chosen):
        repository = f"stays/{kind}{number}"
        bench.proxy.begin(Fault(name, kind, stays=True))
        error = error_of(lambda: bench.push(repository))  # noqa: B023
        if error is not None:
            assert bench.proxy.host in error.message
            # What changes the bytes of a manifest may have the registry take them; that is told.
            if not (kind == SPOIL and "keeps other bytes" in error.message):
                assert bench.get(f"{repository}/manifests/1") is None
        else:
            assert not bench.missing(repository)
    with bench.client() as client, Rig(tmp_path / "b", lambda: client) as rig:
        bench.proxy.begin(Fault("GET manifests/1 #1", kind, stays=True))
        error = error_of(lambda: bench.pull(rig, "source"))
        if error is not None and kind != SPOIL:
            assert bench.proxy.host in error.message or "sha256" in error.message


def test_an_error_says_what_the_registry_said(bench: Bench) -> None:
    bench.proxy.begin(Fault("PUT manifests/1 #1", FAIL, stays=True))
    error = error_of(lambda: bench.push("said"))
    assert "TESTED: a fault of the test" in str(error)


def test_a_push_that_is_killed_at_any_request_moves_no_tag(bench: Bench, tmp_path: Path) -> None:
    names = names_of(bench, lambda: bench.push("kills/normal"))
    last = "PUT manifests/1 #1"
    puts = [each for each in names if each.startswith("PUT") and each != last]
    every = os.environ.get("JETTISON_TEST_LEVELS") == "all"
    chosen = [*(names if every else [puts[0], puts[-1]]), last]
    for number, name in enumerate(dict.fromkeys(chosen)):
        target = f"{bench.proxy.host}/kills/{number}:1"
        bench.rig.store.images.tag(target, bench.image.id)
        root = Path(bench.rig.store.root)
        bench.proxy.begin()
        killed = kill_at(bench, name, tmp_path, "--root", str(root), "push", target)
        assert killed == -signal.SIGKILL, name
        if name != last:
            assert bench.get(f"kills/{number}/manifests/1") is None, name
        bench.push(f"kills/{number}")
        assert not bench.missing(f"kills/{number}")


def kill_at(bench: Bench, name: str, home: Path, *arguments: str) -> int:
    """Run a command, kill it when the proxy sees a request, and return its status."""
    process: list[subprocess.Popen[bytes]] = []

    def kill(seen: str) -> None:
        if seen == name:
            os.kill(process[0].pid, signal.SIGKILL)
            process[0].wait()

    bench.proxy.reached = kill
    try:
        process.append(
            subprocess.Popen(
                [sys.executable, "-m", "jettison", *arguments],
                env={**os.environ, **DIRECT, "DOCKER_CONFIG": str(home)},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
        return process[0].wait(60)
    finally:
        bench.proxy.reached = lambda _: None
