"""Every fault at every request to a bucket and to the service of GitHub: right content, or an error.

What could not be read or written is a warning of a build or ends it; that is in
``tests/engine/test_remote_cache_places.py``. Here is what each request may do to what is kept.
"""

from __future__ import annotations

import copy
import io
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from actions_server import MAIN, READS, WRITES, ActionsServer, Kept
from cache_rig import digest, pack
from fault_proxy import (
    DENY,
    DROP,
    FAIL,
    FORBID,
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
from jettison.errors import JettisonError
from jettison.image.remote import RemoteBlobs
from jettison.oci.digest import sha256_digest
from jettison.oci.manifest import Descriptor
from jettison.oci.url import Url
from jettison.registry.transport import Transport
from jettison.remote import actions_cache, aws, objects
from jettison.remote.actions import ActionsService
from jettison.remote.actions_cache import ActionsBlobs, ActionsCache
from jettison.remote.backend import CacheBackend
from jettison.remote.index import MadePack, PackEntry, add_pack
from jettison.remote.objects import ObjectBlobs
from jettison.remote.place import CachePlace
from jettison.remote.places import CachePlaces
from jettison.remote.record import Pack
from jettison.store.store import Store
from s3_server import ENVIRON, SECRET, S3Server

FAULTS = (DROP, LOSE, DENY, FORBID, LIMIT, FAIL, SLOW, TRUNCATE, SPOIL, SHORTEN)
SURVIVED = {DROP, LOSE, LIMIT, FAIL, SLOW}
"""Faults after which nothing is missing, if they happen once: a request is sent again."""
STAYING = (DROP, DENY, FORBID, LIMIT, FAIL, SLOW, TRUNCATE, SPOIL)
LAYER = os.urandom(200_000)
BLOB = Descriptor("application/octet-stream", sha256_digest(LAYER), len(LAYER))


class Bench:
    """A server behind a proxy: one cache, which is opened anew each time."""

    def __init__(self, kind: str, server: S3Server | ActionsServer, proxy: FaultProxy) -> None:
        self.kind = kind
        self.server = server
        self.proxy = proxy
        self.token = ""
        self.kept: list[Kept] = []
        if isinstance(server, ActionsServer):
            self.token = server.token((MAIN, READS | WRITES))

    def open(self) -> tuple[CacheBackend, RemoteBlobs]:
        slow = self.proxy.fault is not None and self.proxy.fault.kind == SLOW
        if self.kind == "s3":
            aws._READ_SECONDS = 0.2 if slow else 10.0
            details = (("endpoint_url", f"http://{self.proxy.host}"),)
            places = CachePlaces(ENVIRON)
            cache = places.backend(CachePlace("s3", "main", details=details), 3600)
            return cache, RemoteBlobs(lambda: None, places.find)  # type: ignore[arg-type,return-value]
        transport = Transport({}, backoff_seconds=0.001, read_seconds=0.2 if slow else 10.0)
        service = ActionsService(Url.parse(f"http://{self.proxy.host}/"), self.token, transport)
        blobs = ActionsBlobs(service, transport)
        cache = ActionsCache(service, blobs, "gha://it", "main")
        return cache, RemoteBlobs(lambda: None, lambda _: blobs)  # type: ignore[arg-type,return-value]

    def restore(self) -> None:
        """Let the cache be as it was when this was called first, and nothing disturb it."""
        self.proxy.begin()
        if isinstance(self.server, S3Server):
            bucket, kept = self.server.bucket, self.server.directory / "kept"
            if not kept.exists():
                shutil.copytree(bucket, kept)
            for each in bucket.iterdir():
                shutil.rmtree(each)
            shutil.copytree(kept, bucket, dirs_exist_ok=True)  # with extended attributes
        else:
            self.kept = self.kept or copy.deepcopy(self.server.kept)
            self.server.kept[:] = copy.deepcopy(self.kept)

    def write(self, made: Pack) -> None:
        cache, _ = self.open()
        cache.put_blob(BLOB, lambda: io.BytesIO(LAYER))
        for each in made.records.values():
            name = each.name.removeprefix("RUN ").encode()
            cache.put_blob(each.descriptor, lambda name=name: io.BytesIO(name))

        def change(entries: Sequence[PackEntry]) -> tuple[MadePack, list[PackEntry]]:
            return add_pack(made, entries, cache.read)

        cache.update(change)

    def read(self) -> Pack:
        cache, _ = self.open()
        whole = Pack()
        for entry in reversed(cache.entries()):
            whole = cache.read(entry).over(whole)
        return whole

    def fetch(self, directory: Path) -> None:
        """Fetch the layer into an empty store; it is verified there."""
        cache, remote = self.open()
        with Store.open(directory) as store:
            remote.fetch(store, BLOB, cache.source)
            assert store.blobs.path(BLOB.digest).read_bytes() == LAYER


@pytest.fixture(params=["s3", "gha"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    server = S3Server(tmp_path / "s3") if request.param == "s3" else ActionsServer()
    with server, FaultProxy(server.host) as proxy:
        yield Bench(request.param, server, proxy)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jettison.registry.blob._PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(objects, "_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(actions_cache, "_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(aws, "_BACKOFF_SECONDS", 0.001)
    monkeypatch.setattr(aws, "_READ_SECONDS", 10.0)


def names_of(bench: Bench, work: Callable[[], object]) -> list[str]:
    """Return the names of the requests of a piece of work that nothing disturbs."""
    bench.proxy.begin()
    work()
    return sorted(set(bench.proxy.seen))


def error_of(bench: Bench, work: Callable[[], object]) -> JettisonError | None:
    """Return the error that a user would see; any other exception fails the test."""
    found: JettisonError | None = None
    try:
        work()
    except JettisonError as error:
        found = error
    if found is not None:
        said = f"{found.message} {found.hint}"
        assert found.exit_status not in {0, 70}
        assert len(found.message) > 10
        for secret in (SECRET, "s3cret", "sig=", "<"):
            assert secret not in said
    return found


def test_a_write_survives_each_fault_at_each_request_or_leaves_what_was_there(
    bench: Bench,
) -> None:
    bench.write(pack("a"))
    bench.restore()
    names = names_of(bench, lambda: bench.write(pack("b")))
    assert len(names) >= 7
    for name in names:
        for kind in FAULTS:
            bench.restore()
            bench.proxy.begin(Fault(name, kind))
            error = error_of(bench, lambda: bench.write(pack("b")))
            assert bench.proxy.struck, (name, kind)
            assert error is None or kind not in SURVIVED, (name, kind, error)
            bench.proxy.begin()
            found = bench.read()
            if error is None:
                # An index that was spoilt on its way is replaced: it is a miss, and no wrong record.
                assert found == pack("a", "b") or kind in {SPOIL, SHORTEN}, (name, kind)
            assert found in (Pack(), pack("a"), pack("b"), pack("a", "b")), (name, kind)
            bench.write(pack("b", "c"))
            found = bench.read()
            assert found in (pack("a", "b", "c"), pack("b", "c")), (name, kind)


def test_a_read_survives_each_fault_at_each_request_or_says_so(
    bench: Bench, tmp_path: Path
) -> None:
    bench.write(pack("a"))
    for number, work in enumerate((bench.read, lambda: bench.fetch(tmp_path / "first"))):
        names = names_of(bench, work)
        assert names
        for name in names:
            for kind in (*FAULTS, REPEAT, LIE):
                bench.proxy.begin(Fault(name, kind))
                found: list[Pack] = []

                def again(number: int = number, found: list[Pack] = found) -> None:
                    if number == 0:
                        found.append(bench.read())
                    else:
                        bench.fetch(tmp_path / "store")

                error = error_of(bench, again)
                assert bench.proxy.struck, (name, kind)
                assert error is None or kind not in SURVIVED, (name, kind, error)
                # What an index says is not verified by itself: it may be missing, never wrong.
                assert found in ([], [pack("a")], [Pack()]), (name, kind)
                assert found != [Pack()] or kind in {SPOIL, LOSE, LIE}, (name, kind)
                shutil.rmtree(tmp_path / "store", ignore_errors=True)


@pytest.mark.parametrize("kind", STAYING)
def test_a_fault_that_stays_is_an_error_that_names_the_server(
    bench: Bench, tmp_path: Path, kind: str
) -> None:
    bench.write(pack("a"))
    works = (bench.read, lambda: bench.write(pack("b")), lambda: bench.fetch(tmp_path / "store"))
    for work in works:
        names_of(bench, work)
        name = bench.proxy.seen[0]
        shutil.rmtree(tmp_path / "store", ignore_errors=True)
        bench.proxy.begin(Fault(name, kind, stays=True))
        error = error_of(bench, work)
        if error is not None and kind not in {SPOIL, TRUNCATE}:
            host = bench.proxy.host.partition(":")[0]
            assert host in error.message or "blob" in error.message
        elif kind != SPOIL:
            assert error is not None, name
        bench.proxy.begin()
        assert bench.read() in (pack("a"), pack("a", "b"), pack("b"), Pack())


def test_the_places_of_blobs_are_those_of_the_digests() -> None:
    assert ObjectBlobs(None, "x/blobs/").key(digest("a")) == f"x/blobs/{digest('a')}"  # type: ignore[arg-type]
