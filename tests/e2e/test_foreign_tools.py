"""Every form of an image is taken by skopeo, umoci, crane, oras, podman and docker as it is.

What each tool is known not to take is said by ``UMOCI``: Debian's is older than zstd layers.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from archive_rig import unpack
from e2e.command import Cli
from engine_rig import Dockerd, Engine, podman_program
from host_tools import go_program, tool
from image_rig import read_tree
from registry_server import NewerRegistry, RegistryServer

BASE = "FROM scratch AS base\nCOPY files /\n"
TEXT = BASE + 'COPY more /more\nLABEL a=b\nCMD ["/bin/busybox", "cat", "/hello"]\n'
PLATFORMS = ("--platform", "linux/amd64,linux/arm64")
ATTESTED = ("--provenance=mode=max", "--sbom")

FORMS: dict[str, tuple[str, tuple[str, ...]]] = {
    "gzip": ("", ()),
    "zstd": ("compression=zstd", ()),
    "estargz": ("compression=estargz", ()),
    "uncompressed": ("compression=uncompressed", ()),
    "docker-types": ("oci-mediatypes=false", ()),
    "annotations": (
        "annotation.org.opencontainers.image.title=it,annotation-index.a.b=c",
        PLATFORMS,
    ),
    "squashed": ("", ("--squash",)),
    "platforms": ("", PLATFORMS),
    "manifest-list": ("oci-mediatypes=false", PLATFORMS),
    "attested": ("attestation-inline=true", ATTESTED),
    "attested-beside": ("attestation-inline=false", ATTESTED),
    "attested-platforms": ("attestation-inline=true", (*ATTESTED, *PLATFORMS)),
}
"""By name: attributes of the output, flags of the build."""

DOCKER_TYPES = ("docker-types", "manifest-list")
"""skopeo finds no document of docker's types by its name in a layout."""

UMOCI = ("gzip", "estargz", "uncompressed", "squashed")
"""What umoci 0.4.7 unpacks: OCI's media types, one image of a name, no zstd."""


class Run:
    """Runs foreign programs; each must succeed."""

    def __init__(self, home: Path) -> None:
        self.home = home
        home.mkdir()
        (home / "policy.json").write_text('{"default":[{"type":"insecureAcceptAnything"}]}')
        self.env = {"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(home)}

    def __call__(self, program: str, *args: str | Path) -> bytes:
        path = go_program(program) if program in {"crane", "oras", "schemas"} else tool(program)
        if program == "skopeo":
            args = ("--policy", self.home / "policy.json", *args)
        done = subprocess.run(
            [path, *map(str, args)], env=self.env, capture_output=True, check=False, timeout=120
        )
        assert done.returncode == 0, (program, args, done.stdout[-1000:], done.stderr[-3000:])
        return done.stdout


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "home")


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    program = go_program("distribution")
    with RegistryServer(tmp_path_factory.mktemp("registry"), program=program) as server:
        yield server


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewerRegistry]:
    with NewerRegistry(go_program("referrers"), tmp_path_factory.mktemp("newer")) as server:
        yield server


@pytest.fixture(scope="module")
def context(cli: Cli) -> Path:
    busybox = Path(tool("busybox")).read_bytes()
    made = cli.context(
        {"Dockerfile": TEXT, "files/hello": "world\n", "files/bin/busybox": busybox, "more/x": "y"}
    )
    (made / "files/bin/busybox").chmod(0o755)
    (made / "files/link").symlink_to("hello")
    return made


@pytest.fixture(scope="module")
def expected(context: Path) -> dict[str, bytes | str]:
    """The files of the image."""
    return {**read_tree(context / "files"), "more/x": b"y"}


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def digest_there(run: Run, name: str) -> str:
    return run("crane", "digest", "--insecure", name).decode().strip()


def check_images(run: Run, name: str) -> None:
    """Have crane validate the images of a name: the layers, too, if they are in gzip.

    It takes no attestation, BuildKit's neither: what one holds are not layers to it.
    """
    found = json.loads(run("crane", "manifest", "--insecure", name))
    repository = name.rpartition(":")[0]
    each = [
        f"{repository}@{entry['digest']}"
        for entry in found.get("manifests", ())
        if entry["platform"]["os"] != "unknown"
    ]
    for image in each or [name]:
        layers = json.loads(run("crane", "manifest", "--insecure", image))["layers"]
        gzip = all(layer["mediaType"].endswith("gzip") for layer in layers)
        run("crane", "validate", "--insecure", *([] if gzip else ["--fast"]), "--remote", image)


def export(run: Run, name: str, place: Path) -> dict[str, bytes | str]:
    """Return the files of an image as crane has them."""
    archive, into = place / "exported.tar", place / "exported"
    run("crane", "export", "--insecure", "--platform", "linux/amd64", name, archive)
    with tarfile.open(archive) as tar:
        unpack(tar, into)
    return read_tree(into)


def built(cli: Cli, context: Path, form: str, output: str, *flags: str | Path) -> None:
    """Build an image of a form into an output."""
    attributes, more = FORMS[form]
    output += f",{attributes}" if attributes else ""
    cli("build", "-q", *more, *flags, "-o", output, context)


@pytest.mark.parametrize("form", FORMS)
def test_layouts(
    cli: Cli,
    context: Path,
    expected: dict[str, bytes | str],
    registry: RegistryServer,
    run: Run,
    tmp_path: Path,
    form: str,
) -> None:
    layout = cli.output()
    built(cli, context, form, f"type=oci,dest={layout},tar=false,name=app:1")
    by_digest = form in DOCKER_TYPES
    if not by_digest:
        run("schemas", layout)
    entries = json.loads((layout / "index.json").read_text())["manifests"]
    (tag,) = {each["annotations"]["org.opencontainers.image.ref.name"] for each in entries[:1]}
    at, name = entries[0]["digest"], f"{registry.host}/layouts/{form}"

    if not by_digest:
        assert digest(run("skopeo", "inspect", "--raw", f"oci:{layout}:{tag}")) == at
        to = ["copy", "--all", "--preserve-digests", "--dest-tls-verify=false"]
        run("skopeo", *to, f"oci:{layout}:{tag}", f"docker://{name}:skopeo")
        assert digest_there(run, f"{name}:skopeo") == at

    assert digest(run("oras", "manifest", "fetch", "--oci-layout", f"{layout}:{tag}")) == at
    run("oras", "discover", "--oci-layout", f"{layout}:{tag}")
    copied = ["copy", "--recursive", "--from-oci-layout", f"{layout}:{tag}", "--to-plain-http"]
    run("oras", *copied, f"{name}:oras")
    assert digest_there(run, f"{name}:oras") == at

    run("crane", "push", "--insecure", "--index", layout, f"{name}:crane")
    pushed = json.loads(run("crane", "manifest", "--insecure", f"{name}:crane"))
    assert [each["digest"] for each in pushed["manifests"]] == [each["digest"] for each in entries]
    check_images(run, f"{name}:oras")
    assert export(run, f"{name}:oras", tmp_path) == expected
    run("crane", "pull", "--insecure", "--format=oci", f"{name}:oras", tmp_path / "pulled")

    if form in UMOCI:
        for more in ((), ("--rootless",)) if os.geteuid() == 0 else (("--rootless",),):
            bundle = tmp_path / f"bundle{len(more)}"
            run("umoci", "unpack", *more, "--image", f"{layout}:{tag}", bundle)
            assert read_tree(bundle / "rootfs") == expected
    assert tag in run("umoci", "ls", "--layout", layout).decode().split()


@pytest.mark.parametrize("form", FORMS)
def test_archives(cli: Cli, context: Path, run: Run, tmp_path: Path, form: str) -> None:
    archive, docker = cli.output(".tar"), cli.output(".tar")
    built(cli, context, form, f"type=oci,dest={archive},name=app:1")
    run("skopeo", "inspect", "--raw", f"oci-archive:{archive}")
    run("skopeo", "copy", "--all", f"oci-archive:{archive}", f"dir:{tmp_path}/copied")
    run("oras", "discover", "--oci-layout", f"{archive}:1")
    if PLATFORMS[0] in FORMS[form][1]:
        return
    built(cli, context, form, f"type=docker,dest={docker},name=app:1")
    run("skopeo", "copy", f"docker-archive:{docker}:app:1", f"dir:{tmp_path}/docker")
    if form != "zstd":
        run("crane", "validate", "--tarball", docker)


@pytest.mark.parametrize("form", FORMS)
def test_pushed(
    cli: Cli,
    context: Path,
    expected: dict[str, bytes | str],
    newer: NewerRegistry,
    run: Run,
    tmp_path: Path,
    form: str,
) -> None:
    name, facts = f"{newer.host}/pushed/{form}:1", cli.output()
    built(cli, context, form, f"type=registry,name={name}", "--metadata-file", facts)
    at = json.loads(facts.read_text())["containerimage.digest"]
    assert digest_there(run, name) == at
    check_images(run, name)
    assert export(run, name, tmp_path) == expected
    inspected = json.loads(run("skopeo", "inspect", "--tls-verify=false", f"docker://{name}"))
    assert inspected["Labels"]["a"] == "b"
    found = json.loads(run("oras", "discover", "--plain-http", "--format=json", name))
    kinds = [each["artifactType"] for each in found.get("referrers") or ()]
    assert bool(kinds) == (form == "attested-beside"), kinds
    run(
        *("oras", "copy", "--recursive", "--from-plain-http", name),
        *("--to-oci-layout", f"{tmp_path}/copied:1"),
    )
    entries = json.loads((tmp_path / "copied/index.json").read_text())["manifests"]
    assert at in {each["digest"] for each in entries}
    back = f"{newer.host}/back/{form}:1"
    cli("copy", "--all", name, back)
    assert digest_there(run, back) == at


@pytest.fixture(scope="module", params=["podman", "docker"])
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    place = tmp_path_factory.mktemp(request.param)
    if request.param == "podman":
        with podman_program(place) as made:
            yield made
    else:
        with Dockerd(place) as process:
            yield process.engine()


@pytest.mark.needs_root
@pytest.mark.parametrize("form", FORMS)
def test_engines_run_what_was_pushed_and_give_it_back(
    cli: Cli, context: Path, registry: RegistryServer, engine: Engine, run: Run, form: str
) -> None:
    docker = engine.name != "podman"
    if docker and form == "zstd":
        pytest.skip("Debian's docker is older than zstd layers")
    unchecked = [] if docker else ["--tls-verify=false"]
    name = f"{registry.host}/engines/{form}:1"
    built(cli, context, form, f"type=registry,name={name}")
    engine("pull", "-q", *unchecked, name)
    assert engine.run(name) == "world\n"
    config = digest(
        run("skopeo", "inspect", "--config", "--raw", "--tls-verify=false", f"docker://{name}")
    )
    assert engine.inspect(name)["Id"].removeprefix("sha256:") == config.removeprefix("sha256:")
    back = f"{registry.host}/engines-back/{form}:{'docker' if docker else 'podman'}"
    engine("tag", name, back)
    kept = ["--format=v2s2"] if form in DOCKER_TYPES and not docker else []
    engine("push", *unchecked, *kept, back)
    cli("pull", "-q", back)
    assert json.loads(cli("inspect", back).stdout)[0]["Id"] == config
