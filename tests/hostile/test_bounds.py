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

pytestmark = pytest.mark.any_user(by_turns=True)

MEMORY = 1 << 30


def build_within_bounds(scratch: Scratch, *flags: str) -> subprocess.CompletedProcess[str]:
    """Build in at most a minute and 1 GiB of memory."""
    return subprocess.run(
        scratch.argv("build", "--progress=plain", *flags, scratch.context),
        env=scratch.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
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
    + "ENV A=$A$A\n" * 12
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
        done = subprocess.run(command, env=scratch.env, timeout=60, check=False)
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


@pytest.mark.parametrize("scratch", ["root"], indirect=True)
def test_a_dockerfile_may_come_through_a_pipe_of_the_shell(scratch: Scratch) -> None:
    """Such a pipe is for the user of the shell."""
    command = " ".join(scratch.argv("build", "--progress=plain", "-f", "<(echo FROM scratch; echo COPY busybox /)"))  # fmt: skip
    done = subprocess.run(
        ["bash", "-c", f"{command} {scratch.context}"],
        env=scratch.env,
        capture_output=True,
        text=True,
        timeout=60,
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


def test_patterns_of_any_bytes_hide_files_of_that_name(scratch: Scratch) -> None:
    name = os.fsdecode(b"hidden-\xff")
    (scratch.context / name).write_text("")
    (scratch.context / ".dockerignore").write_bytes(os.fsencode(name) + b"\n\x01\n")
    out = scratch.directory / "out.tar"
    done = scratch.build("FROM scratch\nCOPY . /\n", "-o", f"type=tar,dest={out}", base=False)
    assert done.returncode == 0, done.stderr
    with tarfile.open(out) as tar:
        assert [name for name in tar.getnames() if "hidden" in name] == []


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
def test_holes_stay_holes_on_every_way(scratch: Scratch, snapshotter: str) -> None:
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
    out = scratch.directory / "out"
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


@pytest.mark.needs_root
def test_times_that_64_bits_of_nanoseconds_do_not_hold_are_kept(
    scratch: Scratch, tmp_path: Path
) -> None:
    """Store and context are on a file system that has such times; ext4 ends in 1901 and 2446."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "none", disk], check=True)
    try:
        far = Scratch(disk / "far", os.fspath(scratch.context / "busybox"))
        times = {"y2300": 10413792000, "y9999": 253370764800, "y1800": -5364662400, "b": 1 << 40, "n": -(1 << 40)}  # fmt: skip
        for name, seconds in times.items():
            (far.context / name).touch()
            os.utime(far.context / name, (seconds, seconds))
        with tarfile.open(far.context / "times.tar", "w", format=tarfile.PAX_FORMAT) as tar:
            for name, seconds in times.items():
                entry = tarfile.TarInfo(name)
                entry.mtime = seconds
                if abs(seconds) < 1 << 38:
                    tar.addfile(entry)
        touched = " ".join(f"&& touch -d @{seconds} /{name}" for name, seconds in times.items())
        text = f"""FROM busybox AS mine
COPY y* b n /copied/
ADD times.tar /added/
RUN true {touched}
FROM scratch
COPY --from=mine /copied /again
"""
        out = disk / "out"
        for snapshotter in ("overlay", "copy"):
            far.environment = {"JETTISON_SNAPSHOTTER": snapshotter}
            stage = ("--target", "mine") if snapshotter == "overlay" else ()
            done = far.build(
                text, "-o", f"type=local,dest={out}", "-o", f"type=oci,dest={disk}/o.tar", *stage
            )
            assert done.returncode == 0, done.stderr
        for name, seconds in times.items():
            for place in ("copied", "again", "."):
                assert (out / place / name).stat().st_mtime_ns == seconds * 10**9, (place, name)
        assert (out / "added/y1800").stat().st_mtime_ns == times["y1800"] * 10**9
        again = far.run("build", "--progress=plain", far.context)
        assert "nothing to run" in again.stderr
        assert far.run("load", "-i", disk / "o.tar").returncode == 0
        assert far.run("fsck").returncode == 0
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_a_source_that_is_deeper_than_a_path_can_be_is_told_shortly(scratch: Scratch) -> None:
    here = os.open(scratch.context, os.O_RDONLY)
    for _ in range(60):
        os.mkdir("d" * 100, dir_fd=here)
        below = os.open("d" * 100, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    scratch.dockerfile(f"FROM scratch\nCOPY {'d' * 100} /deep\n", base=False)
    done = build_within_bounds(scratch)
    assert done.returncode == 4, done.stderr
    assert "file name too long" in done.stderr
    assert "hint: make the path shorter" in done.stderr
    assert max(map(len, done.stderr.splitlines())) < 1000
