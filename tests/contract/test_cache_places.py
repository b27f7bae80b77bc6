"""What buckets and the service of GitHub do beyond what all caches promise (``test_cache_backend``)."""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from actions_server import MAIN, READS, WRITES, ActionsServer
from cache_rig import digest, key, pack, write
from jettison.errors import (
    AuthenticationError,
    ContentError,
    ImageNotFoundError,
    JettisonError,
    RegistryError,
)
from jettison.image.remote import BlobPlace, RemoteBlobs
from jettison.oci.digest import Digest, sha256_digest
from jettison.oci.manifest import Descriptor
from jettison.remote import actions_cache, objects, signed
from jettison.remote.actions import scopes_of
from jettison.remote.aws import s3_source, s3_store
from jettison.remote.backend import CacheBackend
from jettison.remote.bucket import Bucket
from jettison.remote.index import MadePack, PackEntry, add_pack
from jettison.remote.place import CachePlace, Secrets
from jettison.remote.places import CachePlaces
from jettison.remote.record import Pack
from jettison.store.store import Store
from s3_server import ACCESS, ENVIRON, SECRET, S3Server

PULL = "refs/pull/7/merge"


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with S3Server(tmp_path_factory.mktemp("s3")) as running:
        yield running


@pytest.fixture
def actions() -> Iterator[ActionsServer]:
    with ActionsServer() as running:
        yield running


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(actions_cache, "_PAUSE_SECONDS", 0.01)


class Caches:
    """Opens caches of one server, each time as another machine would."""

    def __init__(self, kind: str, environ: dict[str, str], details: tuple[tuple[str, str], ...]):
        self.kind = kind
        self.environ = environ
        self.details = details
        self.opened: list[CachePlaces] = []

    def places(self) -> CachePlaces:
        self.opened.append(CachePlaces(self.environ))
        return self.opened[-1]

    def backend(self, name: str = "main", refresh_seconds: float = 3600) -> CacheBackend:
        return self.places().backend(
            CachePlace(self.kind, name, details=self.details), refresh_seconds
        )

    def blobs(self) -> BlobPlace:
        """Return the blobs as a later command finds them: by their source and the environment."""
        return self.places().find(self.backend().source)

    def put(self, data: bytes, *, again: bool = False) -> Descriptor:
        blob = Descriptor("application/octet-stream", sha256_digest(data), len(data))
        self.backend().put_blob(blob, lambda: io.BytesIO(data), again=again)
        return blob


def in_bucket(bucket: S3Server, tmp_path: Path) -> Caches:
    details = (("endpoint_url", bucket.url), ("prefix", f"{digest(str(tmp_path))[7:19]}/"))
    return Caches("s3", ENVIRON, details)


@pytest.fixture(params=["s3", "gha"])
def caches(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Caches]:
    if request.param == "s3":
        made = in_bucket(request.getfixturevalue("bucket"), tmp_path)
    else:
        made = Caches("gha", request.getfixturevalue("actions").environ(), ())
    yield made
    for each in made.opened:
        each.close()


def change(made: Pack) -> Callable[[Sequence[PackEntry]], tuple[MadePack, list[PackEntry]]]:
    def added(entries: Sequence[PackEntry]) -> tuple[MadePack, list[PackEntry]]:
        return add_pack(made, entries, refuse, merge=False)

    def refuse(_: PackEntry) -> Pack:
        raise AssertionError("nothing is to be read")

    return added


def read(cache: CacheBackend) -> Pack:
    whole = Pack()
    for entry in reversed(cache.entries()):
        whole = cache.read(entry).over(whole)
    return whole


@pytest.mark.parametrize("size", [0, 1, 70_000, (8 << 20) + 1, 20 << 20])
def test_blobs_of_all_sizes_are_read_from_any_offset(caches: Caches, size: int) -> None:
    data = os.urandom(size)
    blob = caches.put(data)
    for start in (0, size // 3):
        with caches.blobs().open(blob, start) as stream:
            parts = iter(lambda: stream.read(100_000), b"")
            assert b"".join(parts) == data[start:]
    if size > 10:
        assert caches.blobs().read_range(blob, 3, 7) == data[3:10]


def test_a_blob_that_is_not_there_or_has_another_size_is_an_error(caches: Caches) -> None:
    blob = caches.put(b"bytes of a blob")
    gone = Descriptor(blob.media_type, digest("nothing"), 7)
    with pytest.raises(RegistryError), caches.blobs().open(gone) as stream:
        stream.read(1)
    small = Descriptor(blob.media_type, blob.digest, blob.size - 3)
    with pytest.raises(ContentError), caches.blobs().open(small) as stream:
        stream.read(blob.size)


def test_layers_are_fetched_into_a_store_and_verified(caches: Caches, tmp_path: Path) -> None:
    data = os.urandom(300_000)
    blob = caches.put(data)
    places = caches.places()
    remote = RemoteBlobs(None, places.find)
    with Store.open(tmp_path / "store") as store:
        with pytest.raises(ImageNotFoundError):  # offline
            remote.fetch(store, blob, caches.backend().source)
        online = RemoteBlobs(lambda: None, places.find)  # type: ignore[arg-type,return-value]
        online.fetch(store, blob, caches.backend().source)
        assert store.blobs.path(blob.digest).read_bytes() == data


def test_what_is_damaged_is_replaced_where_it_is_sent_again(caches: Caches) -> None:
    good = b"what the digest says"
    blob = Descriptor("application/octet-stream", sha256_digest(good), len(good))
    caches.backend().put_blob(blob, lambda: io.BytesIO(b"something of that si"))
    caches.put(good)  # it is there, and nobody knows that it is another one
    with caches.blobs().open(blob) as stream:
        assert stream.read(100) != good
    caches.put(good, again=True)
    with caches.blobs().open(blob) as stream:
        assert stream.read(100) == good


def test_nothing_is_sent_twice(caches: Caches) -> None:
    caches.put(b"once")

    def opened() -> io.BytesIO:
        raise AssertionError("it is sent again")

    blob = Descriptor("application/octet-stream", sha256_digest(b"once"), 4)
    caches.backend().put_blob(blob, opened)


def test_an_index_that_is_none_is_an_error_for_readers_and_replaced_by_writers(
    caches: Caches, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, junk in enumerate((b"", b"{", b"[]", b'{"schemaVersion":2}', b"\xff" * 50)):
        name = f"junk{number}"
        with monkeypatch.context() as patch:
            for module in (objects, actions_cache):
                patch.setattr(module, "make_index", lambda _, junk=junk: (None, junk))
            caches.backend(name).update(change(Pack(pack("a").records)))
        with pytest.raises(JettisonError):
            caches.backend(name).entries()
        caches.backend(name).update(change(Pack(pack("b").records)))
        assert read(caches.backend(name)) == Pack(pack("b").records)


def test_of_many_that_write_at_once_all_are_heard(caches: Caches) -> None:
    names = [f"n{number}" for number in range(8)]
    failed: list[BaseException] = []
    at_once = threading.Barrier(len(names))

    def build(name: str) -> None:
        try:
            cache = caches.backend()
            at_once.wait(20)
            cache.update(change(pack(name)))
        except BaseException as error:  # noqa: BLE001 - asserted below
            failed.append(error)

    threads = [threading.Thread(target=build, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert read(caches.backend()) == pack(*names)


def test_credentials_are_in_no_error_and_no_text(caches: Caches, bucket: S3Server) -> None:
    wrong = "a-s3cret-that-is-wrong"
    if caches.kind == "s3":
        given = Secrets((("access_key_id", ACCESS), ("secret_access_key", wrong)))
    else:
        given = Secrets((("token", wrong),))
    at = CachePlace(caches.kind, "main", details=caches.details, secrets=given)
    assert wrong not in repr(at) + at.title
    cache = caches.places().backend(at, 60)
    assert wrong not in cache.source
    blob = Descriptor("application/octet-stream", digest("x"), 1)
    for ask in (
        cache.entries,
        lambda: cache.has_blob(digest("x")),
        lambda: cache.put_blob(blob, lambda: io.BytesIO(b"x")),
        lambda: cache.update(change(pack("a"))),
    ):
        with pytest.raises(AuthenticationError) as raised:
            ask()
        said = f"{raised.value.message} {raised.value.hint}"
        assert wrong not in said
        assert SECRET not in said
        assert "sig=" not in said
        assert "<" not in said


def test_layers_that_went_are_removed_unless_something_names_them(
    bucket: S3Server, tmp_path: Path
) -> None:
    caches = in_bucket(bucket, tmp_path)
    root = bucket.bucket / dict(caches.details)["prefix"]
    for name in ("a", "b", "c"):
        caches.put(name.encode())
    here, other = caches.backend(), caches.backend("other")
    here.update(change(Pack(pack("a", "b").records)))
    other.update(change(Pack(pack("b").records)))
    (root / "manifests/of-buildkit").write_text(f'{{"layers":[{{"blob":"{digest("c")}"}}]}}')
    (old,) = here.entries()
    write(here, Pack(pack("c").records))
    here.collect([old])
    left = {each.name for each in (root / "blobs").iterdir()}
    assert digest("a") not in left
    assert {digest("b"), digest("c")} <= left
    assert old.records.digest not in left
    (old,) = here.entries()
    write(here, Pack(pack("a").records))
    here.collect([old])
    assert caches.backend().has_blob(digest("c"))  # BuildKit's
    caches.put(b"c")
    assert read(caches.backend("other")) == Pack(pack("b").records)


def test_blobs_that_are_old_are_made_new(bucket: S3Server, tmp_path: Path) -> None:
    caches = in_bucket(bucket, tmp_path)
    blob = caches.put(b"of yesterday")
    path = bucket.bucket / dict(caches.details)["prefix"] / "blobs" / blob.digest
    old = time.time() - 48 * 3600
    os.utime(path, (old, old))
    caches.backend(refresh_seconds=72 * 3600).keep([blob])
    assert path.stat().st_mtime == pytest.approx(old)
    caches.backend(refresh_seconds=24 * 3600).keep([blob, blob])
    assert datetime.fromtimestamp(path.stat().st_mtime, UTC).year >= 2024
    assert path.stat().st_mtime > old + 3600
    assert path.read_bytes() == b"of yesterday"
    assert [each.name for each in path.parent.iterdir()] == [blob.digest]


def test_a_bucket_that_is_not_there_is_said_to_be_missing(bucket: S3Server) -> None:
    details = (("bucket", "nowhere"), ("endpoint_url", bucket.url))
    cache = CachePlaces(ENVIRON).backend(CachePlace("s3", "main", details=details), 60)
    with pytest.raises(RegistryError, match="does not exist"):
        cache.entries()


def test_a_server_without_conditions_is_written_all_the_same(bucket: S3Server) -> None:
    """It says 501 to ``If-Match``, as older ones do."""
    place = s3_source(f"s3://caches/x/?endpoint_url={bucket.url}&region=eu-west-1")
    made = Bucket("it", s3_store(place, None, ENVIRON), "")
    real = made._library

    class Older:
        """The library, before a server that knows no conditions."""

        def __getattr__(self, name: str) -> object:
            return getattr(real, name)

        def put(self, *args: object, **more: object) -> object:
            if "mode" in more:
                raise OSError("Server returned non-2xx status code: 501 Not Implemented")
            return real.put(*args, **more)

    made.__dict__["_library"] = Older()
    assert made.replace("older", b"one", None)
    assert made.replace("older", b"two", "etag")
    found = made.read("older", 10)
    assert found is not None
    assert found.data == b"two"


def test_an_object_that_is_larger_than_it_may_be_is_not_read(bucket: S3Server) -> None:
    place = s3_source(f"s3://caches/x/?endpoint_url={bucket.url}&region=eu-west-1")
    made = Bucket("it", s3_store(place, None, ENVIRON), "")
    made.write("large", b"x" * 100)
    with pytest.raises(ContentError, match="100 bytes"):
        made.read("large", 99)


def job(actions: ActionsServer, *scopes: tuple[str, int]) -> Caches:
    return Caches("gha", actions.environ(*scopes), ())


def test_a_pull_request_reads_its_base_and_writes_its_own(actions: ActionsServer) -> None:
    main, pull = job(actions), job(actions, (PULL, READS | WRITES), (MAIN, READS))
    main.put(b"a")
    main.backend().update(change(pack("a")))
    assert read(pull.backend()) == pack("a")
    assert pull.backend().has_blob(sha256_digest(b"a"))
    pull.put(b"a")  # it need not be sent
    pull.put(b"b")
    pull.backend().update(change(pack("b")))
    assert read(pull.backend()) == pack("a", "b")
    assert read(main.backend()) == pack("a")
    assert not main.backend().has_blob(sha256_digest(b"b"))
    blobs = [each.branch for each in actions.kept if sha256_digest(b"a") in each.key]
    assert blobs == [MAIN]


def test_scopes_are_caches_of_their_own(actions: ActionsServer) -> None:
    main = job(actions)
    main.backend("one").update(change(pack("a")))
    assert main.backend("on").entries() == []
    assert main.backend("one#1").entries() == []


def test_a_token_that_may_only_read_writes_nothing(actions: ActionsServer) -> None:
    reader = job(actions, (MAIN, READS))
    assert reader.backend().entries() == []
    with pytest.raises(AuthenticationError, match="may read caches, not write"):
        reader.put(b"a")
    with pytest.raises(AuthenticationError, match="may read caches, not write"):
        reader.backend().update(change(pack("a")))
    assert actions.kept == []


def test_numbers_whose_writer_was_killed_are_passed_over(actions: ActionsServer) -> None:
    main = job(actions)
    service = main.backend()._service  # type: ignore[attr-defined]
    main.backend().update(change(pack("a")))
    index = next(each.key for each in actions.kept if "index" in each.key)
    assert service.reserve(index.removesuffix("#1"), 2) is not None
    main.backend().update(change(pack("b")))
    assert read(main.backend()) == pack("a", "b")
    assert service.reserve(f"jettison-blob-1-{sha256_digest(b'z')}", 1) is not None
    blob = main.put(b"z")
    with main.blobs().open(blob) as stream:
        assert stream.read(5) == b"z"


def test_a_url_that_ended_is_asked_for_again(actions: ActionsServer) -> None:
    main = job(actions)
    data = os.urandom(3 << 20)
    blob = main.put(data)
    place = main.blobs()
    first = place.find  # type: ignore[attr-defined]
    asked: list[Digest] = []

    def ended(wanted: Digest) -> object:
        asked.append(wanted)
        actions.url_seconds = -1 if len(asked) == 1 else 600
        return first(wanted)

    place.find = ended  # type: ignore[attr-defined]
    with place.open(blob) as stream:
        assert b"".join(iter(lambda: stream.read(1 << 20), b"")) == data
    assert len(asked) == 2


def test_large_blobs_go_in_blocks(actions: ActionsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signed, "_BLOCK_BYTES", 1000)
    main = job(actions)
    data = os.urandom(12_345)
    blob = main.put(data)
    assert actions.seen.count("PUT blob") == 14
    with main.blobs().open(blob) as stream:
        assert b"".join(iter(lambda: stream.read(4096), b"")) == data


def test_a_layer_at_github_is_not_to_be_had_outside_of_its_jobs(actions: ActionsServer) -> None:
    source = job(actions).backend().source
    with pytest.raises(ImageNotFoundError, match="no job") as raised:
        CachePlaces({}).find(source)
    assert raised.value.hint == "build the image again"
    assert CachePlaces({}).is_elsewhere(CachePlace("gha", "main"))
    assert not CachePlaces(job(actions).environ).is_elsewhere(CachePlace("gha", "main"))


def test_a_token_without_branches_is_for_one_without_a_name() -> None:
    for token in ("opaque", "a.b.c", "a.e30.c", "", "a.eyJhYyI6ICJ4In0.c", "é.é.é"):
        assert [each.name for each in scopes_of(token)] == [""]
        assert scopes_of(token)[0].is_written


def test_records_have_their_keys(caches: Caches) -> None:
    caches.backend().update(change(pack("a")))
    (entry,) = caches.backend().entries()
    assert entry.may_hold(key("a"))
