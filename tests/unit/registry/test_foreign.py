"""Layers that are elsewhere than in a registry."""

from __future__ import annotations

import pytest

from jettison.errors import RegistryError
from jettison.oci.digest import sha256_digest
from jettison.oci.manifest import Descriptor
from jettison.registry.client import RegistryClient
from jettison.registry.credentials import Credentials
from jettison.registry.endpoint import RegistryHosts
from jettison.registry.foreign import open_foreign

DATA = bytes(range(200)) * 20


def blob(*urls: str) -> Descriptor:
    return Descriptor("application/x", sha256_digest(DATA), len(DATA), urls=urls)


def test_a_layer_that_the_registry_lacks_is_read_from_its_url_without_credentials(
    registry, transport, monkeypatch
):
    monkeypatch.setattr("jettison.registry.blob._PAUSE_SECONDS", 0)
    hosts = RegistryHosts(insecure=frozenset({registry.host}))
    client = RegistryClient(hosts, lambda _: Credentials("me", "secret"), transport)
    descriptor = blob(f"http://{registry.host}/gone", f"http://{registry.host}/layer")
    path = f"GET /v2/a/b/blobs/{descriptor.digest}"
    registry.give(path, 401, WWW_Authenticate="Basic realm=x")
    registry.give(path, 404)
    registry.give("GET /layer", body=DATA[:1000], Content_Length=str(len(DATA)))
    registry.give("GET /layer", 206, DATA[1000:], Content_Range=f"bytes 1000-{len(DATA) - 1}/*")
    with client.blob(registry.reference(), descriptor) as stream:
        assert b"".join(iter(lambda: stream.read(999), b"")) == DATA
    sent = [each.headers.get("authorization") for each in registry.asked if "/layer" in each.line]
    assert sent == [None, None]


def test_a_layer_that_nobody_has_is_told(registry, client_of):
    with pytest.raises(RegistryError, match="and so does where its image says that it is"):
        client_of().blob(registry.reference(), blob(f"http://{registry.host}/layer"))
    assert "GET /layer" not in registry.lines


@pytest.mark.parametrize(
    "url",
    [
        "http://h.example/layer",
        "https://127.0.0.1:1/layer",
        "https://0x7f.1/layer",
        "https://me:secret@h.example/layer",
        "file:///etc/passwd",
        "//h.example/layer",
        "",
    ],
)
def test_only_places_that_are_safe_to_ask_are_asked(url):
    class Nobody:
        def send(self, *_args: object, **_options: object) -> None:
            pytest.fail("it was asked")

    assert open_foreign(Nobody(), blob(url, *[url] * 5000), 0, ()) is None  # type: ignore[arg-type]


def test_the_first_urls_only_are_asked(registry, transport):
    urls = [f"http://{registry.host}/{number}" for number in range(50)]
    assert open_foreign(transport, blob(*urls), 0, [registry.host]) is None
    assert registry.lines == [f"GET /{number}" for number in range(4)]
