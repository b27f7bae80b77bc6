"""Images through the command line: names, facts, archives, registries, disk, host."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from e2e.command import Cli
from registry_server import PASSWORD, USER, RegistryServer


@pytest.fixture
def app(cli: Cli, request: pytest.FixtureRequest) -> str:
    """The name of an image that no other test has."""
    name = "app-" + re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")
    text = f"FROM box\nRUN echo {name} > /name\nLABEL who={name}\nCMD cat /name\n"
    cli("build", "-q", "-t", name, cli.context({"Dockerfile": text}))
    return name


@pytest.fixture(params=["none", "basic"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RegistryServer]:
    """A registry; its connections are not encrypted, since it is on this machine."""
    with RegistryServer(tmp_path / "registry", request.param) as server:
        yield server


def packed_blobs(cli: Cli) -> set[str]:
    """Return the blobs of the store that are gzip files."""
    files = Path(cli.env["JETTISON_ROOT"], "blobs/sha256").iterdir()
    return {path.name for path in files if path.read_bytes()[:2] == b"\x1f\x8b"}


def test_layers_under_a_registry_s_name_are_packed_before_they_are_pushed(
    cli: Cli, registry: RegistryServer
):
    text = f"FROM box\nRUN echo {registry.port} > /first\nRUN echo {registry.port} > /second\n"
    context = cli.context({"Dockerfile": text})
    if registry.auth == "basic":
        cli("login", "-u", USER, "--password-stdin", registry.host, stdin=PASSWORD.encode())
    cli("tag", "box", f"{registry.host}/early/box")
    cli("push", f"{registry.host}/early/box")
    before = packed_blobs(cli)
    cli("build", "-q", "-t", "local", "--no-cache", context)
    assert packed_blobs(cli) == before
    name = f"{registry.host}/early/app"
    cli("build", "-q", "-t", "local", "-t", name, "--no-cache", context)
    made = packed_blobs(cli)
    assert len(made - before) == 2
    cli("push", name)
    assert packed_blobs(cli) == made


def test_a_cached_build_packs_nothing_for_a_push(cli: Cli, registry: RegistryServer):
    text = f"FROM box\nRUN echo {registry.port} > /cached\n"
    context = cli.context({"Dockerfile": text})
    cli("build", "-q", "-t", "local", context)
    before = packed_blobs(cli)
    cli("build", "-q", "-t", f"{registry.host}/early/cached", context)
    assert packed_blobs(cli) == before


def test_images_are_listed_named_and_removed(cli: Cli, app: str):
    image_id = cli("images", "-q", "--no-trunc", app).stdout.strip()
    assert re.fullmatch(r"sha256:\w{64}", image_id)
    cli("tag", app, "other/name:2.0")
    table = cli("image", "ls").stdout
    assert table.startswith("REPOSITORY")
    assert re.search(rf"^other/name +2\.0 +{image_id[7:19]} ", table, re.MULTILINE)
    rows = [
        json.loads(line)
        for line in cli("images", "--no-trunc", "--format", "json").stdout.splitlines()
    ]
    assert {row["Repository"] for row in rows if row["ID"] == image_id} == {app, "other/name"}
    assert cli("rmi", app).stdout == f"Untagged: {app}:latest\n"
    assert cli("run", "--rm", image_id[7:19]).stdout == f"{app}\n"
    said = cli("rmi", image_id).stdout.splitlines()
    assert said == ["Untagged: other/name:2.0", f"Deleted: {image_id}"]
    assert cli.attempt("inspect", image_id).returncode == 1
    assert cli.attempt("rmi", app).returncode == 4
    cli("rmi", "-f", app)


def test_an_image_with_several_names_is_removed_by_force_only(cli: Cli, app: str):
    cli("tag", app, f"{app}:second")
    image_id = cli("images", "-q", app).stdout.strip()
    said = cli.attempt("rmi", image_id)
    assert said.returncode != 0
    assert "--force" in said.stderr
    cli("rmi", "--force", image_id)
    assert cli("images", "-q", app).stdout == ""


def test_facts_and_history_are_docker_s(cli: Cli, app: str):
    facts = json.loads(cli("inspect", app).stdout)[0]
    assert facts["RepoTags"] == [f"{app}:latest"]
    assert facts["Config"]["Cmd"] == ["/bin/sh", "-c", "cat /name"]
    assert facts["Config"]["Labels"] == {"who": app}
    assert len(facts["RootFS"]["Layers"]) == 4
    assert cli("inspect", "-f", "{{.Os}}", app).stdout == "linux\n"
    lines = cli("history", "--no-trunc", app).stdout.splitlines()
    assert lines[0].split()[:2] == ["IMAGE", "CREATED"]
    assert f"LABEL who={app}" in "\n".join(lines)
    assert len(cli("history", "-q", app).stdout.splitlines()) == len(lines) - 1


def test_a_saved_image_loads_elsewhere_and_runs(cli: Cli, app: str):
    archive = cli.output(".tar")
    cli("tag", app, f"{app}:second")
    cli("save", "-o", archive, app, f"{app}:second", "box")
    other = cli.with_store("store-loaded")
    said = other("load", "-i", archive).stdout
    assert f"Loaded image: {app}:latest" in said
    assert f"Loaded image: {app}:second" in said
    assert other("run", "--rm", f"{app}:second").stdout == f"{app}\n"
    ids = [each("images", "-q", "--no-trunc", app).stdout for each in (cli, other)]
    assert ids[0] == ids[1]
    streamed = cli.raw("save", app).stdout
    assert f"Loaded image: {app}:latest" in other("load", stdin=streamed).stdout


def test_an_archive_that_is_none_is_refused(cli: Cli):
    said = cli.attempt("load", stdin=b"this is no archive" * 100)
    assert said.returncode == 4
    assert said.stderr.startswith("ERROR: ")
    assert cli.attempt("load", "-i", "/no/such/file").returncode == 4


@pytest.mark.parametrize("kind", ["docker", "oci"])
def test_archives_are_accepted_by_other_tools(
    cli: Cli, app: str, kind: str, need: Callable[[str], str], tmp_path: Path
):
    archive = cli.output(".tar")
    context = cli.context({"Dockerfile": f"FROM {app}\nENV KIND={kind}\n"})
    cli("build", "-t", app, "-o", f"type={kind},dest={archive}", context)
    image_id = cli("images", "-q", "--no-trunc", app).stdout.strip()
    form = {"docker": "docker-archive", "oci": "oci-archive"}[kind]
    command = [need("skopeo"), "inspect", "--raw", "--config", f"{form}:{archive}"]
    config = subprocess.run(command, check=True, capture_output=True).stdout
    assert f"KIND={kind}" in json.loads(config)["config"]["Env"]
    if os.geteuid() == 0:
        runroot = tempfile.mkdtemp(prefix="jp-")  # podman takes 50 characters at most
        podman = [need("podman"), "--root", tmp_path / "podman", "--runroot", runroot]
        podman += ["--storage-driver", "vfs", "--cgroup-manager", "cgroupfs"]
        loaded = subprocess.run([*podman, "load", "-i", archive], check=True, capture_output=True)
        assert b"Loaded image" in loaded.stdout
        listed = subprocess.run(
            [*podman, "images", "-q", "--no-trunc"], check=True, capture_output=True, text=True
        )
        assert listed.stdout.strip() == image_id
        shutil.rmtree(runroot)
        shutil.rmtree(tmp_path / "podman")


def test_outputs_of_every_type_are_written(cli: Cli, app: str):
    context = cli.context({"Dockerfile": f"FROM scratch\nCOPY --from={app} /name /sub/name\n"})
    directory, tar, layout = cli.output(), cli.output(".tar"), cli.output()
    cli(
        "build", "-o", directory, "-o", f"type=tar,dest={tar}", "-o",
        f"type=oci,tar=false,dest={layout}", "-o", f"type=oci,dest={layout}.tar,compression=zstd",
        context,
    )  # fmt: skip
    assert (directory / "sub" / "name").read_text() == f"{app}\n"
    with tarfile.open(tar) as archive:
        assert archive.getnames() == ["sub", "sub/name"]
    assert json.loads((layout / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    streamed = cli.raw("build", "-o", "-", context).stdout
    assert streamed == tar.read_bytes()
    text = f"FROM base\nRUN test $(cat /sub/name) = {app}\n".replace(
        "RUN", "COPY --from=box / /\nRUN"
    )
    cli(
        "build", "--build-context", f"base=oci-layout://{layout}", cli.context({"Dockerfile": text})
    )  # fmt: skip


def test_a_wrong_output_is_refused_before_anything_is_built(cli: Cli):
    context = cli.context({"Dockerfile": "FROM box\nRUN echo never again > /x\n"})
    for output in ("type=nonsense", "type=oci,dest=x,nonsense=1", "dest=x", "type=tar,dest"):
        said = cli.attempt("build", "-o", output, context)
        assert said.returncode == 125, output
        assert "hint:" in said.stderr or "key=value" in said.stderr
        assert "echo never" not in said.stderr


def test_images_travel_through_a_registry(cli: Cli, app: str, registry: RegistryServer):
    name = f"{registry.host}/team/{app}:1"
    cli("tag", app, name)
    if registry.auth == "basic":
        said = cli.attempt("push", name)
        assert said.returncode == 4
        assert "jettison login" in said.stderr
        wrong = cli.attempt("login", registry.host, "-u", USER, "-p", "wrong")
        assert wrong.returncode == 4
        login = ("login", registry.host, "-u", USER, "--password-stdin")
        said = cli(*login, stdin=PASSWORD.encode() + b"\n")
        assert "Login Succeeded" in said.stdout
    digest = cli("push", name).stdout.strip()
    assert re.fullmatch(r"sha256:\w{64}", digest)
    other = cli.with_store(f"store-pulled-{registry.auth}")
    assert digest in other("pull", name).stdout
    assert other("run", "--rm", name).stdout == f"{app}\n"
    by_digest = f"{registry.host}/team/{app}@{digest}"
    other("rmi", name)
    other("pull", by_digest)
    assert other("run", "--rm", by_digest).stdout == f"{app}\n"
    context = cli.context({"Dockerfile": f"FROM {name}\nRUN cat /name > /copy\nCMD cat /copy\n"})
    pushed = f"{registry.host}/team/{app}:2"
    other("build", "--pull", "--push", "-t", pushed, context)
    assert cli("run", "--rm", "--pull", "always", pushed).stdout == f"{app}\n"
    if registry.auth == "basic":
        assert "Removing" in cli("logout", registry.host).stdout
        assert cli.attempt("pull", name).returncode == 4


def test_pull_asks_the_registry_for_a_newer_base(cli: Cli, tmp_path: Path):
    with RegistryServer(tmp_path / "registry") as registry:
        base = f"{registry.host}/base"
        for word in ("old", "new"):
            text = f"FROM box\nRUN echo {word} > /word\n"
            cli("build", "-q", "--push", "-t", base, cli.context({"Dockerfile": text}))
            if word == "old":
                other = cli.with_store("store-newer")
                user = cli.context({"Dockerfile": f"FROM {base}\nRUN cat /word > /copy\n"})
                other("build", "-t", "user", user)
        other("build", "-t", "user", user)
        assert other("run", "--rm", "user", "cat", "/copy").stdout == "old\n"
        other("build", "--pull", "-t", "user", user)
        assert other("run", "--rm", "user", "cat", "/copy").stdout == "new\n"


def test_what_nothing_needs_is_removed_and_images_stay(cli: Cli):
    own = cli.with_store("store-pruned")
    archive = cli.output(".tar")
    cli("save", "-o", archive, "box")
    own("load", "-i", archive)
    text = "FROM box AS fat\nRUN dd if=/dev/zero of=/fat bs=1M count=3\nFROM box\n"
    text += "COPY --from=fat /etc/passwd /thin\n"
    context = cli.context({"Dockerfile": text})
    own("build", "-t", "thin", context)
    usage = own("du").stdout
    assert re.search(r"3\.146MB +build cache ", usage)
    own("prune", "-f")
    assert "3.146MB" in own("system", "df").stdout
    assert own("builder", "prune", "-a", stdin=b"n\n").stdout == ""
    said = own("builder", "prune", "-a", stdin=b"y\n").stdout
    assert "Total:\t3.146MB" in said
    assert "3.146MB" not in own("du").stdout
    assert own("run", "--rm", "thin", "head", "-c4", "/thin").stdout == "root"
    own("build", "-t", "thin", context)


def test_images_without_a_name_are_listed_and_removed_on_request(cli: Cli):
    own = cli.with_store("store-nameless")
    archive = cli.output(".tar")
    cli("save", "-o", archive, "box")
    own("load", "-i", archive)
    for word in ("first", "second"):
        text = f"FROM box\nRUN echo {word} > /word\n"
        own("build", "-t", "moved", cli.context({"Dockerfile": text}))
    assert len(re.findall("^<none> +<none> ", own("images").stdout, re.MULTILINE)) == 1
    nameless = own("images", "-q", "--filter", "dangling=true").stdout.split()
    assert len(nameless) == 1
    assert nameless[0] not in own("images", "-q", "-f", "dangling=false").stdout
    assert own("image", "prune", stdin=b"n\n").stdout == ""
    assert own.attempt("image", "prune").returncode == 0  # nobody answers
    assert nameless[0] in own("image", "prune", "-f").stdout
    assert "<none>" not in own("images").stdout
    assert own("run", "--rm", "moved", "cat", "/word").stdout == "second\n"
    assert own("images", "-q", "mov*").stdout == own("images", "-q", "moved:latest").stdout
    assert own.attempt("images", "-f", "nonsense=1").returncode == 125
    assert own.attempt("image", "prune", "-a").returncode == 0


def test_the_version_and_the_state_of_the_host_are_told(cli: Cli):
    assert re.fullmatch(r"jettison \d+\.\d+\.\d+\n", cli("--version").stdout)
    assert "Version:" in cli("version").stdout
    assert json.loads(cli("version", "-f", "json").stdout)["Os"] == "linux"
    if cli.prefix:
        checks = json.loads(cli("doctor", "--format", "json").stdout)
        assert {"check", "ok", "detail", "remedy"} == set(checks[0])
        details = {each["check"]: each["detail"] for each in checks}
        assert details["sandbox embedded"] == "works, and is used"
    else:
        said = cli("doctor").stdout
        assert re.search(r"^ok +sandbox embedded +works, and is used$", said, re.MULTILINE)
        assert "This host can build images" in said


def test_doctor_says_what_is_missing_without_subordinate_ids(cli: Cli):
    """Uid 54321 is nobody's, so nobody lent ids to it."""
    if cli.prefix or os.geteuid() != 0:
        pytest.skip("root becomes somebody unknown")
    nobody = Cli(cli.work, [shutil.which("setpriv") or "", "--reuid=54321", "--clear-groups",
                            shutil.which("env") or ""], cli.python)  # fmt: skip
    python = next((p for p in (cli.python, "/usr/bin/python3") if _runs(nobody, p)), "")
    if not python:
        pytest.skip("no Python that everybody may execute")
    nobody.python = python
    home = cli.context({"x": ""})
    os.chown(home, 54321, 54321)
    cli.work.chmod(0o755)
    nobody.env |= {"JETTISON_ROOT": str(home / "store"), "HOME": str(home)}
    said = nobody.attempt("doctor")
    assert "usermod --add-subuids" in said.stdout
    assert re.search(r"^missing sandbox embedded +.*no subordinate uids", said.stdout, re.MULTILINE)
    can = "can" if said.returncode == 0 else "cannot"
    assert f"This host {can} build images" in said.stdout


def _runs(cli: Cli, python: str) -> bool:
    return (
        subprocess.run([*cli.prefix, python, "-c", ""], capture_output=True, check=False).returncode
        == 0
    )
