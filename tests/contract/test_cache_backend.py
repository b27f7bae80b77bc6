"""What every place that holds a cache promises, tried on all of them: real servers, but for GitHub's."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from actions_server import ActionsServer
from cache_rig import digest, key, pack, record
from jettison.errors import ExportError, JettisonError
from jettison.oci.codec import encode
from jettison.oci.config import ImageConfig
from jettison.oci.digest import Digest
from jettison.oci.manifest import Descriptor, Manifest
from jettison.oci.mediatype import OCI_CONFIG, OCI_MANIFEST
from jettison.oci.reference import parse_reference
from jettison.registry.client import RegistryClient
from jettison.registry.upload import Uploader
from jettison.remote import actions_cache, objects, registry
from jettison.remote.backend import CacheBackend, Change
from jettison.remote.index import MadePack, PackEntry, add_pack, make_pack
from jettison.remote.local import LocalCache
from jettison.remote.place import CachePlace
from jettison.remote.places import CachePlaces
from jettison.remote.reader import CacheReader
from jettison.remote.record import Pack
from jettison.remote.registry import RegistryCache
from jettison.settings import Settings
from registry_server import RegistryServer
from s3_server import ENVIRON, S3Server

KINDS = ("local", "registry", "s3", "gha")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    with RegistryServer(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture(scope="module")
def client() -> Iterator[RegistryClient]:
    with RegistryClient.of_user(Settings(), {}) as made:
        yield made


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with S3Server(tmp_path_factory.mktemp("s3")) as running:
        yield running


@pytest.fixture(scope="module")
def actions() -> Iterator[ActionsServer]:
    with ActionsServer() as running:
        yield running


Open = Callable[[], CacheBackend]


@pytest.fixture(autouse=True)
def short_waits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else writes, but in the test about that."""
    if "at_the_same_time" not in request.node.name:
        monkeypatch.setattr(registry, "_PAUSE_SECONDS", 0.0)
        monkeypatch.setattr(registry, "_PATIENCE", 0)
    monkeypatch.setattr(objects, "_PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(actions_cache, "_PAUSE_SECONDS", 0.02)


@pytest.fixture(params=KINDS)
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """A function that opens the same cache anew, as another builder would."""
    name = hashlib.sha256(str(tmp_path).encode()).hexdigest()[:12]
    match request.param:
        case "local":
            return lambda: LocalCache(str(tmp_path / "cache"), "latest")
        case "registry":
            server: RegistryServer = request.getfixturevalue("server")
            reference = parse_reference(f"{server.host}/test/{name}:cache")
            return lambda: RegistryCache(reference, lambda: request.getfixturevalue("client"))
        case "s3":
            bucket: S3Server = request.getfixturevalue("bucket")
            details = (("endpoint_url", bucket.url), ("prefix", name + "/"))
            at, environ = CachePlace("s3", "main", details=details), ENVIRON
        case _:
            at = CachePlace("gha", name)
            environ = request.getfixturevalue("actions").environ()
    places = CachePlaces(environ)
    return lambda: places.backend(at, 3600)


def put(cache: CacheBackend, made: Pack, tmp_path: Path) -> None:
    """Write a pack with the blobs that it names: the names of the steps."""
    for each in made.records.values():
        path = tmp_path / "blob"
        path.write_text(each.name.removeprefix("RUN "))
        cache.put_blob(each.descriptor, lambda path=path: path.open("rb"))
    reader = CacheReader("it", cache, seconds=9, warn=lambda _: None, begin=False)
    cache.update(lambda entries: add_pack(made, entries, reader.pack))


def read(cache: CacheBackend) -> Pack:
    whole = Pack()
    for entry in reversed(cache.entries()):
        whole = cache.read(entry).over(whole)
    return whole


def test_there_is_none_at_first(opened: Open) -> None:
    assert opened().entries() == []


def test_what_one_writes_another_reads(opened: Open, tmp_path: Path) -> None:
    put(opened(), pack("a"), tmp_path)
    put(opened(), pack("b"), tmp_path)
    assert read(opened()) == pack("a", "b")
    assert opened().has_blob(digest("a"))
    assert not opened().has_blob(digest("z"))


def test_what_is_newer_holds(opened: Open, tmp_path: Path) -> None:
    put(opened(), pack("a"), tmp_path)
    newer = record("a", used_s=7)
    put(opened(), Pack({key("a"): newer}), tmp_path)
    assert read(opened()).records[key("a")] == newer


def test_records_are_verified_by_their_digest(opened: Open, tmp_path: Path) -> None:
    put(opened(), pack("a"), tmp_path)
    (entry,) = opened().entries()
    other = Descriptor(entry.records.media_type, digest("a"), 1)
    with pytest.raises(JettisonError):
        opened().read(PackEntry(entry.manifest, other, None, 1, 1))


def test_nothing_is_written_when_nothing_is_new(opened: Open, tmp_path: Path) -> None:
    put(opened(), pack("a"), tmp_path)
    before = opened().entries()
    opened().update(lambda _entries: None)
    assert opened().entries() == before


def test_builders_that_write_at_the_same_time_lose_nothing(opened: Open, tmp_path: Path) -> None:
    names = [f"n{number}" for number in range(3)]
    for name in names:
        put(opened(), Pack(pack(name).records), tmp_path)
    failed: list[BaseException] = []

    def build(name: str) -> None:
        try:
            cache = opened()
            reader = CacheReader("it", cache, seconds=9, warn=lambda _: None, begin=False)
            added = Pack(answers=pack(name).answers)
            cache.update(lambda entries: add_pack(added, entries, reader.pack))
        except BaseException as error:  # noqa: BLE001 - asserted below
            failed.append(error)

    threads = [threading.Thread(target=build, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert read(opened()) == pack(*names)


def test_a_reader_reads_the_packs_that_may_have_a_key_and_no_others(
    opened: Open, tmp_path: Path
) -> None:
    def alone(made: Pack) -> Change:
        def change(entries: Sequence[PackEntry]) -> tuple[MadePack, list[PackEntry]]:
            new = make_pack(made)
            return new, [new.entry, *entries]

        return change

    for name in ("a", "b", "c"):
        put(opened(), Pack(pack(name).records), tmp_path)
        opened().update(alone(pack(name)))
    cache, asked = opened(), []
    whole = cache.read
    cache.read = lambda entry: asked.append(entry) or whole(entry)  # type: ignore[method-assign,func-returns-value]
    said: list[str] = []
    reader = CacheReader("it", cache, seconds=9, warn=said.append)
    assert reader.find(Digest("sha256:" + key("z").hex())) is None
    assert asked == []
    found = reader.find(Digest("sha256:" + key("a").hex()))
    assert found is not None
    assert found.key == key("a")
    assert len(asked) < len(cache.entries())
    assert said == []


def test_an_image_is_not_replaced_by_a_cache(
    server: RegistryServer, client: RegistryClient
) -> None:
    reference = parse_reference(f"{server.host}/test/image:1")
    config = encode(ImageConfig("amd64", "linux"))
    named = Descriptor(
        OCI_CONFIG, Digest("sha256:" + hashlib.sha256(config).hexdigest()), len(config)
    )
    uploader = Uploader(client, reference)
    uploader.blob(named, lambda: io.BytesIO(config))
    data = encode(Manifest(config=named, layers=(), media_type=OCI_MANIFEST))
    uploader.manifest("1", OCI_MANIFEST, data)
    cache = RegistryCache(reference, lambda: client)
    with pytest.raises(ExportError, match="is an image"):
        cache.update(lambda entries: add_pack(Pack(answers=pack("a").answers), entries, cache.read))
    assert client.manifest(reference).data == data  # type: ignore[union-attr]
