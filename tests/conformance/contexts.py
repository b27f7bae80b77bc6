"""What a case builds from: directories with owners and times, archives, and a server.

In:  a case of a corpus.
Out: its contexts as directories, and the address of what it fetches.
"""

from __future__ import annotations

import base64
import bz2
import email.utils
import gzip
import http.server
import io
import lzma
import os
import socket
import subprocess
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from archive_rig import zstd
from git_server import git_server
from server_rig import serving

Json = dict[str, Any]

DATE = 1_500_000_000
_COMPRESS = {
    "tar": bytes,
    "tar.gz": lambda data: gzip.compress(data, mtime=0),
    "tar.bz2": bz2.compress,
    "tar.xz": lzma.compress,
    "tar.zst": zstd.compress,
}
_KINDS = {
    "file": tarfile.REGTYPE,
    "dir": tarfile.DIRTYPE,
    "symlink": tarfile.SYMTYPE,
    "hardlink": tarfile.LNKTYPE,
    "fifo": tarfile.FIFOTYPE,
}


def plain_name(name: str) -> str:
    """Return a name of an image or a context as the name of a directory."""
    return name.replace(":", "-").replace("/", "-")


def date_of(case: Json) -> int:
    """Return the time of a case's files without one.

    Each case has its own: builders take a file of one path, size and time for unchanged.
    """
    return DATE + zlib.crc32(case["name"].encode()) % 10_000_000


def entries_of(case: Json, address: str = "") -> list[Json]:
    """Return the entries of a case's context, the Dockerfile among them."""
    path = case.get("dockerfile_path", "Dockerfile")
    entries = list(case.get("context", ()))
    if all(each["path"] != path for each in entries):
        entries.append(_dockerfile(path, case["dockerfile"], address))
    return entries


def _dockerfile(path: str, text: str, address: str) -> Json:
    return {"path": path, "type": "file", "content": text.replace("@HTTP@", address)}


def steps_of(case: Json, address: str = "") -> Iterator[tuple[list[Json], Json]]:
    """Yield the entries of the context and the options of each build of a sequence."""
    path = case.get("dockerfile_path", "Dockerfile")
    entries = {each["path"]: each for each in entries_of(case, address)}
    options: Json = dict(case.get("options", {}))
    for number, step in enumerate(case["steps"]):
        for change in step.get("changes", ()):
            _apply(entries, change)
        if "dockerfile" in step:
            made = _dockerfile(path, step["dockerfile"], address)
            entries[path] = {**made, "mtime": DATE + number}
        options = {**options, **step.get("options", {})}
        yield list(entries.values()), options


def _apply(entries: dict[str, Json], change: Json) -> None:
    if change["op"] == "write":
        entries[change["entry"]["path"]] = change["entry"]
        return
    old = change["path"]
    for path in [each for each in entries if f"{each}/".startswith(f"{old}/")]:
        entry = entries.pop(path)
        if change["op"] == "rename":
            new = change["to"] + path[len(old) :]
            entries[new] = {**entry, "path": new}


def has_owners(case: Json) -> bool:
    """Tell whether only root can make the contexts of a case."""
    named = case.get("options", {}).get("build_contexts", {}).values()
    entries = [*case.get("context", ()), *(e for each in named for e in each.get("context", ()))]
    return any(each.get("uid") or each.get("gid") or each.get("xattrs") for each in entries)


def write_contexts(case: Json, root: Path, address: str = "") -> None:
    """Make ``context`` below a directory, and ``named-NAME`` for each named one."""
    write_context(entries_of(case, address), root / "context", date=date_of(case))
    write_named(case.get("options", {}), root, date=date_of(case))


def write_named(options: Json, root: Path, *, date: int) -> None:
    """Make the named contexts that are directories."""
    for name, source in options.get("build_contexts", {}).items():
        if "context" in source:
            write_context(source["context"], root / f"named-{plain_name(name)}", date=date)


def write_context(entries: Iterable[Json], root: Path, *, date: int = DATE) -> None:
    """Make a directory of entries. Owners are set by root only."""
    root.mkdir(parents=True, exist_ok=True)
    root.chmod(0o755)
    # Directories first, links to files last.
    order = {"dir": 0, "hardlink": 2}
    listed = sorted(entries, key=lambda each: (order.get(each["type"], 1), each["path"]))
    for entry in listed:
        _make(entry, root)
    # From below: a file changes its directory's time, and a directory may lose its permissions.
    for entry in sorted(listed, key=lambda each: str(each["path"]), reverse=True):
        if entry["type"] != "hardlink":
            _set_metadata(entry, root / entry["path"], date)
    os.utime(root, (date, date))


def _make(entry: Json, root: Path) -> None:
    path = root / entry["path"]
    path.parent.mkdir(parents=True, exist_ok=True)
    match entry["type"]:
        case "dir":
            path.mkdir(exist_ok=True)
        case "symlink":
            path.symlink_to(entry["target"])
        case "hardlink":
            path.hardlink_to(root / entry["target"])
        case "fifo":
            os.mkfifo(path)
        case "socket":
            # Names of sockets are short: relative to a descriptor of the directory.
            parent = os.open(path.parent, os.O_PATH)
            with socket.socket(socket.AF_UNIX) as made:
                made.bind(f"/proc/self/fd/{parent}/{path.name}")
            os.close(parent)
        case "file":
            path.write_bytes(content_of(entry))
        case kind:
            raise ValueError(kind)


def _set_metadata(entry: Json, path: Path, date: int) -> None:
    if os.geteuid() == 0:
        os.chown(path, entry.get("uid", 0), entry.get("gid", 0), follow_symlinks=False)
    for name, value in entry.get("xattrs", {}).items():
        os.setxattr(path, name, value.encode(), follow_symlinks=False)
    if entry["type"] != "symlink":
        path.chmod(int(entry.get("mode", "0755" if entry["type"] == "dir" else "0644"), 8))
    time = entry.get("mtime", date)
    os.utime(path, (time, time), follow_symlinks=False)


def content_of(entry: Json) -> bytes:
    """Return the bytes of a file of a context, an archive or a server."""
    if "tar" in entry:
        return _COMPRESS[entry["tar"]](_archive(entry["members"]))
    if "content_b64" in entry:
        return base64.b64decode(entry["content_b64"])
    return str(entry.get("content", "")).encode()


def _archive(members: Iterable[Json]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for each in members:
            member = tarfile.TarInfo(each["path"])
            member.type = _KINDS[each["type"]]
            member.mode = int(each.get("mode", "0755" if each["type"] == "dir" else "0644"), 8)
            member.uid, member.gid = each.get("uid", 0), each.get("gid", 0)
            member.mtime = each.get("mtime", DATE)
            member.linkname = each.get("target", "")
            data = content_of(each) if each["type"] == "file" else b""
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return out.getvalue()


@contextmanager
def served(case: Json, place: Path) -> Iterator[str]:
    """Serve a case's files and git repositories; yield the address, empty if it has none.

    Args:
        case: The case.
        place: Where repositories are made.
    """
    files = {each["path"]: each for each in case.get("http", ())}
    if not files and not case.get("git"):
        yield ""
        return

    def answer(handler: http.server.BaseHTTPRequestHandler) -> bool:
        file = files.get(handler.path.partition("?")[0])
        if file is None and case.get("git") and ".git" in handler.path:
            return False
        _answer(handler, file)
        return True

    if case.get("git"):
        _make_repositories(case["git"], place)
        with git_server(place, before=answer) as requests:
            yield f"http://{requests.host}"
    else:
        with serving(answer) as host:
            yield f"http://{host}"


def _answer(handler: http.server.BaseHTTPRequestHandler, file: Json | None) -> None:
    body = content_of(file) if file is not None and "redirect" not in file else b""
    status = 404 if file is None else 302 if "redirect" in file else file.get("status", 200)
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body)))
    for name, value in (file or {}).get("headers", {}).items():
        handler.send_header(name, value)
    if file is not None and "redirect" in file:
        handler.send_header("Location", file["redirect"])
    time = (file or {}).get("last_modified", (file or {}).get("mtime"))
    if time is not None:
        handler.send_header("Last-Modified", email.utils.formatdate(time, usegmt=True))
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(body)


def _make_repositories(entries: Iterable[Json], place: Path) -> None:
    """Make work trees of ``NAME/PATH`` entries: one commit on ``main`` with the tag ``v1``.

    Commits have one time and one author, so that their digests are always the same.
    """
    trees = set()
    for entry in entries:
        _make(entry, place)
        path = place / entry["path"]
        path.chmod(int(entry.get("mode", "0644"), 8))
        trees.add(place / Path(entry["path"]).parts[0])
    who = {
        f"GIT_{each}_{key}": "a@b" for each in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")
    }
    when = {f"GIT_{each}_DATE": f"{DATE} +0000" for each in ("AUTHOR", "COMMITTER")}
    for tree in sorted(trees):
        quiet = {"PATH": os.environ["PATH"], "HOME": str(place), "GIT_CONFIG_NOSYSTEM": "1"}
        for command in (
            ["init", "-q", "-b", "main"],
            ["config", "uploadpack.allowAnySHA1InWant", "true"],
            ["add", "-A"],
            ["commit", "-qm", "one"],
            ["tag", "v1"],
        ):
            subprocess.run(["git", *command], cwd=tree, env={**quiet, **who, **when}, check=True)
