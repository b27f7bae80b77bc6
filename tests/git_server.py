"""A git server over http on the loopback device, with or without authentication.

In:  a directory of repositories.
Out: its address, and the requests that it got.
"""

from __future__ import annotations

import http.server
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from server_rig import serving


def git(directory: Path, *arguments: str) -> str:
    """Run git as a user who commits."""
    if shutil.which("git") is None:
        if os.environ.get("CI"):
            pytest.fail("git is not installed")
        pytest.skip("git is not installed")
    names = {
        f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(directory),
        "GIT_CONFIG_NOSYSTEM": "1",
        **names,
    }
    done = subprocess.run(
        ["git", "-c", "protocol.file.allow=always", "-c", "safe.directory=*", *arguments],
        cwd=directory, env=environ, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout.strip()


def make_repository(root: Path, name: str, files: dict[str, str]) -> Path:
    """Make a repository with one commit on `main`; return its work tree."""
    tree = root / name
    tree.mkdir(parents=True)
    git(tree, "init", "-q", "-b", "main")
    git(tree, "config", "uploadpack.allowAnySHA1InWant", "true")
    commit(tree, files)
    return tree


def commit(tree: Path, files: dict[str, str]) -> str:
    """Write files and commit them; return the ID."""
    for path, text in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)
    git(tree, "add", "-A")
    git(tree, "commit", "-qm", "x")
    return git(tree, "rev-parse", "HEAD")


class Requests(list[tuple[str, str, str]]):
    """Method, path and Authorization of each request."""

    host = ""

    def paths(self) -> list[str]:
        return [path for _, path, _ in self]


@contextmanager
def git_server(
    root: Path,
    authorized: Callable[[str], bool] = lambda _: True,
    before: Callable[[http.server.BaseHTTPRequestHandler], bool] = lambda _: False,
) -> Iterator[Requests]:
    """Serve `/NAME/.git` of work trees as `/NAME.git`, to the end of the block.

    Args:
        root: Directory of work trees.
        authorized: Whether an Authorization may read.
        before: May answer a request itself; then returns True.
    """
    seen = Requests()
    program = "/usr/lib/git-core/git-http-backend"
    found = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=False)
    program = f"{found.stdout.strip()}/git-http-backend"

    def respond(handler: http.server.BaseHTTPRequestHandler) -> None:
        given = handler.headers.get("Authorization", "")
        seen.append((handler.command, handler.path, given))
        if before(handler):
            return
        if not authorized(given):
            handler.send_response(401)
            handler.send_header("WWW-Authenticate", 'Basic realm="git"')
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        path, _, query = handler.path.partition("?")
        environ = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "PATH_INFO": path.replace(".git/", "/.git/", 1),
            "QUERY_STRING": query,
            "REQUEST_METHOD": handler.command,
            "CONTENT_TYPE": handler.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": handler.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": handler.headers.get("Git-Protocol", ""),
        }
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        if handler.headers.get("Transfer-Encoding") == "chunked":
            while size := int(handler.rfile.readline().strip() or b"0", 16):
                body += handler.rfile.read(size)
                handler.rfile.readline()
        done = subprocess.run([program], input=body, env=environ, capture_output=True, check=False)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if line)
        handler.send_response(int(fields.pop("Status", "200").split()[0]))
        for name, value in fields.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    with serving(respond) as host:
        seen.host = host
        yield seen
