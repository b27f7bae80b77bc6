"""Credentials in addresses open what they are for, and are found nowhere afterwards."""

from __future__ import annotations

import base64
import http.server
import os
import sqlite3
import subprocess
import threading
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest

from git_server import Requests, commit, git, git_server, make_repository
from jettison.why.trace import decode
from scratch_rig import Scratch, grep
from server_rig import DIRECT, serving

pytestmark = [pytest.mark.needs_root, pytest.mark.any_user(by_turns=True)]

TOKEN = "t0p/s3cr3t+t0ken"
PAIR = base64.b64encode(f"me:{TOKEN}".encode()).decode()
TRACES = [TOKEN.encode(), quote(TOKEN, safe="").encode(), PAIR.encode(), PAIR[:16].encode()]


def in_traces(store: Path) -> list[bytes]:
    """Return what is found in what is kept compressed: traces of builds."""
    with closing(sqlite3.connect(store / "state.db")) as database:
        kept = [decode(content) for (content,) in database.execute("SELECT content FROM trace")]
    text = repr(kept).encode()
    return [trace for trace in TRACES if trace in text]


def in_output(done: subprocess.CompletedProcess[str]) -> list[bytes]:
    text = (done.stdout + done.stderr).encode()
    return [trace for trace in TRACES if trace in text]


@pytest.fixture
def repositories(tmp_path: Path) -> Path:
    root = tmp_path / "repositories"
    make_repository(root, "app", {"Dockerfile": "FROM scratch\nCOPY f /f\n", "f": "content"})
    return root


@pytest.fixture
def served(repositories: Path):
    with git_server(repositories, lambda given: given == f"Basic {PAIR}") as requests:
        yield requests


def url(served: Requests, name: str = "app") -> str:
    return f"http://me:{quote(TOKEN, safe='')}@{served.host}/{name}.git"


@pytest.mark.parametrize("way", ["add", "add-arg", "keep", "context", "named", "fails", "denied"])
def test_credentials_of_git_are_nowhere(scratch: Scratch, served: Requests, way: str) -> None:
    flags: list[str | Path] = ["-t", "app", "--metadata-file", scratch.directory / "meta.json"]
    flags += ["-o", f"type=oci,dest={scratch.directory}/oci.tar,compression=none"]
    remote = url(served)
    text = {
        "add": f"FROM scratch\nADD {remote} /src\n",
        "add-arg": "FROM scratch\nARG URL\nADD $URL /src\n",
        "keep": f"FROM scratch\nADD --keep-git-dir=true {remote}#main /src\n",
        "named": "FROM scratch\nCOPY --from=named . /src\n",
        "fails": f"FROM scratch\nADD {remote}#nosuch /src\n",
        "denied": f"FROM scratch\nADD {remote.replace('//me', '//you')} /src\n",
        "context": "",
    }[way]
    if way == "add-arg":
        flags += ["--build-arg", f"URL={remote}"]
    if way == "add":
        flags += ["--build-arg", "BUILDKIT_GIT_DEBUG_COMMANDS=1"]
    if way == "named":
        flags += ["--build-context", f"named={remote}"]
    for progress in ("plain", "rawjson") if way in {"add", "context"} else ("rawjson",):
        if way == "context":
            done = scratch.run("build", f"--progress={progress}", *flags, remote, env=DIRECT)
        else:
            scratch.dockerfile(text, base=False)
            done = scratch.run(
                "build", f"--progress={progress}", *flags, scratch.context, env=DIRECT
            )
        assert (done.returncode == 0) == (way not in {"fails", "denied"}), done.stderr
        assert in_output(done) == []
        assert ("git ls-remote -- http://127" in done.stderr + done.stdout) == (way == "add")
    scratch.context.joinpath("Dockerfile").unlink(missing_ok=True)
    assert grep(TRACES, scratch.store, scratch.directory / "meta.json") == []
    assert in_traces(scratch.store) == []
    if done.returncode == 0:
        assert grep(TRACES, scratch.directory / "oci.tar") == []
        history = scratch.run("history", "--no-trunc", "app")
        assert in_output(history) == []
    if way == "keep":
        layout = scratch.directory / "layout"
        scratch.run("build", "-o", f"type=local,dest={layout}", *flags[:2], scratch.context)
        assert in_output(scratch.run("inspect", "app")) == []


def test_credentials_of_git_are_in_no_argument_list(scratch: Scratch, served: Requests) -> None:
    scratch.dockerfile(f"FROM scratch\nADD {url(served)} /src\n", base=False)
    seen: set[bytes] = set()
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            for name in os.listdir("/proc"):
                if name.isdigit():
                    try:
                        line = Path(f"/proc/{name}/cmdline").read_bytes()
                    except OSError:
                        continue
                    if b"git" in line:
                        seen.add(line)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        done = scratch.run("build", scratch.context, env=DIRECT)
    finally:
        stop.set()
        thread.join()
    assert done.returncode == 0, done.stderr
    ours = [line for line in seen if served.host.encode() in line]
    assert ours
    assert [line for line in ours if any(trace in line for trace in TRACES)] == []


@pytest.mark.parametrize(
    "secret", ["GIT_AUTH_TOKEN", "GIT_AUTH_TOKEN.127.0.0.1", "GIT_AUTH_HEADER"]
)
@pytest.mark.parametrize("way", ["add", "context"])
def test_secrets_open_repositories(
    scratch: Scratch, repositories: Path, secret: str, way: str
) -> None:
    pair = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
    value = f"Basic {pair}" if secret == "GIT_AUTH_HEADER" else TOKEN
    with git_server(repositories, lambda given: given == f"Basic {pair}") as requests:
        remote = f"http://{requests.host}/app.git"
        flags = ["--secret", f"id={secret},env=VALUE"]
        text = f"FROM scratch\nADD {remote} /src\n"
        scratch.dockerfile(text, base=False)
        context = remote if way == "context" else scratch.context
        done = scratch.run("build", *flags, context, env={**DIRECT, "VALUE": value})
        assert done.returncode == 0, done.stderr
        assert in_output(done) == []
        assert grep([*TRACES, pair.encode()], scratch.store) == []


def test_submodules_of_the_same_server_are_opened_and_hold_no_credentials(
    scratch: Scratch, repositories: Path
) -> None:
    module = make_repository(repositories, "module", {"inside": "m"})
    tree = repositories / "app"
    commit(tree, {".gitmodules": '[submodule "m"]\n\tpath = m\n\turl = ../module.git\n'})
    link = f"160000,{git(module, 'rev-parse', 'HEAD')},m"
    git(tree, "update-index", "--add", "--cacheinfo", link)
    git(tree, "commit", "-qm", "link")
    out = scratch.directory / "out"
    with git_server(repositories, lambda given: given == f"Basic {PAIR}") as requests:
        scratch.dockerfile(
            f"FROM scratch\nADD --keep-git-dir=true {url(requests)} /src\n", base=False
        )
        done = scratch.run("build", "-o", f"type=local,dest={out}", scratch.context, env=DIRECT)
    assert done.returncode == 0, done.stderr
    assert in_output(done) == []
    assert (out / "src/m/inside").read_text() == "m"
    assert "/module.git" in (out / "src/.git/modules/m/config").read_text()
    assert grep(TRACES, out, scratch.store) == []


def test_a_redirect_to_another_place_gets_no_credentials(
    scratch: Scratch, repositories: Path
) -> None:
    with git_server(repositories) as elsewhere:

        def redirect(handler: http.server.BaseHTTPRequestHandler) -> bool:
            handler.send_response(301)
            handler.send_header("Location", f"http://{elsewhere.host}{handler.path}")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return True

        with git_server(repositories, before=redirect) as first:
            scratch.dockerfile(f"FROM scratch\nADD {url(first)} /src\n", base=False)
            done = scratch.run("build", scratch.context, env=DIRECT)
    assert done.returncode == 0, done.stderr
    assert {given for _, _, given in first} == {f"Basic {PAIR}"}
    assert {given for _, _, given in elsewhere} == {""}


def test_a_redirect_of_the_same_server_keeps_the_credentials(
    scratch: Scratch, repositories: Path
) -> None:
    def renamed(handler: http.server.BaseHTTPRequestHandler) -> bool:
        if not handler.path.startswith("/old.git"):
            return False
        handler.send_response(301)
        handler.send_header("Location", handler.path.replace("/old", "/app"))
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return True

    with git_server(repositories, lambda given: given == f"Basic {PAIR}", renamed) as requests:
        scratch.dockerfile(f"FROM scratch\nADD {url(requests, 'old')} /src\n", base=False)
        done = scratch.run("build", scratch.context, env=DIRECT)
    assert done.returncode == 0, done.stderr
    assert {given for _, _, given in requests} == {f"Basic {PAIR}"}


@pytest.mark.parametrize("secret", ["", "HTTP_AUTH_TOKEN_127.0.0.1", "HTTP_AUTH_HEADER_127.0.0.1"])
def test_credentials_of_downloads_are_nowhere(scratch: Scratch, secret: str) -> None:
    bearer = secret.startswith("HTTP_AUTH_TOKEN")
    expected = f"Bearer {TOKEN}" if bearer else f"Basic {PAIR}"

    def respond(handler: http.server.BaseHTTPRequestHandler) -> None:
        good = handler.headers.get("Authorization") == expected
        handler.send_response(200 if good else 401)
        handler.send_header("Content-Length", "4")
        handler.end_headers()
        handler.wfile.write(b"file")

    with serving(respond) as host:
        user = "" if secret else f"me:{quote(TOKEN, safe='')}@"
        flags = ["--secret", f"id={secret},env=VALUE"] if secret else []
        value = TOKEN if bearer else f"Basic {PAIR}"
        scratch.dockerfile(f"FROM scratch\nADD http://{user}{host}/f /f\n", base=False)
        done = scratch.run(
            "build", "-t", "app", *flags, scratch.context, env={**DIRECT, "VALUE": value}
        )
        assert done.returncode == 0, done.stderr
        assert in_output(done) == []
        assert in_output(scratch.run("history", "--no-trunc", "app")) == []
        assert grep(TRACES, scratch.store) == []


def test_the_excerpt_of_an_error_shows_no_password(scratch: Scratch) -> None:
    scratch.dockerfile(
        f"FROM scratch\nADD https://me:{quote(TOKEN, safe='')}@h/x.git?no=1 /x\n", base=False
    )
    done = scratch.run("build", scratch.context)
    assert "unexpected query" in done.stderr
    assert in_output(done) == []


PROXY = f"http://me:{quote(TOKEN, safe='')}@127.0.0.1:9"


@pytest.mark.parametrize("way", ["argument", "environment"])
def test_the_password_of_a_proxy_is_masked(scratch: Scratch, way: str) -> None:
    flags = ["--build-arg", f"HTTP_PROXY={PROXY}"] if way == "argument" else []
    environ = {} if flags else {"HTTP_PROXY": PROXY}
    done = scratch.build(
        "FROM busybox\nRUN env | grep -i http_proxy; echo ${HTTP_PROXY#*me:}\n"
        f"RUN printf %s '{TOKEN[:5]}'; printf '%s\\n' '{TOKEN[5:]}'\n",
        "-t", "app", *flags, env=environ,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "HTTP_PROXY=http" in done.stderr
    assert in_output(done) == []
    assert in_output(scratch.run("history", "--no-trunc", "app")) == []
    assert grep(TRACES, scratch.store) == []


def test_a_proxy_s_password_in_a_layer_fails_the_build(scratch: Scratch) -> None:
    flags = ["--build-arg", f"HTTP_PROXY={PROXY}"]
    text = "FROM busybox\nRUN echo $HTTP_PROXY > /etc/proxy\n"
    done = scratch.build(text, *flags)
    assert done.returncode == 1
    assert "HTTP_PROXY" in done.stderr
    assert "/etc/proxy" in done.stderr
    assert in_output(done) == []
    assert scratch.build(text, "--allow-secret-in-layer", *flags).returncode == 0
    assert scratch.build(text, *flags).returncode == 1  # not found under the other key
