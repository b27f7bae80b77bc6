"""A registry that wants a password and a client's certificate, behind an authority of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fault_proxy import FaultProxy
from image_rig import AMD64, Rig, ignore, read_tree
from jettison.errors import AuthenticationError, RegistryUnavailableError
from jettison.image.resolve import ImageResolver
from jettison.oci.reference import parse_reference
from jettison.registry.client import RegistryClient
from jettison.registry.credentials import Credentials, CredentialStore
from jettison.registry.endpoint import Endpoint
from jettison.settings import Settings
from registry_server import PASSWORD, USER, RegistryServer, certificate

FILES = {"hello": "world"}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("keys")
    for name in ("server", "client"):
        certificate(directory / name, name)
    return directory


@pytest.fixture
def proxy(basic_registry: RegistryServer, keys: Path) -> Iterator[FaultProxy]:
    with FaultProxy(basic_registry.host, keys / "server", keys / "client/tls.crt") as made:
        yield made


@pytest.fixture(autouse=True)
def this_machine_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Registries of this machine are spoken to without checks otherwise."""
    monkeypatch.setattr(Endpoint, "is_loopback", False)


@pytest.fixture
def environ(tmp_path: Path, proxy: FaultProxy) -> dict[str, str]:
    """The variables of a user who has logged in."""
    found = {"HOME": str(tmp_path)}
    CredentialStore.of_user(found).put(proxy.host, Credentials(USER, PASSWORD))
    return found


def trust(environ: dict[str, str], proxy: FaultProxy, **files: Path) -> None:
    """Put files into the user's ``certs.d``: ``ca_crt`` as ``ca.crt``."""
    directory = Path(environ["HOME"]) / ".config/containers/certs.d" / proxy.host
    directory.mkdir(parents=True, exist_ok=True)
    for name, source in files.items():
        (directory / name.replace("_", ".")).write_bytes(source.read_bytes())


def resolve(environ: dict[str, str], proxy: FaultProxy) -> None:
    with RegistryClient.of_user(Settings(), environ) as client:
        client.resolve(parse_reference(f"{proxy.host}/none:1"))


def test_an_unknown_authority_is_told_with_the_place_for_it(proxy, environ):
    with pytest.raises(RegistryUnavailableError, match="TLS fails: self-signed") as raised:
        resolve(environ, proxy)
    assert f"/etc/docker/certs.d/{proxy.host}/ca.crt" in raised.value.hint


def test_a_certificate_that_the_client_lacks_is_told(proxy, environ, keys):
    trust(environ, proxy, ca_crt=keys / "server/tls.crt")
    with pytest.raises(RegistryUnavailableError, match="TLS fails") as raised:
        resolve(environ, proxy)
    assert f"`client.cert` and `client.key` into `/etc/docker/certs.d/{proxy.host}`" in (
        raised.value.hint or ""
    )


def test_images_go_there_and_back_with_both_certificates_and_the_password(
    proxy, environ, keys, tmp_path: Path
):
    client_pair = {"client_cert": keys / "client/tls.crt", "client_key": keys / "client/tls.key"}
    trust(environ, proxy, ca_crt=keys / "server/tls.crt", **client_pair)
    name = f"{proxy.host}/tls/app:1"
    with RegistryClient.of_user(Settings(), environ) as client:
        with Rig(tmp_path / "a", lambda: client) as rig:
            pushed = rig.exporter("registry", "", name).export([rig.image(FILES)], ignore)
        with Rig(tmp_path / "b", lambda: client) as rig:
            found = ImageResolver(rig.store, rig.client).resolve(name, AMD64)
            assert found.image.manifest.digest == pushed.manifest.digest
            (files,) = rig.blobs.materialise(tuple(each.layer for each in found.image.layers))
            assert read_tree(files) == {"hello": b"world"}
    CredentialStore.of_user(environ).put(proxy.host, Credentials(USER, "wrong"))
    with pytest.raises(AuthenticationError, match="does not accept the credentials"):
        resolve(environ, proxy)
