"""Dockerfiles, contexts and steps that promise more than a machine has, or never end."""

from __future__ import annotations

import os
import resource
import socket
import stat
import subprocess
import tarfile
from pathlib import Path

import pytest

from scratch_rig import Scratch

MEMORY = 1 << 30


def build_within_bounds(scratch: Scratch, *flags: str) -> subprocess.CompletedProcess[str]:
    """Build in at most 30 s and 1 GiB of memory."""
    return subprocess.run(
        scratch.argv("build", "--progress=plain", *flags, scratch.context),
        env=scratch.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),
    )


GROWTH = {
    "env": "FROM scratch\nENV A=0123456789\n" + 'ENV A="$A$A$A$A"\n' * 40,
    "arg": "FROM scratch\nARG A=0123456789\n" + "ARG A=$A$A\n" * 40,
    "global": "ARG A=0123456789\n" + "ARG A=$A$A$A\n" * 40 + "FROM $A\n",
    "two": "FROM scratch\nENV A=0 B=0\n" + "ENV A=$B$B\nENV B=$A${A:-x}$A\n" * 30,
    "label": "FROM scratch\nENV A=0123456789\n" + "ENV A=$A$A\n" * 16 + f"LABEL a={'$A' * 1000}\n",
    "replace": "FROM scratch\nENV A=aaaaaaaaaa\n" + "ENV A=$A$A\n" * 16 + "ENV B=${A//a/$A}\n",
    "many": "FROM scratch\nENV A=0123456789\n"
    + "ENV A=$A$A\n" * 15
    + "".join(f"ENV B{n}=$A\n" for n in range(300)),
    "heredoc": "FROM scratch\nENV A=0123456789\n"
    + "ENV A=$A$A\n" * 16
    + f"COPY <<EOF /x\n{'$A' * 1000}\nEOF\n",
}


@pytest.mark.parametrize("kind", GROWTH)
def test_variables_that_grow_without_end_are_an_error_at_their_line(
    scratch: Scratch, kind: str
) -> None:
    scratch.dockerfile(GROWTH[kind], base=False)
    done = build_within_bounds(scratch)
    assert done.returncode == 3, done.stderr[-2000:]
    assert "MiB" in done.stderr
    assert ">>>" in done.stderr
    assert "hint:" in done.stderr
    assert len(done.stderr) < 10_000
    if kind in {"env", "many"}:
        command = scratch.argv("check", scratch.context)
        done = subprocess.run(command, env=scratch.env, timeout=30, check=False)
        assert done.returncode != 70


def test_names_of_steps_do_not_grow_with_their_variables(scratch: Scratch) -> None:
    text = "FROM scratch\nENV A=0123456789\n" + "ENV A=$A$A\n" * 13
    scratch.dockerfile(text + f"COPY busybox /\nRUN [\"/busybox\", \"true\", \"{'$A' * 2000}\"]\n", base=False)  # fmt: skip
    done = build_within_bounds(scratch)
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(done.stderr) < 200_000


@pytest.mark.needs_root
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Dockerfile", "pipe"),
        ("Dockerfile", "socket"),
        ("Dockerfile", "device"),
        ("Dockerfile", "directory"),
        (".dockerignore", "pipe"),
        (".dockerignore", "device"),
        (".dockerignore", "directory"),
        ("Dockerfile.dockerignore", "socket"),
    ],
)
def test_a_dockerfile_or_ignore_file_of_another_type_is_told(
    scratch: Scratch, name: str, kind: str
) -> None:
    scratch.dockerfile("FROM scratch\nCOPY busybox /\n", base=False)
    path = scratch.context / name
    path.unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX)
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "socket":
            # The path may be too long to bind to.
            directory = os.open(scratch.context, os.O_RDONLY)
            server.bind(f"/proc/self/fd/{directory}/{name}")
            os.close(directory)
        case "device":
            os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))
        case "directory":
            path.mkdir()
    done = build_within_bounds(scratch)
    server.close()
    assert done.returncode == 4, done.stderr
    assert f"is a {kind}" in done.stderr
    for flags in (["-f", str(path)],) if name == "Dockerfile" else ():
        done = build_within_bounds(scratch, *flags)
        assert done.returncode == 4, done.stderr
        assert f"is a {kind}" in done.stderr


def test_a_dockerfile_may_come_through_a_pipe_of_the_shell(scratch: Scratch) -> None:
    command = " ".join(scratch.argv("build", "--progress=plain", "-f", "<(echo FROM scratch; echo COPY busybox /)"))  # fmt: skip
    done = subprocess.run(
        ["bash", "-c", f"{command} {scratch.context}"],
        env=scratch.env,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_ignore_files_that_never_end_are_told(scratch: Scratch, tmp_path: Path) -> None:
    scratch.dockerfile("FROM scratch\nCOPY busybox /\n", base=False)
    with (scratch.context / ".dockerignore").open("wb") as file:
        file.truncate(1 << 40)
    done = build_within_bounds(scratch)
    assert done.returncode == 4, done.stderr
    assert "larger than 8 MiB" in done.stderr


def sparse_archive(path: Path, size: int, form: str) -> None:
    """Write a tar with a file of a hole: GNU's old format, or one of those in pax headers."""
    small = tarfile.TarInfo("small").tobuf(tarfile.GNU_FORMAT)
    entry = tarfile.TarInfo("big")
    if form == "old":
        header = bytearray(entry.tobuf(tarfile.GNU_FORMAT))
        header[156:157] = b"S"
        header[386:410] = b"00000000000\0" * 2
        header[483:495] = b"\x80" + size.to_bytes(11, "big")
        header[148:156] = b" " * 8
        header[148:156] = b"%06o\0 " % sum(header)
        path.write_bytes(small + bytes(header) + bytes(1024))
        return
    records = {"GNU.sparse.realsize": str(size), "GNU.sparse.name": "big", "GNU.sparse.map": "0,0"}
    records |= {"GNU.sparse.major": "0", "GNU.sparse.minor": "1"}
    entry.pax_headers = records
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(tarfile.TarInfo("small"))
        tar.addfile(entry)


@pytest.mark.parametrize("form", ["old", "pax"])
@pytest.mark.parametrize("size", [(1 << 63) - 1, 1 << 39])
def test_an_archive_that_promises_holes_without_end_is_refused(
    scratch: Scratch, form: str, size: int
) -> None:
    sparse_archive(scratch.context / "big.tar", size, form)
    scratch.dockerfile("FROM scratch\nADD big.tar /\n", base=False)
    done = build_within_bounds(scratch)
    assert done.returncode == 4, done.stderr
    assert "makes the archive larger" in done.stderr or "GiB of holes" in done.stderr
    assert "`big`" in done.stderr


@pytest.mark.needs_root
def test_files_of_holes_without_end_are_refused_in_contexts_and_layers(scratch: Scratch) -> None:
    with (scratch.context / "huge").open("wb") as file:
        file.truncate(15 << 40)
    scratch.dockerfile("FROM scratch\nCOPY huge /\n", base=False)
    done = build_within_bounds(scratch)
    assert done.returncode == 4, done.stderr
    assert "/huge` is 15 TiB long" in done.stderr
    os.truncate(scratch.context / "huge", 1 << 39)
    done = build_within_bounds(scratch)
    assert done.returncode == 4, done.stderr
    assert "/huge` has holes of 512 GiB" in done.stderr
    (scratch.context / "huge").unlink()
    for snapshotter in ("overlay", "copy"):
        scratch.environment = {"JETTISON_SNAPSHOTTER": snapshotter}
        done = scratch.build("FROM busybox\nRUN truncate -s 600G /big && touch /x-$RANDOM\n")
        assert done.returncode == 4, done.stderr
        assert "big` has holes of 600 GiB" in done.stderr


@pytest.mark.needs_root
@pytest.mark.parametrize("snapshotter", ["overlay", "copy"])
def test_holes_stay_holes_on_every_way(scratch: Scratch, tmp_path: Path, snapshotter: str) -> None:
    scratch.environment = {"JETTISON_SNAPSHOTTER": snapshotter}
    with (scratch.context / "sparse").open("wb") as file:
        file.write(b"begin")
        file.seek(100 << 20)
        file.write(b"end")
    text = """FROM busybox AS one
COPY sparse /one
RUN truncate -s 200M /two && echo x >>/two
FROM one
COPY --from=one /one /three
RUN touch /one /two
"""
    out = tmp_path / "out"
    done = scratch.build(text, "-o", f"type=local,dest={out}")
    assert done.returncode == 0, done.stderr
    for name, size in (
        ("one", (100 << 20) + 3),
        ("two", (200 << 20) + 2),
        ("three", (100 << 20) + 3),
    ):
        facts = (out / name).stat()
        assert facts.st_size == size
        assert facts.st_blocks * 512 < 4 << 20
    used = sum(path.lstat().st_blocks * 512 for path in scratch.store.rglob("*"))
    assert used < 40 << 20
