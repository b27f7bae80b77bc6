"""Files of images in a registry: what is fetched for a question, and what stays of it."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jettison.api.build import build
from jettison.api.image_files import image_files
from jettison.api.images import list_images
from jettison.api.prune import prune
from jettison.api.request import BuildRequest
from jettison.api.session import Session
from jettison.cli.main import run
from jettison.cli.outputs import parse_output
from jettison.errors import ImageNotFoundError
from jettison.events import discard
from jettison.settings import Settings
from registry_server import RegistryServer

pytestmark = pytest.mark.needs_root

_LARGE_BYTES = 3_000_000


class Rig:
    """Images in a registry, and a store that nobody used."""

    def __init__(self, directory: Path, registry: RegistryServer, skopeo: str) -> None:
        self.directory = directory
        self.registry = registry
        context = directory / "context"
        (context / "etc").mkdir(parents=True)
        (context / "large").write_bytes(os.urandom(_LARGE_BYTES))
        (context / "etc/hosts").write_text("127.0.0.1 localhost\n")
        (context / "etc/link").symlink_to("../large")
        (context / "Dockerfile").write_text("FROM scratch\nCOPY large /large\nCOPY etc /etc\n")
        for form in ("gzip", "estargz"):
            text = f"type=registry,name={self.name(form)},compression={form},force-compression=true"
            request = BuildRequest(str(context), outputs=(parse_output(text),), checks="none")
            with self.session("builder") as session:
                build(session, request, discard)
        command = [skopeo, "copy", "--src-tls-verify=false", "--dest-tls-verify=false"]
        command += ["--dest-compress-format=zstd:chunked", "-q"]
        names = [f"docker://{self.name(form)}" for form in ("gzip", "zstd-chunked")]
        subprocess.run([*command, *names], check=True)

    def name(self, tag: str) -> str:
        return f"{self.registry.host}/team-{tag}/files:1"

    def session(self, store: str) -> Session:
        settings = Settings(root=str(self.directory / store), ca_bundle="none")
        return Session.open(settings, {"HOME": str(self.directory)})

    def fetched(self, since: int) -> int:
        """Return the bytes of blobs that were sent since then."""
        requests = self.registry.requests()[since:]
        return sum(
            each.size for each in requests if each.method == "GET" and "/blobs/" in each.path
        )


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory, need: Callable[[str], str]) -> Iterator[Rig]:
    directory = tmp_path_factory.mktemp("files")
    with RegistryServer(directory / "registry") as registry:
        yield Rig(directory, registry, need("skopeo"))


def forms() -> list[str]:
    return ["gzip", "estargz", "zstd-chunked"]


@pytest.mark.parametrize("form", forms())
def test_an_image_is_looked_into_and_is_none_of_the_store(rig: Rig, form: str) -> None:
    with rig.session(f"looks-{form}") as session:
        since = len(rig.registry.requests())
        with image_files(session, rig.name(form)) as found:
            paths = [each.path for each in found.files([])]
            assert paths == ["/etc", "/etc/hosts", "/etc/link", "/large"]
        listing = rig.fetched(since)
        with image_files(session, rig.name(form), wanted=["/etc/hosts"]) as found:
            sink = io.BytesIO()
            found.copy(found.regular("/etc/hosts"), sink)
            assert sink.getvalue() == b"127.0.0.1 localhost\n"
        total = rig.fetched(since)
        assert list_images(session) == []
        if form == "gzip":  # each layer once, to its end: a digest says nothing before
            assert _LARGE_BYTES < total < 2 * _LARGE_BYTES
        else:
            assert total < 50_000
        assert listing <= total
        with image_files(session, rig.name(form), wanted=["/etc/link"]) as found:
            sink = io.BytesIO()
            found.copy(found.regular("/etc/link"), sink)
            assert sink.getvalue() == (rig.directory / "context/large").read_bytes()
    with rig.session(f"looks-{form}") as session:
        prune(session, scope="everything")
        assert list(session.store.blobs.all()) == []
        assert not list(session.store.snapshots.iterdir())


def test_a_file_of_the_top_layer_needs_no_other(rig: Rig) -> None:
    since = len(rig.registry.requests())
    with (
        rig.session("top") as session,
        image_files(session, rig.name("gzip"), wanted=["/etc/hosts"]) as found,
    ):
        assert found.regular("/etc/hosts") == "/etc/hosts"
    assert rig.fetched(since) < 50_000


def test_the_command_line_reads_names_with_ports_and_tags(
    rig: Rig, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    root = ["--root", str(rig.directory / "typed")]
    assert run([*root, "cat", f"{rig.name('gzip')}:/etc/hosts"]) == 0
    assert capfdbinary.readouterr().out == b"127.0.0.1 localhost\n"
    assert run([*root, "export", rig.name("zstd-chunked")]) == 0
    with tarfile.open(fileobj=io.BytesIO(capfdbinary.readouterr().out)) as archive:
        assert archive.getnames() == ["etc", "etc/hosts", "etc/link", "large"]
    assert run([*root, "images", "-q"]) == 0
    assert capfdbinary.readouterr().out == b""


def test_an_image_that_is_nowhere_is_an_error(rig: Rig) -> None:
    with (
        rig.session("none") as session,
        pytest.raises(ImageNotFoundError),
        image_files(session, rig.name("nothing")),
    ):
        pass
