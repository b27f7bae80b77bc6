"""Every example builds, runs, is cached afterwards, and ships what it says."""

from __future__ import annotations

import json
import os
import shutil
import socket
import stat
import tarfile
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from e2e.rig import EXAMPLES, Jettison, as_user, get
from host_tools import lacking
from jettison.api.provenance import open_provenance
from jettison.api.session import Session
from jettison.image.names import find_image
from jettison.provenance.chain import Way
from jettison.provenance.totals import totals
from jettison.settings import Settings
from listing_rig import path_facts
from tar_count import counted, seen_entries, tar_entries
from turns import ALL_LEVELS

pytestmark = [pytest.mark.needs_network, pytest.mark.slow, pytest.mark.xdist_group("bases")]

GREETING = "Hello from a Python multi-stage Docker build!\n"
SERVERS = {
    "go": (("golang:1.21",), "Hello from a Go multi-stage Docker build!\n"),
    "node": (("node:20-alpine",), '{"hello":"from a Node multi-stage Docker build!"}'),
    "node-yarn": (("node:14",), '{"hello":"from a Node multi-stage Docker build with Yarn!"}'),
}


@pytest.fixture
def facts(tmp_path: Path) -> Path:
    return tmp_path / "facts.json"


@pytest.fixture
def port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="session")
def python_image(jettison: Jettison, bases: Callable[..., None], tmp_path_factory) -> str:
    bases("python:3.11-slim", "python:3.11-alpine")
    facts = tmp_path_factory.mktemp("python") / "facts.json"
    jettison.build(EXAMPLES / "python-poetry", "python-multistage", facts)
    return "python-multistage"


@pytest.fixture(scope="session")
def server_image(
    jettison: Jettison, bases: Callable[..., None], tmp_path_factory
) -> Callable[[str], str]:
    def build(name: str) -> str:
        bases(*SERVERS[name][0])
        jettison.build(EXAMPLES / name, f"{name}-multistage", tmp_path_factory.mktemp(name) / "f")
        return f"{name}-multistage"

    return build


def test_python_poetry_prints_its_greeting_and_nothing_else(
    jettison: Jettison, python_image: str
) -> None:
    assert jettison("run", "--rm", python_image).stdout == GREETING


def test_python_poetry_leaves_poetry_behind(
    jettison: Jettison, python_image: str, facts: Path
) -> None:
    stages = {
        stage["name"]: stage
        for stage in jettison.build(EXAMPLES / "python-poetry", python_image, facts)["stages"]
    }
    assert stages["runtime"]["final"]
    assert stages["runtime"]["size_bytes"] < stages["builder"]["size_bytes"] / 2
    found = jettison.try_run("run", "--rm", python_image, "python", "-c", "import poetry")
    assert found.returncode == 1
    assert "No module named 'poetry'" in found.stderr


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_answers_and_ends_when_it_is_told(
    name: str, jettison: Jettison, server_image: Callable[[str], str], port: int
) -> None:
    image = server_image(name)
    run = ("run", "--rm", "--network", "host", "-e", f"PORT={port}", image)
    with jettison.serving(*run, until="listening on") as process:
        assert get(f"http://127.0.0.1:{port}/") == SERVERS[name][1]
    assert process.returncode in {0, 128 + 15}


@pytest.mark.parametrize("name", ["python-poetry", *SERVERS])
def test_the_second_build_of_an_example_runs_nothing_and_says_so(
    name: str,
    jettison: Jettison,
    request: pytest.FixtureRequest,
    server_image: Callable[[str], str],
    facts: Path,
) -> None:
    if name == "python-poetry":
        image = request.getfixturevalue("python_image")
    else:
        image = server_image(name)
    again = jettison("build", "--ca-bundle", "host", "-t", image, EXAMPLES / name)
    assert "nothing to run" in again.stderr
    assert jettison.build(EXAMPLES / name, image, facts)["executed"] == 0


def test_a_changed_source_file_reruns_only_what_depends_on_it(
    jettison: Jettison, python_image: str, tmp_path: Path, facts: Path
) -> None:
    word = uuid.uuid4().hex  # new to the store that earlier runs of this test used, too
    context = tmp_path / "context"
    shutil.copytree(EXAMPLES / "python-poetry", context)
    main = context / "hello/__main__.py"
    main.write_text(main.read_text().replace("Hello", word))
    built = jettison.build(context, "python-changed", facts)
    assert built["executed"] == 1  # COPY hello
    assert jettison("run", "--rm", "python-changed").stdout == GREETING.replace("Hello", word)


@pytest.mark.parametrize(
    ("file", "flags", "executed"),
    [("greet/greet.go", "", 2), ("main.go", "-ldflags=-buildid=", 2), ("main.go", "", 3)],
)
def test_a_comment_that_compiles_to_the_same_program_changes_nothing_that_ships(
    file: str,
    flags: str,
    executed: int,
    jettison: Jettison,
    bases: Callable[..., None],
    tmp_path: Path,
    facts: Path,
) -> None:
    """Without the flag Go writes an ID of package main's sources into the program."""
    bases("golang:1.21")
    files = {
        "go.mod": "module example.com/hello\ngo 1.21\n",
        "main.go": 'package main\nimport "example.com/hello/greet"\n// one\n'
        "func main() { println(greet.Text()) }\n",
        "greet/greet.go": 'package greet\n// one\nfunc Text() string { return "hello" }\n',
        "Dockerfile": f"""FROM golang:1.21 AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/root/.cache/go-build CGO_ENABLED=0 go build {flags} -o /program .
FROM scratch
COPY --from=build /program /program
""",
    }
    (tmp_path / "context/greet").mkdir(parents=True)
    for name, text in files.items():
        (tmp_path / "context" / name).write_text(text)
    first = jettison.build(tmp_path / "context", "go-comment", facts)
    changed = tmp_path / "context" / file
    changed.write_text(changed.read_text().replace("// one", f"// {uuid.uuid4().hex}"))
    second = jettison.build(tmp_path / "context", "go-comment", facts)
    assert second["executed"] == executed  # COPY and the compiler; then the COPY of what it made
    assert (second["layers"] == first["layers"]) is (executed == 2)


def test_a_target_builds_only_the_stages_that_it_needs(
    jettison: Jettison, server_image: Callable[[str], str], facts: Path
) -> None:
    server_image("go")
    built = jettison.build(EXAMPLES / "go", "myapp:builder", facts, "--target", "builder")
    assert [(s["name"], s["needed"]) for s in built["stages"]] == [("builder", True), ("1", False)]
    version = jettison("run", "--rm", "myapp:builder", "go", "version").stdout
    assert version.startswith("go version go1.21")


def test_the_go_image_holds_the_program_and_the_certificates_and_nothing_else(
    jettison: Jettison, server_image: Callable[[str], str], tmp_path: Path, facts: Path
) -> None:
    image = server_image("go")
    archive = tmp_path / "root.tar"
    built = jettison.build(EXAMPLES / "go", image, facts, "-o", f"type=tar,dest={archive}")
    with tarfile.open(archive) as tar:
        files = sorted("/" + m.name.lstrip("./") for m in tar if not m.isdir())
    assert files == ["/app/certs/example-root.pem", "/app/main"]
    builder, final = built["stages"]
    assert final["size_bytes"] < 0.03 * builder["size_bytes"]


def test_no_ca_bundle_of_the_host_gets_into_an_image(
    jettison: Jettison, python_image: str, tmp_path: Path, facts: Path
) -> None:
    archive = tmp_path / "root.tar"
    jettison.build(
        EXAMPLES / "python-poetry", python_image, facts, "-o", f"type=tar,dest={archive}"
    )
    with tarfile.open(archive) as tar:
        assert not [
            m.name for m in tar if "ca-bundle" in m.name or m.name.startswith("run/jettison")
        ]
    config = json.loads(jettison("inspect", python_image).stdout)[0]["Config"]
    assert not [value for value in config["Env"] if "CERT" in value or "CA_BUNDLE" in value]


@pytest.mark.needs_root
def test_an_unprivileged_user_builds_and_runs_the_same(
    jettison: Jettison, python_image: str, need: Callable[[str], str], tmp_path: Path
) -> None:
    """The user is CI's and has subordinate ids; its base images come from root's store."""
    user = os.environ.get("JETTISON_TEST_USER")
    if user is None:
        pytest.skip("JETTISON_TEST_USER names no unprivileged user")
    for program in ("runuser", "newuidmap"):
        need(program)
    home = Path(tempfile.mkdtemp(prefix="jettison-home-"))
    try:
        shutil.chown(home, user)
        theirs = as_user(user, home)
        if theirs is None:
            lacking(f"a Python that `{user}` may run")
        bundle = home / "bases.tar"
        jettison("save", "-o", bundle, "python:3.11-slim", "python:3.11-alpine")
        bundle.chmod(0o644)
        theirs("load", "-i", bundle)
        theirs("build", "--ca-bundle", "host", "-t", python_image, EXAMPLES / "python-poetry")
        assert theirs("run", "--rm", python_image).stdout == GREETING
    finally:
        shutil.rmtree(home)


@pytest.mark.parametrize("name", ["python", *SERVERS])
def test_provenance_adds_up_to_what_gnu_tar_counts(
    name: str, request: pytest.FixtureRequest, store_root: Path, server_image
) -> None:
    image_name = server_image(name) if name in SERVERS else request.getfixturevalue("python_image")
    with Session.open(Settings(root=str(store_root)), os.environ) as session:
        image = find_image(session.store, image_name)
        layers = tar_entries(session, image)
        provenance = open_provenance(session, image)
        found = totals(provenance)
        for path, (number, *_) in seen_entries(layers).items():
            links = provenance.chain(path).links
            assert links[0].position == number
            assert links[-1].way is not Way.LOST
    assert (found.is_complete, found.lost.files) == (True, 0)
    assert found.visible.bytes == counted(layers)
    assert found.shipped.bytes == sum(e[2] for each in layers for e in each if e[0] == "-")
    parts = [*(each.produced for each in found.stages), *(each.amount for each in found.images)]
    assert sum(each.bytes for each in parts) == found.visible.bytes
    for each in found.stages:
        assert each.reached.bytes + each.left.bytes == each.added.bytes
        assert each.left.bytes >= 0


@pytest.mark.parametrize("name", ["python", *SERVERS])
def test_without_the_line_that_is_named_a_path_of_an_example_is_not_what_it_was(
    name: str, request: pytest.FixtureRequest, jettison: Jettison, server_image, tmp_path: Path
) -> None:
    image_name = server_image(name) if name in SERVERS else request.getfixturevalue("python_image")
    root = jettison.env["JETTISON_ROOT"]
    example = EXAMPLES / ("python-poetry" if name == "python" else name)
    with Session.open(Settings(root=root), os.environ) as session:
        provenance = open_provenance(session, find_image(session.store, image_name))
        before = path_facts(provenance.image.visible)
        named: dict[int, set[str]] = {}
        for path in before:
            link = provenance.chain(path).links[0]
            if link.way is not Way.BASE:
                named.setdefault(link.line, set()).add(path)
    lines = (example / "Dockerfile").read_text().splitlines()
    assert len(named) >= 2
    for line, paths in named.items():
        dockerfile = tmp_path / f"without-{line}"
        dockerfile.write_text("\n".join([*lines[: line - 1], "", *lines[line:]]) + "\n")
        tag = f"without-{line}-of-{name}"
        jettison.build(example, tag, tmp_path / "facts.json", "-f", str(dockerfile))
        with Session.open(Settings(root=root), os.environ) as session:
            other = open_provenance(session, find_image(session.store, tag))
            after = path_facts(other.image.visible)
            for path in paths:
                # A directory that another line makes, too, is that line's now.
                assert before[path] != after.get(path) or other.chain(path).links[0].line != line
                assert before[path] != after.get(path) or stat.S_ISDIR(before[path][0])
        jettison("rmi", tag)


@pytest.mark.skipif(not ALL_LEVELS, reason="compiles Go's library for three processors")
def test_go_is_compiled_for_several_platforms_by_one_builder(
    jettison: Jettison, bases: Callable[..., None], facts: Path, tmp_path: Path
) -> None:
    bases("golang:1.21")
    machines = {"linux/amd64": 62, "linux/arm64": 183, "linux/arm/v7": 40}
    dockerfile = str(EXAMPLES / "go/platforms.Dockerfile")
    flags = ("-f", dockerfile, "--platform", ",".join(machines), "-o", str(tmp_path / "out"))
    built = jettison.build(EXAMPLES / "go", "go-platforms", facts, *flags)
    assert list(built["images"]) == list(machines)
    assert built["executed"] + built["cached"] == 4 + 3 * 3  # up to ARG once, then for each
    for platform, machine in machines.items():
        program = tmp_path / "out" / platform.replace("/", "_") / "app/main"
        assert int.from_bytes(program.read_bytes()[18:20], "little") == machine
