"""Pushing to and pulling from a real registry, with and without authentication."""

from __future__ import annotations

import io
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from image_rig import AMD64, ARM64, Rig, ignore, read_tree
from jettison.errors import (
    AuthenticationError,
    ContentError,
    ImageNotFoundError,
    PlatformNotFoundError,
    RegistryError,
    RegistryUnavailableError,
)
from jettison.image.resolve import ImageResolver
from jettison.oci import mediatype
from jettison.oci.codec import encode
from jettison.oci.digest import Digest, sha256_digest
from jettison.oci.manifest import Descriptor, Manifest
from jettison.oci.reference import parse_reference
from jettison.registry.client import RegistryClient
from jettison.registry.credentials import Credentials, CredentialStore
from jettison.registry.endpoint import RegistryHosts
from jettison.registry.transport import Transport
from jettison.registry.upload import Uploaded, Uploader
from jettison.settings import Settings
from jettison.store.layer import image_layer_id
from registry_server import PASSWORD, USER, RegistryServer, free_port, needed
from server_rig import serving

FILES = {"hello": "world", "bin/tool": b"\x7fELF" + bytes(300_000), "link": "-> hello"}


def fast(hosts: RegistryHosts, credentials: Credentials | None = None) -> RegistryClient:
    return RegistryClient(hosts, lambda _: credentials, Transport({}, backoff_seconds=0.01))


@pytest.fixture
def client() -> Iterator[RegistryClient]:
    with fast(RegistryHosts()) as made:
        yield made


def push(rig: Rig, name: str, *images, **attributes: str):
    return rig.exporter("registry", "", name, **attributes).export(images, ignore)


def test_a_pushed_image_is_pulled_with_equal_files_and_digest(registry, client, tmp_path: Path):
    name = f"{registry.host}/team/app:1"
    with Rig(tmp_path / "a", lambda: client) as rig:
        image = rig.image(FILES, {"second": "layer"})
        result = push(rig, name, image)
    with Rig(tmp_path / "b", lambda: client) as rig:
        found = ImageResolver(rig.store, rig.client).resolve(name, AMD64)
        assert found.image.id == image.id
        assert found.image.manifest.digest == result.manifest.digest
        first, second = rig.blobs.materialise(tuple(x.layer for x in found.image.layers))
        assert read_tree(first)["bin/tool"] == FILES["bin/tool"]
        assert read_tree(second) == {"second": b"layer"}
        # A push of what was pulled keeps its digest and finds every blob there.
        again = push(rig, name, found.image)
        assert again.manifest.digest == result.manifest.digest


def test_resolving_fetches_no_layer(registry, client, tmp_path: Path):
    name = f"{registry.host}/lazy:1"
    with Rig(tmp_path / "a", lambda: client) as rig:
        push(rig, name, rig.image(FILES))
    with Rig(tmp_path / "b", lambda: client) as rig:
        found = ImageResolver(rig.store, rig.client).resolve(name, AMD64)
        layer = found.image.layers[0]
        assert rig.blobs.available(layer.layer)
        assert rig.layer_store.info(layer.layer) is None
        assert not any(rig.store.layers.find(layer.layer).blobs)


def test_what_was_pulled_is_resolved_without_the_registry(registry, client, tmp_path: Path):
    name = f"{registry.host}/offline:1"
    with Rig(tmp_path / "a", lambda: client) as rig:
        image = rig.image(FILES)
        push(rig, name, image)
    with Rig(tmp_path / "b", lambda: client) as rig:
        ImageResolver(rig.store, rig.client).resolve(name, AMD64)
        assert ImageResolver(rig.store, None).resolve(name, AMD64).image.id == image.id
    layer = image_layer_id(image.layers[0].diff_id)
    with Rig(tmp_path / "b") as offline, pytest.raises(ImageNotFoundError, match="offline"):
        offline.blobs.materialise((layer,))


def test_pull_by_digest_takes_exactly_that_manifest(registry, client, tmp_path: Path):
    name = f"{registry.host}/pinned"
    with Rig(tmp_path / "a", lambda: client) as rig:
        old = push(rig, f"{name}:1", rig.image(FILES))
        push(rig, f"{name}:1", rig.image({"other": "x"}))
    with Rig(tmp_path / "b", lambda: client) as rig:
        resolver = ImageResolver(rig.store, rig.client)
        found = resolver.resolve(f"{name}@{old.manifest.digest}", AMD64)
        assert found.image.manifest.digest == old.manifest.digest
        assert ImageResolver(rig.store, None).resolve(f"{name}@{old.manifest.digest}", AMD64)


def test_pull_true_notices_that_a_tag_moved(registry, client, tmp_path: Path):
    name = f"{registry.host}/moving:1"
    with Rig(tmp_path / "a", lambda: client) as a, Rig(tmp_path / "b", lambda: client) as b:
        push(a, name, a.image(FILES))
        old = ImageResolver(b.store, b.client).resolve(name, AMD64)
        new = a.image({"other": "x"})
        push(a, name, new)
        assert ImageResolver(b.store, b.client).resolve(name, AMD64).image.id == old.image.id
        assert ImageResolver(b.store, b.client).resolve(name, AMD64, pull=True).image.id == new.id


def test_an_index_serves_each_platform_its_image(registry, client, tmp_path: Path):
    name = f"{registry.host}/multi:1"
    with Rig(tmp_path / "a", lambda: client) as rig:
        images = [rig.image(FILES, platform=p) for p in (AMD64, ARM64)]
        result = push(rig, name, *images)
        assert result.manifest.media_type.endswith("index.v1+json")
    with Rig(tmp_path / "b", lambda: client) as rig:
        resolver = ImageResolver(rig.store, rig.client)
        for platform, image in zip((AMD64, ARM64), images, strict=True):
            assert resolver.resolve(name, platform).image.id == image.id
        # The name points at the last one; the other is still found, without the registry.
        assert ImageResolver(rig.store, None).resolve(name, AMD64).image.id == images[0].id
        with pytest.raises(PlatformNotFoundError, match=r"linux/amd64, linux/arm64"):
            resolver.resolve(name, type(AMD64)("s390x", "linux"))


def test_docker_media_types_are_pushed_when_asked_for(registry, client, tmp_path: Path):
    name = f"{registry.host}/docker-types:1"
    with Rig(tmp_path / "a", lambda: client) as rig:
        push(rig, name, rig.image(FILES), oci_mediatypes="false")
    with Rig(tmp_path / "b", lambda: client) as rig:
        found = ImageResolver(rig.store, rig.client).resolve(name, AMD64)
        assert (
            found.image.manifest.media_type
            == "application/vnd.docker.distribution.manifest.v2+json"
        )
        rig.blobs.materialise(tuple(x.layer for x in found.image.layers))


def test_skopeo_reads_what_was_pushed_and_its_copies_are_pulled(registry, client, tmp_path: Path):
    skopeo = needed("skopeo")
    name = f"{registry.host}/interop:1"
    with Rig(tmp_path / "a", lambda: client) as rig:
        image = rig.image(FILES)
        push(rig, name, image, compression="zstd")
    shown = subprocess.run(
        [skopeo, "inspect", "--tls-verify=false", f"docker://{name}"],
        capture_output=True,
        check=True,
    )
    assert json.loads(shown.stdout)["Architecture"] == "amd64"
    copy = f"{registry.host}/interop-copy:1"
    subprocess.run(
        [
            skopeo,
            "copy",
            "-q",
            "--src-tls-verify=false",
            "--dest-tls-verify=false",
            f"docker://{name}",
            f"docker://{copy}",
        ],
        check=True,
    )
    with Rig(tmp_path / "b", lambda: client) as rig:
        found = ImageResolver(rig.store, rig.client).resolve(copy, AMD64)
        (files,) = rig.blobs.materialise(tuple(x.layer for x in found.image.layers))
        assert read_tree(files)["hello"] == b"world"


def test_a_blob_is_found_mounted_or_sent(registry, client):
    data = b"blob of " + registry.host.encode()
    descriptor = Descriptor("application/octet-stream", sha256_digest(data), len(data))
    first = Uploader(client, parse_reference(f"{registry.host}/mount/one:x"))
    second = Uploader(client, parse_reference(f"{registry.host}/mount/two:x"))
    third = Uploader(client, parse_reference(f"{registry.host}/mount/three:x"))
    opened = []

    def open_blob():
        opened.append(1)
        return io.BytesIO(data)

    source = parse_reference(f"{registry.host}/mount/one:x")
    elsewhere = parse_reference(f"{registry.host}/mount/none:x")
    assert first.blob(descriptor, open_blob) is Uploaded.SENT
    assert first.blob(descriptor, open_blob) is Uploaded.EXISTED
    assert second.blob(descriptor, open_blob, mount_from=source) is Uploaded.MOUNTED
    assert opened == [1]
    assert third.blob(descriptor, open_blob, mount_from=elsewhere) is Uploaded.SENT


def test_layers_pulled_from_the_same_registry_are_pushed_without_a_download(
    registry, client, tmp_path: Path
):
    source, target = f"{registry.host}/base:1", f"{registry.host}/derived:1"
    with Rig(tmp_path / "a", lambda: client) as rig:
        push(rig, source, rig.image(FILES))
    with Rig(tmp_path / "b", lambda: client) as rig:
        found = ImageResolver(rig.store, rig.client).resolve(source, AMD64)
        push(rig, target, found.image)
        assert not rig.store.blobs.has(
            rig.store.layers.find(found.image.layers[0].layer).remote.descriptor.digest
        )
        assert client.manifest(parse_reference(target)) is not None


def test_tags_are_listed(registry, client, tmp_path: Path):
    with Rig(tmp_path / "a", lambda: client) as rig:
        image = rig.image(FILES)
        for tag in ("1", "2", "latest"):
            push(rig, f"{registry.host}/tagged:{tag}", image)
    assert sorted(client.tags(parse_reference(f"{registry.host}/tagged"))) == ["1", "2", "latest"]


def test_an_unknown_image_is_not_found(registry, client, tmp_path: Path):
    with (
        Rig(tmp_path / "a", lambda: client) as rig,
        pytest.raises(ImageNotFoundError, match="neither"),
    ):
        ImageResolver(rig.store, rig.client).resolve(f"{registry.host}/no/such:1", AMD64)


def test_a_registry_that_is_not_there_is_told_with_ways_out(tmp_path: Path):
    with fast(RegistryHosts()) as client, Rig(tmp_path / "a", lambda: client) as rig:
        name = f"127.0.0.1:{free_port()}/app:1"
        resolver = ImageResolver(rig.store, rig.client)
        with pytest.raises(ImageNotFoundError, match="connection refused") as raised:
            resolver.resolve(name, AMD64)
        assert "jettison load" in raised.value.hint
        assert "oci-layout://" in raised.value.hint
        with pytest.raises(RegistryUnavailableError):
            resolver.resolve(name, AMD64, pull=True)


def test_basic_credentials_are_needed_and_checked(basic_registry, tmp_path: Path):
    name = f"{basic_registry.host}/private:1"
    good = Credentials(USER, PASSWORD)
    with fast(RegistryHosts(), good) as client, Rig(tmp_path / "a", lambda: client) as rig:
        push(rig, name, rig.image(FILES))
        client.check(basic_registry.host, good)
        with pytest.raises(AuthenticationError, match="does not accept") as raised:
            client.check(basic_registry.host, Credentials(USER, "wrong-secret"))
        assert "wrong-secret" not in str(raised.value)
    with (
        fast(RegistryHosts()) as client,
        Rig(tmp_path / "b", lambda: client) as rig,
        pytest.raises(AuthenticationError) as raised,
    ):
        ImageResolver(rig.store, rig.client).resolve(name, AMD64)
    assert raised.value.hint == f"run `jettison login {basic_registry.host}`"


def test_a_login_is_what_pulls_use(basic_registry, tmp_path: Path):
    environ = {"DOCKER_CONFIG": str(tmp_path), "HOME": str(tmp_path)}
    CredentialStore.of_user(environ).put(basic_registry.host, Credentials(USER, PASSWORD))
    with (
        RegistryClient.of_user(Settings(), environ) as client,
        Rig(tmp_path / "a", lambda: client) as rig,
    ):
        push(rig, f"{basic_registry.host}/login:1", rig.image(FILES))


def test_bearer_tokens_are_fetched_by_scope_and_kept(
    bearer_registry: RegistryServer, tmp_path: Path
):
    name = f"{bearer_registry.host}/team/secret:1"
    tokens = bearer_registry.tokens
    with (
        fast(RegistryHosts(), Credentials(USER, PASSWORD)) as client,
        Rig(tmp_path / "a", lambda: client) as rig,
    ):
        push(rig, name, rig.image(FILES))
        before = len(tokens.requests)
        assert client.resolve(parse_reference(name)) is not None
        assert client.manifest(parse_reference(name)) is not None
        # One token for the pull scope, however many requests.
        assert len(tokens.requests) == before + 1
        assert "scope=repository%3Ateam%2Fsecret%3Apull" in tokens.requests[-1][1]


def test_an_identity_token_buys_access_tokens(bearer_registry, tmp_path: Path):
    name = f"{bearer_registry.host}/team/identity:1"
    credentials = Credentials(identity_token="the-identity-token")
    with fast(RegistryHosts(), credentials) as client, Rig(tmp_path / "a", lambda: client) as rig:
        push(rig, name, rig.image(FILES))
        assert {method for method, _ in bearer_registry.tokens.requests} == {"POST"}


def test_anonymous_tokens_pull_but_do_not_push(bearer_registry, tmp_path: Path):
    name = f"{bearer_registry.host}/team/public:1"
    bearer_registry.tokens.anonymous_pull = True
    with (
        fast(RegistryHosts(), Credentials(USER, PASSWORD)) as client,
        Rig(tmp_path / "a", lambda: client) as rig,
    ):
        push(rig, name, rig.image(FILES))
    with fast(RegistryHosts()) as client, Rig(tmp_path / "b", lambda: client) as rig:
        found = ImageResolver(rig.store, rig.client).resolve(name, AMD64)
        with pytest.raises(AuthenticationError, match="push to"):
            push(rig, f"{bearer_registry.host}/team/public:2", found.image)


def test_wrong_credentials_for_tokens_are_told(bearer_registry):
    with (
        fast(RegistryHosts(), Credentials(USER, "no")) as client,
        pytest.raises(AuthenticationError),
    ):
        client.manifest(parse_reference(f"{bearer_registry.host}/team/secret:1"))


def test_a_mirror_is_asked_first_and_the_registry_when_it_lacks_the_image(registry, tmp_path: Path):
    with fast(RegistryHosts()) as client, Rig(tmp_path / "a", lambda: client) as rig:
        image = rig.image(FILES)
        push(rig, f"{registry.host}/library/mirrored:1", image)
    hosts = RegistryHosts(mirrors=(f"http://127.0.0.1:{free_port()}", f"http://{registry.host}"))
    with fast(hosts) as client, Rig(tmp_path / "b", lambda: client) as rig:
        found = ImageResolver(rig.store, rig.client).resolve("mirrored:1", AMD64)
        assert found.image.id == image.id
        assert rig.store.images.lookup("docker.io/library/mirrored:1") is not None
        rig.blobs.materialise(tuple(x.layer for x in found.image.layers))


# A server that misbehaves in ways a real registry is hard to bring to.


def reply(
    handler, status: int, body: bytes = b"", length: int | None = None, **headers: str
) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body) if length is None else length))
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(body)


def read_blob(client: RegistryClient, host: str, data: bytes, size: int | None = None) -> bytes:
    descriptor = Descriptor("", sha256_digest(data), len(data) if size is None else size)
    with client.blob(parse_reference(f"{host}/x"), descriptor) as stream:
        return b"".join(iter(lambda: stream.read(1000), b""))


def test_a_broken_download_goes_on_where_it_broke(client):
    data = bytes(range(256)) * 100
    ranges = []

    def respond(handler) -> None:
        if handler.path == "/v2/":
            return reply(handler, 200)
        wanted = handler.headers.get("Range")
        ranges.append(wanted)
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        part = data[start : start + 10_000]
        handler.close_connection = True
        status = 206 if wanted else 200
        reply(handler, status, part, length=len(data) - start)
        return None

    with serving(respond) as host:
        assert read_blob(client, host, data) == data
    assert ranges == [None, "bytes=10000-", "bytes=20000-"]


def test_a_layer_is_unpacked_while_the_rest_of_it_still_arrives(client, tmp_path: Path):
    """The server sends the end of a layer only when the files of its beginning are there."""
    sizes = {"a": 2_000_000, "b": 3_000_000}
    with Rig(tmp_path / "a") as source:
        image = source.image({name: os.urandom(size) for name, size in sizes.items()})
        layer = source.blobs.blob(image.layers[0].layer)
        blob = source.store.blobs.read(layer.digest, limit=layer.size)
    config = Descriptor(mediatype.OCI_CONFIG, image.id, len(image.config))
    manifest = encode(Manifest(config=config, layers=(layer,)))
    held: list[str] = []

    def begun() -> bool:
        return any(
            path.stat().st_size == sizes["a"] for path in (tmp_path / "b").glob("tmp/*/*/fs/a")
        )

    def respond(handler) -> None:
        if "/manifests/" in handler.path:
            reply(handler, 200, manifest, Content_Type=mediatype.OCI_MANIFEST)
        elif handler.path.endswith(image.id):
            reply(handler, 200, image.config)
        elif handler.path.endswith(layer.digest) and handler.command == "GET":
            reply(handler, 200, blob[:-500_000], length=len(blob))
            end = time.monotonic() + 20
            while not begun() and time.monotonic() < end:
                time.sleep(0.01)
            held.append("unpacked" if begun() else "waited in vain")
            handler.wfile.write(blob[-500_000:])
        else:
            reply(handler, 200)

    with serving(respond) as host, Rig(tmp_path / "b", lambda: client) as rig:
        found = ImageResolver(rig.store, rig.client).resolve(f"{host}/x:1", AMD64)
        (directory,) = rig.blobs.materialise(tuple(each.layer for each in found.image.layers))
        assert {path.name: path.stat().st_size for path in directory.iterdir()} == sizes
    assert held == ["unpacked"]


def test_a_server_without_ranges_is_read_again_from_the_start(client):
    data = bytes(range(256)) * 100
    answers = iter([10_000, len(data)])

    def respond(handler) -> None:
        if handler.path == "/v2/":
            return reply(handler, 200)
        size = next(answers)
        handler.close_connection = True
        reply(handler, 200, data[:size], length=len(data))
        return None

    with serving(respond) as host:
        assert read_blob(client, host, data) == data


def test_a_blob_longer_than_its_descriptor_is_cut_off(client):
    def respond(handler) -> None:
        reply(handler, 200, b"x" * 100_000)

    with serving(respond) as host, pytest.raises(ContentError, match="larger than its 10 bytes"):
        read_blob(client, host, b"x" * 10)


def test_server_errors_are_tried_again(client):
    statuses = iter([503, 429, 500])

    def respond(handler) -> None:
        if handler.path == "/v2/":
            return reply(handler, 200)
        status = next(statuses, 200)
        reply(handler, status, b"data" if status == 200 else b"")
        return None

    with serving(respond) as host:
        assert read_blob(client, host, b"data") == b"data"


def test_an_error_that_stays_is_told(client):
    def respond(handler) -> None:
        if handler.path == "/v2/":
            return reply(handler, 200)
        reply(handler, 503, b'{"errors":[{"code":"X","message":"on \\u001b[31mholiday"}]}')
        return None

    with (
        serving(respond) as host,
        pytest.raises(RegistryUnavailableError, match=r"on \[31mholiday"),
    ):
        read_blob(client, host, b"data")


def test_credentials_are_not_sent_to_another_host():
    seen = {}

    def storage(handler) -> None:
        seen["storage"] = handler.headers.get("Authorization")
        reply(handler, 200, b"data")

    with serving(storage) as other:

        def registry(handler) -> None:
            given = handler.headers.get("Authorization")
            if given is None:
                return reply(handler, 401, WWW_Authenticate='Basic realm="x"')
            seen["registry"] = given
            reply(handler, 307, Location=f"http://{other}/signed?token=s3cret")
            return None

        with serving(registry) as host, fast(RegistryHosts(), Credentials("u", "p")) as client:
            assert read_blob(client, host, b"data") == b"data"
    assert seen["registry"].startswith("Basic ")
    assert seen["storage"] is None


def test_a_manifest_with_another_digest_is_refused(client):
    def respond(handler) -> None:
        reply(handler, 200, b"{}", Content_Type="application/vnd.oci.image.manifest.v1+json")

    digest = Digest("sha256:" + "0" * 64)
    with serving(respond) as host, pytest.raises(ContentError, match="expected `sha256:000"):
        client.manifest(parse_reference(f"{host}/x@{digest}"))


def test_a_huge_manifest_is_refused_without_reading_it(client):
    def respond(handler) -> None:
        if handler.path == "/v2/":
            return reply(handler, 200)
        handler.close_connection = True
        try:
            reply(handler, 200, b" " * (6 << 20))
        except OSError:
            return None

    with serving(respond) as host, pytest.raises(RegistryError, match="larger than 4194304"):
        client.manifest(parse_reference(f"{host}/x:1"))


def test_a_redirect_loop_ends(client):
    def respond(handler) -> None:
        if handler.path == "/v2/":
            return reply(handler, 200)
        reply(handler, 302, Location=handler.path)
        return None

    with serving(respond) as host, pytest.raises(RegistryError, match="redirects too often"):
        read_blob(client, host, b"data")


@pytest.mark.parametrize(
    "realm",
    [
        "http://collector.example/token",
        "http://127.0.0.1:1@collector.example/token",
        "http://localhost\\@collector.example/token",
        "https://127.0.0.1:1@collector.example/token",
        "ftp://collector.example/token",
        "//collector.example/token",
        "",
    ],
)
def test_a_token_server_that_is_not_safe_gets_no_credentials(realm):
    def respond(handler) -> None:
        reply(handler, 401, WWW_Authenticate=f'Bearer realm="{realm}"'.replace("\\", "\\\\"))

    with serving(respond) as host, fast(RegistryHosts(), Credentials("u", "p")) as client:
        assert client.hosts.endpoint(host).insecure
        asked: list[str] = []
        pool = Transport._pool

        def spy(self, url, insecure):
            asked.append(url.host)
            return pool(self, url, insecure)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Transport, "_pool", spy)
            with pytest.raises(AuthenticationError, match=r"not safe to ask|cannot be asked"):
                client.tags(parse_reference(f"{host}/a/b"))
    assert set(asked) == {"127.0.0.1"}


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/octet-stream"])
@pytest.mark.parametrize("what", ["manifest", "tags", "resolve"])
def test_a_web_page_where_a_document_should_be_is_told(kind: str, what: str) -> None:
    def respond(handler) -> None:
        data = b"\n<!DOCTYPE html><title>Sign in</title>"
        handler.send_response(200)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(data)

    with serving(respond) as host, fast(RegistryHosts()) as client:
        reference = parse_reference(f"{host}/a/b:1")
        with pytest.raises(RegistryError, match="answers with a web page") as raised:
            getattr(client, what)(reference)
    assert host in str(raised.value)
    assert "login page" in raised.value.hint


def test_an_upload_that_breaks_is_begun_anew(client):
    data = bytes(range(256)) * 1000
    got: list[tuple[str, bytes]] = []

    def respond(handler) -> None:
        if handler.command == "HEAD":
            return reply(handler, 404)
        if handler.command == "POST":
            return reply(handler, 202, Location=f"/v2/x/blobs/uploads/{len(got)}?state=s")
        if handler.command == "PUT":
            body = handler.rfile.read(int(handler.headers["Content-Length"]))
            got.append((handler.path, body))
            return reply(handler, 201 if len(got) == 3 else 503)
        return reply(handler, 200)

    descriptor = Descriptor("", sha256_digest(data), len(data))
    told = []
    with serving(respond) as host:
        uploader = Uploader(client, parse_reference(f"{host}/x"))
        sent = uploader.blob(
            descriptor, lambda: io.BytesIO(data), report=lambda *each: told.append(each)
        )
    assert sent is Uploaded.SENT
    quoted = descriptor.digest.replace(":", "%3A")
    assert [path for path, _ in got] == [
        f"/v2/x/blobs/uploads/{n}?state=s&digest={quoted}" for n in range(3)
    ]
    assert all(body == data for _, body in got)
    assert told[-1] == (descriptor.digest, len(data), len(data))
