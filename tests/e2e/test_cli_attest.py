"""Attestations of builds: beside images, in their index, beside files; nothing of secrets in them."""

from __future__ import annotations

import base64
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from e2e.command import Cli
from git_server import git_server, make_repository
from jettison.image.attestation import MEDIA_TYPE, PREDICATE_TYPE
from jettison.image.referrers import documents, referrers
from jettison.oci.codec import decode, encode
from jettison.oci.manifest import Descriptor, Index, Manifest
from jettison.oci.mediatype import OCI_MANIFEST
from jettison.oci.reference import Reference, parse_reference
from jettison.registry.client import RegistryClient
from jettison.registry.upload import Uploader
from jettison.settings import Settings
from registry_server import RegistryServer
from unit.attest.attestation_schema import PROVENANCE, STATEMENT, check
from unit.attest.signing_rig import cosign_pem, pair, public_pem

SECRET, TOKEN, PASSWORD = "S3cr3t-of-the-build", "tok-en-4711", "p4ssw0rd-of-url"
SLSA, SPDX = "https://slsa.dev/provenance/v1", "https://spdx.dev/Document"
TEXT = f"""\
FROM box AS builder
ARG TOKEN
ARG BUILDKIT_SBOM_SCAN_STAGE=true
# a comment with {SECRET}, by mistake
RUN --mount=type=secret,id=token test "$(cat /run/secrets/token)" = {SECRET} && echo one > /app
FROM scratch
COPY --from=builder /app /
"""


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    with RegistryServer(tmp_path_factory.mktemp("registry")) as server:
        yield server


@pytest.fixture(scope="module")
def client() -> Iterator[RegistryClient]:
    with RegistryClient.of_user(Settings(ca_bundle="none"), {}) as made:
        yield made


@pytest.fixture(scope="module")
def build(cli: Cli) -> list[str | Path]:
    """Arguments of a build with secrets of several kinds."""
    secret = cli.output()
    secret.write_text(SECRET + "\n")
    return [
        *("build", "--secret", f"id=token,src={secret}", "--build-arg", f"TOKEN={TOKEN}"),
        *(
            "--build-arg",
            f"HTTP_PROXY=http://me:{PASSWORD}@127.0.0.1:1",
            "--label",
            f"l={PASSWORD}",
        ),
        *("--secret", "id=other,env=OTHER_SECRET", cli.context({"Dockerfile": TEXT})),
    ]


def statements(client: RegistryClient, name: Reference, subject: Descriptor) -> list[Any]:
    found = referrers(client, name, subject.digest, MEDIA_TYPE)
    made = []
    for each in found:
        (data,) = documents(client, name, subject.digest, each)
        statement = json.loads(data)
        check(STATEMENT, statement)
        assert each.annotations[PREDICATE_TYPE] == statement["predicateType"]
        assert statement["subject"][0]["digest"] == {"sha256": subject.digest.partition(":")[2]}
        made.append(statement)
    return made


def everything(server: RegistryServer) -> bytes:
    return b"".join(each.read_bytes() for each in server.directory.rglob("data") if each.is_file())


def test_beside_the_image_by_default_once_each_and_without_secrets(
    cli: Cli, build: list[str | Path], registry: RegistryServer, client: RegistryClient
) -> None:
    name = parse_reference(f"{registry.host}/beside:1")
    facts = cli.output()
    cli(
        *build, "--push", "-t", str(name), "--provenance=mode=max", "--sbom",
        "--metadata-file", facts,
        env={"OTHER_SECRET": "an0ther-secret"},
    )  # fmt: skip
    subject = client.resolve(name)
    assert subject is not None
    assert subject.media_type.endswith("image.manifest.v1+json")  # no index, nothing unknown
    made = statements(client, name, subject)
    kinds = [each["predicateType"] for each in made]
    assert kinds == [SLSA, SPDX, SPDX]
    check(PROVENANCE, made[0]["predicate"])
    assert made[0]["subject"][0]["name"].startswith(f"pkg:docker/{registry.host}/beside@1")
    assert [each["predicate"]["name"] for each in made[1:]] == [
        f"{name}",
        f"{name} (stage builder)",
    ]
    parameters = made[0]["predicate"]["buildDefinition"]["externalParameters"]
    assert parameters["request"]["args"]["build-arg:TOKEN"] == "xxxxx"
    assert parameters["request"]["args"]["label:l"] == "xxxxx"
    assert parameters["request"]["secrets"] == [{"id": "token", "optional": True}]
    source = made[0]["predicate"]["runDetails"]["metadata"]["buildkit_metadata"]["source"]
    text = base64.b64decode(source["infos"][0]["data"]).decode()
    assert text == TEXT.replace(SECRET, "xxxxx")
    (material,) = made[0]["predicate"]["buildDefinition"]["resolvedDependencies"]
    assert material["uri"] == "pkg:docker/box@latest?platform=linux%2Famd64"
    assert material["annotations"] == {"digestOf": "config"}
    all_facts = json.loads(facts.read_bytes())
    assert all_facts["buildx.build.provenance"] == made[0]["predicate"]
    whole = everything(registry) + facts.read_bytes()
    for secret in (SECRET, TOKEN, PASSWORD):
        assert base64.b64encode(secret.encode()) not in whole
        if secret is not PASSWORD:  # it is the image's label, as its user wants
            assert secret.encode() not in whole
    cli(*build, "--push", "-t", str(name), "--provenance", "--sbom")
    again = statements(client, name, subject)
    assert sorted(each["predicateType"] for each in again) == sorted(kinds)  # replaced, not added
    assert "label:l" not in json.dumps(again[-1])


def test_in_the_index_as_buildx_lays_them_out(
    cli: Cli, build: list[str | Path], registry: RegistryServer, client: RegistryClient
) -> None:
    name = parse_reference(f"{registry.host}/inline:1")
    cli(
        *build, "-o", f"type=registry,name={name},attestation-inline=true", "--provenance", "--sbom"
    )
    pulled = client.manifest(name)
    assert pulled is not None
    image, said = decode(Index, pulled.data).manifests
    assert str(said.platform) == "unknown/unknown"
    assert said.annotations["vnd.docker.reference.digest"] == image.digest
    assert said.annotations["vnd.docker.reference.type"] == "attestation-manifest"
    held = client.manifest(parse_reference(f"{name.name}@{said.digest}"))
    assert held is not None
    layers = decode(Manifest, held.data).layers
    assert [each.annotations[PREDICATE_TYPE] for each in layers] == [SLSA, SPDX, SPDX]
    for each in layers:
        check(STATEMENT, json.loads(client.document(name, each)))
    assert referrers(client, name, image.digest, MEDIA_TYPE) == []
    other = cli.with_store("pulled")
    other("pull", str(name))  # what is for no platform is passed over
    assert other("images", "-q").stdout.count("\n") == 1


def test_inline_by_the_attestation_and_not_by_the_output(
    cli: Cli, build: list[str | Path], registry: RegistryServer, client: RegistryClient
) -> None:
    name = parse_reference(f"{registry.host}/mixed:1")
    cli(*build, "--push", "-t", str(name), "--attest", "type=provenance,inline", "--sbom")
    pulled = client.manifest(name)
    assert pulled is not None
    image, said = decode(Index, pulled.data).manifests
    held = client.manifest(parse_reference(f"{name.name}@{said.digest}"))
    assert held is not None
    kinds = [each.annotations[PREDICATE_TYPE] for each in decode(Manifest, held.data).layers]
    assert kinds == [SLSA]
    assert {each["predicateType"] for each in statements(client, name, image)} == {SPDX}
    cli(*build, "-o", f"type=registry,name={name},attestation-inline=false", "--attest",
        "type=provenance,inline")  # fmt: skip
    subject = client.resolve(name)
    assert subject is not None
    assert subject.digest == image.digest


def test_archives_have_them_in_their_index(cli: Cli, build: list[str | Path]) -> None:
    archive = cli.output(".tar")
    cli(*build, "-o", f"type=oci,dest={archive}", "--provenance")
    with tarfile.open(archive) as tar:
        index = json.load(tar.extractfile("index.json"))  # type: ignore[arg-type]
        (entry,) = index["manifests"]
        inner = json.load(tar.extractfile("blobs/" + entry["digest"].replace(":", "/")))  # type: ignore[arg-type]
    assert len(inner["manifests"]) == 2
    other = cli.with_store("loaded")
    other("load", "-i", archive)
    plain = cli.output(".tar")
    cli(*build, "-o", f"type=oci,dest={plain}")
    with tarfile.open(plain) as tar:
        index = json.load(tar.extractfile("index.json"))  # type: ignore[arg-type]
    assert index["manifests"][0]["digest"] == inner["manifests"][0]["digest"]


def test_each_platform_has_its_own(cli: Cli) -> None:
    archive, facts = cli.output(".tar"), cli.output()
    files = {"Dockerfile": "FROM scratch\nARG TARGETARCH\nCOPY a-$TARGETARCH /a\n"}
    files |= {"a-amd64": "1", "a-arm64": "2"}
    cli("build", "--platform", "linux/amd64,linux/arm64", "--provenance=mode=max", "--sbom",
        "-o", f"type=oci,dest={archive}", "--metadata-file", facts, cli.context(files))  # fmt: skip
    blobs: dict[str, Any] = {}
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            if member.isfile() and member.size < 100_000:
                data = tar.extractfile(member)
                assert data is not None
                blobs[member.name.replace("blobs/sha256/", "sha256:")] = data.read()
    index = json.loads(blobs["index.json"])["manifests"][0]["digest"]
    entries = json.loads(blobs[index])["manifests"]
    images = {each["digest"]: each["platform"]["architecture"] for each in entries[:2]}
    assert sorted(images.values()) == ["amd64", "arm64"]
    all_facts = json.loads(facts.read_bytes())
    for entry in entries[2:]:
        digest = entry["annotations"]["vnd.docker.reference.digest"]
        layers = json.loads(blobs[entry["digest"]])["layers"]
        made = [json.loads(blobs[each["digest"]]) for each in layers]
        assert {each["subject"][0]["digest"]["sha256"] for each in made} == {digest[7:]}
        steps = made[0]["predicate"]["buildDefinition"]["internalParameters"]["buildConfig"][
            "steps"
        ]
        assert steps[-1]["op"]["copy"]["sources"] == [f"a-{images[digest]}"]
        key = f"buildx.build.provenance/linux/{images[digest]}"
        assert all_facts[key] == made[0]["predicate"]


def test_files_have_them_beside_themselves(cli: Cli, build: list[str | Path]) -> None:
    place, archive = cli.output(), cli.output(".tar")
    cli(*build, "-o", f"type=local,dest={place}", "--provenance=filename=p.json", "--sbom")
    assert {each.name for each in place.iterdir()} == {
        *("app", "p.json", "sbom.spdx.json", "sbom-builder.spdx.json")
    }
    statement = json.loads((place / "p.json").read_bytes())
    check(STATEMENT, statement)
    assert [each["name"] for each in statement["subject"]] == ["app"]
    cli(*build, "-o", f"type=tar,dest={archive},attestation-prefix=x-", "--provenance")
    with tarfile.open(archive) as tar:
        assert sorted(tar.getnames()) == ["app", "x-provenance.json"]
    failed = cli.attempt(*build, "-o", f"type=tar,dest={archive}", "--provenance=filename=app")
    assert failed.returncode == 6
    assert "`app`" in failed.stderr
    cli(*build, "-o", f"type=tar,dest={archive}", "--provenance=inline-only=true")
    with tarfile.open(archive) as tar:
        assert tar.getnames() == ["app"]


def test_a_repository_is_a_material_by_its_commit(cli: Cli, tmp_path: Path) -> None:
    tree = make_repository(tmp_path, "app", {"Dockerfile": "FROM scratch\nCOPY a /\n", "a": "1"})
    facts = cli.output()
    with git_server(tmp_path) as served:
        cli("build", "--provenance", "-o", f"type=tar,dest={cli.output('.tar')}",
            "--metadata-file", facts, f"http://{served.host}/app.git")  # fmt: skip
    predicate = json.loads(facts.read_bytes())["buildx.build.provenance"]
    definition = predicate["buildDefinition"]
    (material,) = definition["resolvedDependencies"]
    assert material == {
        key: definition["externalParameters"]["configSource"][key] for key in ("uri", "digest")
    }
    head = (tree / ".git/refs/heads").glob("*")
    assert material["digest"] == {"sha1": next(head).read_text().strip()}
    completeness = predicate["runDetails"]["metadata"]["buildkit_completeness"]
    assert completeness["resolvedDependencies"] is True
    assert predicate["runDetails"]["metadata"]["buildkit_hermetic"] is True


def test_where_nothing_is_written_it_is_said(cli: Cli, build: list[str | Path]) -> None:
    said = cli(*build, "-t", "kept", "--provenance")
    assert "attestations go with images that are pushed or written" in said.stderr
    refused = cli.attempt(*build, "--sbom=generator=x")
    assert refused.returncode == 125
    assert "no generator images are run" in refused.stderr


@pytest.fixture(scope="module")
def key(cli: Cli) -> Path:
    """A private key in cosign's form, its public one beside it with `.pub`."""
    path = cli.output(".key")
    path.write_bytes(cosign_pem(pair(), b"pass"))
    path.with_suffix(".pub").write_bytes(public_pem(pair()))
    other = path.with_suffix(".other")
    other.write_bytes(public_pem(pair("b")))
    for each in (path, path.with_suffix(".pub"), other):
        each.chmod(0o644)
    return path


def test_a_build_signs_what_it_pushes_and_verify_says_what_that_proves(
    cli: Cli, build: list[str | Path], registry: RegistryServer, key: Path, client: RegistryClient
) -> None:
    name = f"{registry.host}/signed:1"
    environ = {"COSIGN_PASSWORD": "pass"}
    signed = ("--push", "-t", name, "--provenance", "--sign", f"key={key}")
    cli(*build, *signed, env=environ)
    cli(*build, *signed, env=environ)  # in place of the signature before
    digest = client.resolve(parse_reference(name))
    assert digest is not None
    public = key.with_suffix(".pub")
    unsigned = f"{registry.host}/unsigned:1"
    cli(*build, "--push", "-t", unsigned)
    said = cli("verify", "--key", public, name)
    assert said.stdout == (
        f"verified {name}\n  digest {digest.digest}\n  the image is signed by this key\n"
        f"  attestation {SLSA} is signed by this key\n"
    )
    found = json.loads(
        cli("verify", "--key", public, "--type", "slsaprovenance", "-o", "json", name).stdout
    )
    assert (found["digest"], found["signatures"]) == (digest.digest, 1)
    check(PROVENANCE, found["attestations"][0]["predicate"])
    assert "hint: set it in the variable COSIGN_PASSWORD" in cli.attempt(*build, *signed).stderr
    for args, status, message in (
        (("--key", key.with_suffix(".other"), name), 4, "has no valid signature"),
        (("--key", public, "--type", "spdx", name), 4, "has no valid attestation of type `spdx`"),
        (("--key", public, unsigned), 4, "has no valid signature"),
        (("--key", public, f"{registry.host}/nothing:1"), 4, "no image"),
        (("--key", public, "--type", "vex", name), 125, "`--type vex` is not known"),
        (("--certificate-identity", "a@b", name), 125, "--certificate-oidc-issuer"),
        ((name,), 125, "verify must be told who has signed"),
    ):
        failed = cli.attempt("verify", *args)
        assert (failed.returncode, message in failed.stderr) == (status, True), failed.all


def test_an_image_is_signed_later_and_another_is_not_proved_by_that(
    cli: Cli, registry: RegistryServer, key: Path, client: RegistryClient
) -> None:
    first, second = f"{registry.host}/later:1", f"{registry.host}/later:2"
    for content, name in (("1", first), ("2", second)):
        text = "FROM scratch\nCOPY a /\n"
        cli("build", "--push", "-q", "-t", name, cli.context({"Dockerfile": text, "a": content}))
    said = cli("sign", "--key", key, first, env={"COSIGN_PASSWORD": "pass"})
    assert said.stdout.startswith(f"signed {first}\n  digest sha256:")
    public = key.with_suffix(".pub")
    cli("verify", "--key", public, first)
    # What is signed of one image, put beside another.
    of_first, of_second = (client.resolve(parse_reference(each)) for each in (first, second))
    assert of_first is not None
    assert of_second is not None
    place = parse_reference(f"{registry.host}/later:1")
    pulled = client.manifest(
        msgspec.structs.replace(place, tag=f"{of_first.digest.replace(':', '-')}.sig")
    )
    assert pulled is not None
    tag = f"{of_second.digest.replace(':', '-')}.sig"
    Uploader(client, place).manifest(tag, OCI_MANIFEST, pulled.data)
    failed = cli.attempt("verify", "--key", public, second)
    assert failed.returncode == 4
    assert (
        f"what this key has signed is `{of_first.digest}`, not `{of_second.digest}`"
        in failed.stderr
    )


def test_bounds_of_what_a_registry_has_beside_an_image(
    cli: Cli, registry: RegistryServer, key: Path, client: RegistryClient
) -> None:
    name = parse_reference(f"{registry.host}/many:1")
    cli("build", "--push", "-q", "-t", str(name),
        cli.context({"Dockerfile": "FROM scratch\nCOPY a /\n", "a": "many"}))  # fmt: skip
    subject = client.resolve(name)
    assert subject is not None
    tag = f"{subject.digest.replace(':', '-')}.att"
    layer = Descriptor("application/vnd.dsse.envelope.v1+json", subject.digest, subject.size)
    manifest = Manifest(layer, (layer,) * 65, media_type=OCI_MANIFEST)
    # The config is there: it is the manifest's own blob in the registry.
    client_side = Uploader(client, name)
    client_side.blob(layer, lambda: io.BytesIO(client.manifest(name).data))  # type: ignore[union-attr]
    client_side.manifest(tag, OCI_MANIFEST, encode(manifest))
    failed = cli.attempt("verify", "--key", key.with_suffix(".pub"), str(name))
    assert (failed.returncode, "has 65 documents" in failed.stderr) == (4, True), failed.all
    huge = msgspec.structs.replace(layer, size=1 << 40)
    client_side.manifest(
        tag, OCI_MANIFEST, encode(Manifest(layer, (huge,), media_type=OCI_MANIFEST))
    )
    failed = cli.attempt("verify", "--key", key.with_suffix(".pub"), str(name))
    assert (failed.returncode, "is too large" in failed.stderr) == (4, True), failed.all
