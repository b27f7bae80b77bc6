"""Images copied between registries, layouts, archives and the store: the same digests everywhere."""

from __future__ import annotations

import io
import itertools
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fault_proxy import FaultProxy
from image_rig import AMD64, ARM64, LayoutFiles, Rig
from jettison.api.copy import CopyRequest, copy
from jettison.api.manifest import find_manifest
from jettison.api.manifest_lists import (
    Annotated,
    add_to_list,
    annotate_list,
    create_list,
    has_list,
    push_list,
    remove_from_list,
    remove_lists,
)
from jettison.api.prune import prune
from jettison.api.session import Session
from jettison.errors import (
    AuthenticationError,
    ExportError,
    ImageNotFoundError,
    JettisonError,
    UsageError,
)
from jettison.image.referrers import all_referrers, attach
from jettison.oci import mediatype
from jettison.oci.codec import decode
from jettison.oci.digest import Digest, sha256_digest
from jettison.oci.manifest import Descriptor, Index, Manifest
from jettison.oci.reference import parse_reference
from jettison.registry.credentials import Credentials, CredentialStore
from jettison.registry.endpoint import Endpoint
from jettison.registry.upload import Uploader
from jettison.settings import load_settings
from registry_server import PASSWORD, USER, RegistryServer, certificate, needed

MULTI = "docker.io/library/multi:latest"
Opened = Callable[[str], Session]


def ignore(_event: object) -> None:
    """Take events."""


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    """Open sessions with stores of their own."""
    sessions: list[Session] = []

    def open_session(name: str) -> Session:
        environ = {"HOME": str(tmp_path / "home"), "PATH": "/usr/bin:/bin"}
        settings = load_settings(environ, root=str(tmp_path / name))
        sessions.append(Session.open(settings, environ).__enter__())
        return sessions[-1]

    yield open_session
    for each in sessions:
        each.__exit__(None, None, None)


@pytest.fixture
def session(tmp_path: Path, opened: Opened) -> Session:
    """A session whose store has an image for two platforms."""
    with Rig(tmp_path / "store") as rig:
        one = rig.image({"hello": "amd", "same": "s" * 5000}, {"two": "2"})
        two = rig.image({"hello": "arm", "same": "s" * 5000}, platform=ARM64)
        rig.store.images.tag(MULTI, one.id, [one.id, two.id])
    return opened("store")


def copied(session: Session, source: str, target: str, **wanted: object) -> Digest:
    return copy(session, CopyRequest(source, target, **wanted), ignore).digest  # type: ignore[arg-type]


def raw(session: Session, name: str) -> bytes:
    found = session.registry().manifest(parse_reference(name))
    assert found is not None
    return found.data


def test_an_index_goes_round_all_places_with_its_digest(
    session: Session, registry: RegistryServer, tmp_path: Path, opened: Opened
) -> None:
    host = registry.host
    way = [
        "store:multi",
        f"docker://{host}/copy/round:1",
        f"{host}/copy/other:1",
        f"oci:{tmp_path}/layout:name",
        f"oci-archive:{tmp_path}/archive.tar:name",
        "store:back",
        f"docker://{host}/copy/again:1",
        f"oci:{tmp_path}/unnamed",
        f"docker://{host}/copy/last:1",
    ]
    digests = {
        copied(session, source, target, everything=True)
        for source, target in itertools.pairwise(way)
    }
    assert len(digests) == 1
    assert sha256_digest(raw(session, f"{host}/copy/last:1")) in digests
    other = opened("other")
    assert copied(other, f"{host}/copy/last:1", "store:pulled", everything=True) in digests
    names = [each.id for each in other.store.images.named("docker.io/library/pulled:latest")]
    assert names == [each.id for each in session.store.images.named(MULTI)]


def test_one_platform_goes_to_docker_and_back(
    session: Session, registry: RegistryServer, tmp_path: Path, opened: Opened
) -> None:
    host = registry.host
    one = copied(session, "multi", f"{host}/copy/one:1", platform="linux/arm64")
    copied(session, "multi", f"{host}/copy/both:1", everything=True)
    archive = f"docker-archive:{tmp_path}/d.tar:app:1"
    assert copied(session, f"{host}/copy/both:1", archive, platform="linux/arm64") == one
    other = opened("other")
    assert copied(other, archive, f"{host}/copy/from-archive:1", platform="linux/arm64") == one
    assert copied(other, f"docker-archive:{tmp_path}/d.tar", "store:app", platform="arm64") == one
    # An image by itself is taken, whatever it is for.
    assert copied(other, "app", f"{host}/copy/from-store:1") == one
    assert copied(other, f"{host}/copy/from-store:1", "store:again") == one
    wanted = CopyRequest(f"{host}/copy/both:1", f"oci:{tmp_path}/l")
    assert copy(session, wanted, ignore).left_out == 1


def test_blobs_of_the_same_registry_are_mounted_and_what_is_there_is_not_asked_for(
    session: Session, registry: RegistryServer
) -> None:
    host = registry.host
    copied(session, "multi", f"{host}/copy/first:1", everything=True)
    seen = len(registry.requests())
    copied(session, f"{host}/copy/first:1", f"{host}/copy/second:1", everything=True)
    requests = registry.requests()[seen:]
    assert not [
        each for each in requests if each.method in {"PATCH", "PUT"} and "blobs" in each.path
    ]
    assert not [each for each in requests if each.method == "GET" and "/blobs/" in each.path]
    heads = [each.path for each in requests if each.method == "HEAD" and "/blobs/" in each.path]
    assert len(heads) == len(set(heads))
    seen = len(registry.requests())
    copied(session, f"{host}/copy/first:1", f"{host}/copy/second:2", everything=True)
    again = registry.requests()[seen:]
    assert not [each for each in again if "blobs" in each.path]
    puts = [each.path for each in again if each.method == "PUT"]
    assert puts == ["/v2/copy/second/manifests/2"]


def test_a_layer_that_is_not_here_is_asked_for_and_mounted_once(
    session: Session, registry: RegistryServer, opened: Opened
) -> None:
    """A push asked HEAD and mount twice for each layer that it had to fetch."""
    host = registry.host
    copied(session, "multi", f"{host}/copy/pulled:1")
    other = opened("other")
    image = other.resolver().resolve(f"{host}/copy/pulled:1", AMD64, pull=True, builds=False).image
    seen = len(registry.requests())
    copied(other, f"store:{host}/copy/pulled:1", f"{host}/copy/mounted:1")
    blobs = [each for each in registry.requests()[seen:] if "/blobs/" in each.path]
    assert len([each for each in blobs if each.method == "HEAD"]) == len(image.layers) + 1
    assert not [each for each in blobs if each.method == "GET"]


def test_referrers_and_signatures_come_along_if_asked_for(
    session: Session, registry: RegistryServer, tmp_path: Path
) -> None:
    host, client = registry.host, session.registry()
    source = parse_reference(f"{host}/copy/signed:1")
    digest = copied(session, "multi", str(source))
    subject = client.resolve(source)
    assert subject is not None
    report = attach(client, source, subject, "application/vnd.example.report", b"a report")
    made = client.manifest(parse_reference(f"{source.name}@{report}"))
    assert made is not None
    attach(client, source, made.descriptor, "application/vnd.example.note", b"of the report")
    signed = raw(session, str(source))
    Uploader(client, source).manifest(
        f"{digest.replace(':', '-')}.sig", mediatype.OCI_MANIFEST, signed
    )

    def all_of(name: str) -> list[int]:
        place = parse_reference(name)
        first = all_referrers(client, place, digest)
        second = [all_referrers(client, place, each.digest) for each in first]
        tags = [each for each in client.tags(place) if each.endswith(".sig")]
        return [len(first), *map(len, second), len(tags)]

    copied(session, str(source), f"{host}/copy/plain:1")
    assert all_of(f"{host}/copy/plain:1") == [0, 0]
    copied(session, str(source), f"oci:{tmp_path}/l:1", referrers=True)
    copied(session, f"oci:{tmp_path}/l:1", f"oci-archive:{tmp_path}/a.tar:1", referrers=True)
    copied(session, f"oci-archive:{tmp_path}/a.tar:1", f"{host}/copy/full:1", referrers=True)
    assert all_of(f"{host}/copy/full:1") == all_of(str(source)) == [1, 1, 1]
    with pytest.raises(ExportError, match="keeps no referrers"):
        copied(session, str(source), "store:signed", referrers=True)


def test_artifacts_go_where_they_can_be_held(
    session: Session, registry: RegistryServer, tmp_path: Path
) -> None:
    files = LayoutFiles(tmp_path / "chart")
    config = files.json({}, "application/vnd.cncf.helm.config.v1+json")
    layer = files.blob(b"a chart", "application/vnd.cncf.helm.chart.content.v1.tar+gzip")
    manifest = {"schemaVersion": 2, "mediaType": mediatype.OCI_MANIFEST, "config": config}
    entry = files.json({**manifest, "layers": [layer]}, mediatype.OCI_MANIFEST)
    files.index(entry)
    source = f"oci:{tmp_path}/chart"
    assert copied(session, source, f"{registry.host}/copy/chart:1") == entry["digest"]
    assert (
        copied(session, f"{registry.host}/copy/chart:1", f"oci-archive:{tmp_path}/c.tar")
        == (entry["digest"])
    )
    for target in ("store:chart", f"docker-archive:{tmp_path}/d.tar"):
        with pytest.raises(ExportError, match="this is none"):
            copied(session, source, target)
    assert not (tmp_path / "d.tar").exists()


def test_what_makes_no_sense_is_said(session: Session, tmp_path: Path) -> None:
    cases: list[tuple[str, str, dict[str, object]]] = [
        ("oci:multi", "podman:x", {}),
        ("docker-daemon:x", f"oci:{tmp_path}/x", {}),
        ("multi", f"oci:{tmp_path}/x:@0", {}),
        ("multi", f"oci:{tmp_path}/x", {"platform": "amd64", "everything": True}),
        ("multi", f"oci-archive:{tmp_path}/none/x.tar", {}),
        ("multi", f"docker-archive:{tmp_path}/x.tar", {"everything": True}),
        ("multi", "store:UPPER", {}),
        ("store:nothing", f"oci:{tmp_path}/x", {}),
        (f"oci:{tmp_path}/nothing", f"oci:{tmp_path}/x", {}),
        ("multi", f"{'127.0.0.1:1'}/x@sha256:{64 * '0'}", {}),
    ]
    for source, target, wanted in cases:
        with pytest.raises(JettisonError) as caught:
            copied(session, source, target, **wanted)
        assert caught.value.exit_status not in {0, 70}
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").touch()
    with pytest.raises(ExportError, match="no OCI layout"):
        copied(session, "multi", f"oci:{tmp_path}/full")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["full", "store"]


def test_a_blob_that_is_damaged_or_missing_reaches_no_place(
    session: Session, registry: RegistryServer, tmp_path: Path
) -> None:
    copied(session, "multi", f"oci:{tmp_path}/good:1")
    index = decode(Index, (tmp_path / "good/index.json").read_bytes())
    digest = index.manifests[0].digest.partition(":")[2]
    made = decode(Manifest, (tmp_path / f"good/blobs/sha256/{digest}").read_bytes())
    layer = tmp_path / "good/blobs/sha256" / made.layers[0].digest.partition(":")[2]
    right = layer.read_bytes()
    for number, wrong in enumerate((None, right[:-1], bytes(len(right)), right + b"x")):
        layer.unlink(missing_ok=True)
        if wrong is not None:
            layer.write_bytes(wrong)
        targets = {
            f"{registry.host}/copy/wrong:{number}": None,
            f"oci:{tmp_path}/l{number}": tmp_path / f"l{number}",
            f"oci-archive:{tmp_path}/a{number}": tmp_path / f"a{number}",
            f"docker-archive:{tmp_path}/d{number}": tmp_path / f"d{number}",
            f"store:wrong{number}": None,
        }
        for target, path in targets.items():
            if target.startswith("store:"):
                session.store.blobs.remove(made.layers[0].digest)
            if number == 3 and "copy/wrong" in target:
                continue  # no more is sent than there should be, and that is right
            with pytest.raises(JettisonError):
                copied(session, f"oci:{tmp_path}/good:1", target)
            assert path is None or not path.exists(), target
        name = parse_reference(f"{registry.host}/copy/wrong:{number}")
        assert session.registry().manifest(name) is None
        assert session.store.images.lookup(f"docker.io/library/wrong{number}:latest") is None


def test_a_layer_that_holds_another_tar_does_not_enter_the_store(
    session: Session, tmp_path: Path
) -> None:
    files = LayoutFiles(tmp_path / "lies")
    rootfs = {"type": "layers", "diff_ids": [f"sha256:{64 * '1'}"]}
    config = {"architecture": "amd64", "os": "linux", "rootfs": rootfs}
    manifest = {
        "schemaVersion": 2,
        "mediaType": mediatype.OCI_MANIFEST,
        "config": files.json(config, mediatype.OCI_CONFIG),
        "layers": [files.blob(bytes(1024), mediatype.OCI_LAYER)],
    }
    files.index(files.json(manifest, mediatype.OCI_MANIFEST))
    with pytest.raises(JettisonError, match="holds the tar"):
        copied(session, f"oci:{tmp_path}/lies", "store:lies")
    assert session.store.images.lookup("docker.io/library/lies:latest") is None


def test_registries_with_tokens_and_passwords_are_copied_between(
    session: Session,
    basic_registry: RegistryServer,
    bearer_registry: RegistryServer,
) -> None:
    credentials = CredentialStore.of_user(session.environ)
    first, second = f"{basic_registry.host}/a/b:1", f"{bearer_registry.host}/c/d:1"
    with pytest.raises(AuthenticationError):
        copied(session, "multi", first)
    session.registry().close()
    session._servers._registry = None
    for each in (basic_registry, bearer_registry):
        credentials.put(each.host, Credentials(USER, PASSWORD))
    digest = copied(session, "multi", first, everything=True)
    assert copied(session, first, second, everything=True) == digest
    assert copied(session, second, second.replace("c/d", "c/e"), everything=True) == digest


def test_a_registry_behind_tls_is_copied_from(
    session: Session,
    basic_registry: RegistryServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Endpoint, "is_loopback", False)
    for name in ("server", "client"):
        certificate(tmp_path / name, name)
    with FaultProxy(basic_registry.host, tmp_path / "server", tmp_path / "client/tls.crt") as proxy:
        trust = tmp_path / "home/.config/containers/certs.d" / proxy.host
        trust.mkdir(parents=True)
        shutil.copy(tmp_path / "server/tls.crt", trust / "ca.crt")
        shutil.copy(tmp_path / "client/tls.crt", trust / "client.cert")
        shutil.copy(tmp_path / "client/tls.key", trust / "client.key")
        CredentialStore.of_user(session.environ).put(proxy.host, Credentials(USER, PASSWORD))
        digest = copied(session, "multi", f"{proxy.host}/tls/a:1", everything=True)
        back = copied(session, f"{proxy.host}/tls/a:1", f"oci:{tmp_path}/l", everything=True)
        assert back == digest


def test_skopeo_take_what_was_copied(
    session: Session, registry: RegistryServer, tmp_path: Path
) -> None:
    skopeo, host = needed("skopeo"), registry.host
    digest = copied(session, "multi", f"{host}/copy/witness:1", everything=True)

    def run(*argv: str) -> bytes:
        made = subprocess.run(argv, capture_output=True, check=False)
        assert made.returncode == 0, made.stderr[-500:]
        return made.stdout

    inspect = run(
        skopeo, "inspect", "--raw", "--tls-verify=false", f"docker://{host}/copy/witness:1"
    )
    assert sha256_digest(inspect) == digest
    copied(session, f"{host}/copy/witness:1", f"oci:{tmp_path}/l:x", everything=True)
    copied(session, f"{host}/copy/witness:1", f"oci-archive:{tmp_path}/o.tar:x", everything=True)
    copied(session, f"{host}/copy/witness:1", f"docker-archive:{tmp_path}/d.tar:app:1")
    for kind in ("oci:{}/l:x", "oci-archive:{}/o.tar:x"):
        run(skopeo, "copy", "--all", kind.format(tmp_path), f"oci:{tmp_path}/by-skopeo:{len(kind)}")
    run(skopeo, "copy", f"docker-archive:{tmp_path}/d.tar:app:1", f"oci:{tmp_path}/by-skopeo:d")
    skopeo_back = f"docker-archive:{tmp_path}/s.tar:app:2"
    run(skopeo, "copy", f"oci:{tmp_path}/l:x", skopeo_back)
    copied(session, skopeo_back, f"{host}/copy/of-skopeo:1")
    run(skopeo, "inspect", "--tls-verify=false", f"docker://{host}/copy/of-skopeo:1")


def test_a_list_is_made_of_what_is_here_and_of_what_a_registry_has(
    session: Session, registry: RegistryServer, tmp_path: Path
) -> None:
    host = registry.host
    copied(session, "multi", f"{host}/list/arm:1", platform="linux/arm64")
    seen = len(registry.requests())
    assert create_list(session, "made:1", ["multi", f"{host}/list/arm:1"]).endswith("made:1")
    fetched = [each.path for each in registry.requests()[seen:] if "/list/" in each.path]
    assert len(fetched) == 2  # a manifest and a config, and no layer
    with pytest.raises(UsageError, match="there is a manifest list"):
        create_list(session, "made:1", [])
    said = Annotated(variant="v8", os_features=("a",), annotations={"board": "b2"})
    annotate_list(session, "made:1", f"{host}/list/arm:1", said)
    annotate_list(session, "made:1", "", Annotated(annotations={"version": "1"}))
    prune(session, scope="everything")
    digest = push_list(session, "made:1", f"docker://{host}/list/pushed:1", ignore)
    index = decode(Index, raw(session, f"{host}/list/pushed:1"))
    assert sha256_digest(raw(session, f"{host}/list/pushed:1")) == digest
    assert [str(each.platform) for each in index.manifests] == ["linux/amd64", "linux/arm64/v8"]
    assert index.manifests[1].annotations == {"board": "b2"}
    assert index.annotations == {"version": "1"}
    assert find_manifest(session, "made:1").data == raw(session, f"{host}/list/pushed:1")
    assert push_list(session, "made:1", f"oci:{tmp_path}/l:1", ignore) == digest
    create_list(session, "made:1", [f"{host}/list/pushed:1"], amend=True, everything=True)
    removed = remove_from_list(session, "made:1", index.manifests[0].digest)
    assert removed == index.manifests[0].digest
    assert add_to_list(session, "made:1", ["multi"], Annotated(), everything=False) == removed
    assert push_list(session, "made:1", f"{host}/list/purged:1", ignore, purge=True) != digest
    assert not has_list(session, "made:1")


def test_lists_that_are_not_there_are_said(session: Session) -> None:
    create_list(session, "empty:1", [])
    for work in (
        lambda: push_list(session, "none:1", "", ignore),
        lambda: remove_lists(session, ["empty:1", "none:1"]),
        lambda: annotate_list(session, "empty:1", "multi", Annotated(os="linux")),
        lambda: remove_from_list(session, "empty:1", f"sha256:{64 * '0'}"),
        lambda: add_to_list(session, "none:1", ["multi"], Annotated(), everything=False),
    ):
        with pytest.raises(ImageNotFoundError):
            work()
    for refused in (
        lambda: create_list(session, "other:1", ["oci:somewhere"]),
        lambda: annotate_list(session, "empty:1", "", Annotated(os="linux")),
    ):
        with pytest.raises(UsageError):
            refused()
    assert remove_lists(session, ["empty:1"]) == ["docker.io/library/empty:1"]


def test_an_attestation_stays_in_its_index(
    session: Session, registry: RegistryServer, tmp_path: Path
) -> None:
    host, client = registry.host, session.registry()
    copied(session, "multi", f"{host}/attested/plain:1")
    place = parse_reference(f"{host}/attested/plain:1")
    image = client.manifest(place)
    assert image is not None
    statement = b'{"_type": "https://in-toto.io/Statement/v0.1"}'
    uploader = Uploader(client, place)
    blob = Descriptor("application/vnd.in-toto+json", sha256_digest(statement), len(statement))
    config = Descriptor(mediatype.OCI_CONFIG, sha256_digest(b"{}"), 2)
    for descriptor, data in ((blob, statement), (config, b"{}")):
        uploader.blob(descriptor, lambda data=data: io.BytesIO(data))
    said = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": mediatype.OCI_MANIFEST,
            "config": {"mediaType": config.media_type, "digest": config.digest, "size": 2},
            "layers": [{"mediaType": blob.media_type, "digest": blob.digest, "size": blob.size}],
        }
    ).encode()
    uploader.manifest(sha256_digest(said), mediatype.OCI_MANIFEST, said)
    index = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": mediatype.OCI_INDEX,
            "manifests": [
                {
                    "mediaType": image.descriptor.media_type,
                    "digest": image.descriptor.digest,
                    "size": len(image.data),
                    "platform": {"os": "linux", "architecture": "amd64"},
                },
                {
                    "mediaType": mediatype.OCI_MANIFEST,
                    "digest": sha256_digest(said),
                    "size": len(said),
                    "platform": {"os": "unknown", "architecture": "unknown"},
                    "annotations": {
                        "vnd.docker.reference.type": "attestation-manifest",
                        "vnd.docker.reference.digest": image.descriptor.digest,
                    },
                },
            ],
        },
        indent=3,  # bytes that nobody else would write
    ).encode()
    uploader.manifest("2", mediatype.OCI_INDEX, index)
    way = [f"{host}/attested/plain:2", "store:attested", f"{host}/attested/back:1"]
    for source, target in itertools.pairwise(way):
        prune(session, scope="everything")
        assert copied(session, source, target, everything=True) == sha256_digest(index)
    assert raw(session, f"{host}/attested/back:1") == index
