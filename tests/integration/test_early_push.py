"""Pushes: layers leave while the build runs, tags move last, all or none."""

from __future__ import annotations

import http.server
import os
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
import pytest

from image_rig import Rig, ignore
from jettison.api.build import build
from jettison.api.build_checks import check_settings
from jettison.api.early_push import early_uploads
from jettison.api.output import prepare_outputs
from jettison.api.request import BuildRequest
from jettison.api.session import Session
from jettison.api.transfer import push as push_image
from jettison.errors import ImageNotFoundError, JettisonError, RegistryError
from jettison.events import discard
from jettison.exporter.outputs import RegistryOutput
from jettison.oci.reference import parse_reference
from jettison.registry.client import RegistryClient
from jettison.registry.endpoint import RegistryHosts
from jettison.registry.transport import Transport
from jettison.settings import Settings
from registry_server import RegistryServer
from server_rig import serving

pytestmark = pytest.mark.needs_root


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    with RegistryServer(tmp_path_factory.mktemp("second")) as server:
        yield server


@pytest.fixture
def client() -> Iterator[RegistryClient]:
    with RegistryClient(
        RegistryHosts(), lambda _: None, Transport({}, backoff_seconds=0.01)
    ) as made:
        yield made


@contextmanager
def session_in(directory: Path) -> Iterator[Session]:
    settings = Settings(root=str(directory / "store"), ca_bundle="none")
    with Session.open(settings, {"HOME": str(directory)}) as session:
        yield session


def context(directory: Path, need: Callable[[str], str], ending: str) -> Path:
    made = directory / "context"
    made.mkdir(exist_ok=True)
    (made / "busybox").write_bytes(Path(need("busybox")).read_bytes())
    (made / "early").write_bytes(os.urandom(100_000))
    (made / "Dockerfile").write_text(f"""FROM scratch
COPY --chmod=755 busybox /bin/busybox
COPY early /early
RUN ["/bin/busybox", "sh", "-c", "/bin/busybox sleep 2; {ending}"]
""")
    return made


def uploads(server: RegistryServer, repository: str) -> list[str]:
    """Return the digests of blobs that were sent to a repository, in order."""
    found = []
    for each in server.requests():
        sent = re.search(r"digest=(sha256%3A|sha256:)([0-9a-f]{64})", each.path)
        if each.method == "PUT" and each.path.startswith(f"/v2/{repository}/blobs/") and sent:
            found.append(f"sha256:{sent[2]}")
    return found


def test_layers_leave_before_the_build_ends_and_a_failed_one_moves_no_tag(
    registry: RegistryServer, tmp_path: Path, need: Callable[[str], str], client: RegistryClient
) -> None:
    name = f"{registry.host}/early/failed:1"
    request = BuildRequest(
        str(context(tmp_path, need, "exit 3")), tags=(name,), push=True, checks="none"
    )
    with session_in(tmp_path) as session, pytest.raises(JettisonError, match="exit code: 3"):
        build(session, request, discard)
    assert len(uploads(registry, "early/failed")) == 2
    assert client.manifest(parse_reference(name)) is None


@pytest.mark.parametrize(
    "strict", [{"checks": "error"}, {"probe": "1s"}, {"gates": {"max-size": "9GB"}}]
)
def test_nothing_leaves_early_where_the_image_may_be_refused(
    registry: RegistryServer, tmp_path: Path, strict: dict[str, object]
) -> None:
    request = BuildRequest(str(tmp_path), tags=(f"{registry.host}/a:1",), push=True)
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    with session_in(tmp_path) as session, ExitStack() as resources:
        for asked, early in ((request, True), (msgspec.structs.replace(request, **strict), False)):
            outputs = prepare_outputs(session, asked)
            found = early_uploads(session, asked, outputs, check_settings(asked), resources)
            assert (found is not None) is early


def test_the_push_finds_what_left_early_and_sends_each_blob_once(
    registry: RegistryServer,
    second: RegistryServer,
    tmp_path: Path,
    need: Callable[[str], str],
    client: RegistryClient,
) -> None:
    names = tuple(f"{server.host}/early/app:1" for server in (registry, second))
    request = BuildRequest(str(context(tmp_path, need, ":")), tags=names, push=True, checks="none")
    with session_in(tmp_path) as session:
        result = build(session, request, discard)
        # What was tested in between is sent as it is: the very bytes.
        assert push_image(session, names[0], RegistryOutput(), discard) == result.manifest
        name = names[0].removesuffix(":1")
        for digest in (result.image_id, result.manifest):
            for form in (f"{name}@{digest}", f"{name}:tested@{digest}"):
                assert push_image(session, form, RegistryOutput(), discard) == result.manifest
        with pytest.raises(ImageNotFoundError):
            push_image(session, f"{name}@sha256:{'1' * 64}", RegistryOutput(), discard)
    tested = client.manifest(parse_reference(f"{name}:tested"))
    assert tested is not None
    assert tested.descriptor.digest == result.manifest
    assert client.manifest(parse_reference(f"{name}:latest")) is None
    for server, name in zip((registry, second), names, strict=True):
        sent = uploads(server, "early/app")
        assert len(sent) == len(set(sent)) == 4  # three layers, the config
        pulled = client.manifest(parse_reference(name))
        assert pulled is not None
        assert pulled.descriptor.digest == result.manifest


def refusing(
    path: str, server: RegistryServer
) -> Callable[[http.server.BaseHTTPRequestHandler], None]:
    """Answer as a registry that refuses one request, and otherwise is another one."""

    def respond(handler: http.server.BaseHTTPRequestHandler) -> None:
        size = int(handler.headers.get("Content-Length", 0))
        body = handler.rfile.read(size) if size else None
        if handler.command == "PUT" and handler.path.endswith(path):
            handler.send_response(403)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        headers = {k: v for k, v in handler.headers.items() if k != "Host"}
        headers["Host"] = handler.headers["Host"]
        asked = urllib.request.Request(
            f"http://{server.host}{handler.path}", body, headers, method=handler.command
        )
        try:
            answer = urllib.request.urlopen(asked, timeout=10)
        except urllib.error.HTTPError as error:
            answer = error
        data = answer.read()
        handler.send_response(answer.status)
        for key, value in answer.headers.items():
            if key.lower() not in {"transfer-encoding", "connection"}:
                handler.send_header(key, value)
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(data)

    return respond


def test_a_registry_that_refuses_leaves_the_tags_of_all_as_they_were(
    registry: RegistryServer, second: RegistryServer, tmp_path: Path, client: RegistryClient
) -> None:
    with serving(refusing("/manifests/1", second)) as bad:
        with Rig(tmp_path / "store", lambda: client) as rig:
            old, new = rig.image({"old": "1"}), rig.image({"new": "2"})
            good = f"{registry.host}/tags/app"
            before = rig.exporter("registry", "", f"{good}:0", f"{good}:1").export([old], ignore)
            exporter = rig.exporter("registry", "", f"{good}:0", f"{good}:1", f"{bad}/tags/app:1")
            with pytest.raises(RegistryError, match="does not allow"):
                exporter.export([new], ignore)
        for tag in ("0", "1"):
            found = client.manifest(parse_reference(f"{good}:{tag}"))
            assert found is not None
            assert found.descriptor.digest == before.manifest.digest
