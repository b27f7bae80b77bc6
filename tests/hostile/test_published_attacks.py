"""Published attacks on other builders, tried on this one; each test has its number."""

from __future__ import annotations

import io
import os
import tarfile
import threading
from pathlib import Path

import pytest

from scratch_rig import Scratch

pytestmark = [pytest.mark.needs_root, pytest.mark.any_user(by_turns=True)]


@pytest.fixture
def host_secret(scratch: Scratch) -> Path:
    """A directory of the host that no build may read or write."""
    directory = scratch.directory / "host"
    directory.mkdir()
    (directory / "secret").write_text("of the host")
    return directory


def assert_untouched(host: Path) -> None:
    assert [path.name for path in host.iterdir()] == ["secret"]
    assert (host / "secret").read_text() == "of the host"


def test_cve_2024_1753_bind_source_that_is_a_link_to_the_host(
    scratch: Scratch, host_secret: Path
) -> None:
    """buildah: ``--mount=type=bind,from=…,source=link`` mounted what the link names on the host."""
    done = scratch.build(f"""FROM busybox AS evil
RUN ln -s / /all && ln -s {host_secret} /some && ln -s {host_secret}/secret /file
FROM busybox
RUN --mount=type=bind,from=evil,source=/all,target=/m,rw ls /m/bin/busybox && test ! -e /m{host_secret} && touch /m/written
""")
    assert done.returncode == 0, done.stderr
    assert not Path("/written").exists()
    for link in ("some", "file", f"all{host_secret}"):
        done = scratch.build(f"""FROM busybox AS evil
RUN ln -s / /all && ln -s {host_secret} /some && ln -s {host_secret}/secret /file
FROM busybox
RUN --mount=type=bind,from=evil,source=/{link},target=/m,rw cat /m /m/secret
""")
        assert done.returncode == 4, done.stderr
        assert "not found" in done.stderr
    (scratch.context / "link").symlink_to(host_secret)
    done = scratch.build(
        "FROM busybox\nRUN --mount=type=bind,source=link,target=/m cat /m/secret\n"
    )
    assert done.returncode != 0
    assert "of the host" not in done.stdout + done.stderr
    assert_untouched(host_secret)


def test_cve_2024_9675_cache_id_that_leaves_its_directory(
    scratch: Scratch, host_secret: Path
) -> None:
    """buildah, podman: an ``id=../../…`` mounted any directory of the host."""
    up = "../" * 30
    for name in (f"{up}{host_secret}", str(host_secret), "..", ".", "a/../../b", "a/b"):
        done = scratch.build(
            f"FROM busybox\nRUN --mount=type=cache,id={name},target=/c ls /c; touch /c/x; test ! -e /c/secret\n"
        )
        assert done.returncode == 0, done.stderr
    names = {path.name.removesuffix(".used") for path in (scratch.store / "cache-mounts").iterdir()}
    assert len(names) == 6
    assert all(len(name) == 32 and name.isalnum() for name in names)
    assert_untouched(host_secret)


def test_cve_2024_9676_etc_passwd_that_is_a_link_or_never_ends(
    scratch: Scratch, host_secret: Path
) -> None:
    """containers/storage: a user is looked up in a file that is a link to the host or a device."""
    (host_secret / "secret").write_text("eve:x:1234:1234::/:/bin/sh\n")
    for target in (f"{host_secret}/secret", "/dev/zero", "/proc/self/environ"):
        done = scratch.build(f"""FROM busybox
RUN mkdir -p /etc && ln -sf {target} /etc/passwd && ln -sf {target} /etc/group
USER eve
RUN id
COPY --chown=eve data /data
""")  # the user is in the host's file only
        assert done.returncode != 0, done.stderr
        assert "1234" not in done.stderr
    done = scratch.build("""FROM busybox
RUN mkdir -p /etc && mkfifo /etc/passwd && mknod /etc/group c 1 5 2>/dev/null || mkfifo /etc/group
USER eve
RUN id
""")
    assert done.returncode != 0


def test_cve_2024_23651_race_between_two_mounts_of_one_cache(
    scratch: Scratch, host_secret: Path
) -> None:
    """BuildKit: the sub-path of a cache mount was replaced by a link while it was mounted."""
    scratch.dockerfile(f"""FROM busybox AS seed
RUN mkdir -p /s/dir && echo inside > /s/dir/secret
FROM busybox AS racer
RUN --mount=type=cache,from=seed,source=/s,id=c,target=/c for i in $(seq 1 1000); do \\
    rm -rf /c/dir; ln -s {host_secret} /c/dir; rm -f /c/dir; mkdir /c/dir; done
FROM busybox AS victim
ARG N
RUN --mount=type=cache,from=seed,source=/s/dir,id=c,target=/m touch /m/written; ! grep -r 'of the host' /m
FROM busybox
COPY --from=racer /bin/busybox /a
""")
    racer = threading.Thread(target=scratch.run, args=("build", "-q", scratch.context))
    racer.start()
    for number in range(5):
        done = scratch.run(
            "build", "-q", "--target", "victim", "--build-arg", f"N={number}", scratch.context
        )
        assert done.returncode == 0, done.stderr
    racer.join()
    assert_untouched(host_secret)


def test_cve_2024_23652_mount_point_that_is_a_link_is_removed_in_the_container(
    scratch: Scratch, host_secret: Path
) -> None:
    """BuildKit: removing the mount point after the step removed a file of the host."""
    done = scratch.build(
        f"""FROM busybox
RUN ln -s {host_secret} /link
RUN --mount=type=tmpfs,target=/link/secret true
RUN --mount=type=tmpfs,target=/made/here rm -rf /made/here 2>/dev/null; true
RUN --mount=type=cache,target=/a/b umount /a/b 2>/dev/null; rm -rf /a 2>/dev/null; \\
    rmdir /a 2>/dev/null; ln -s {host_secret} /a 2>/dev/null; true
RUN --mount=type=bind,target=/x/secret,source=data rm -rf /x; ln -s {host_secret} /x; true
""".replace("source=data", "source=Dockerfile")
    )
    assert done.returncode == 0, done.stderr
    assert_untouched(host_secret)


def test_cve_2024_23653_privileges_need_an_entitlement(scratch: Scratch) -> None:
    """BuildKit: a frontend could run privileged steps without being granted that."""
    for flag in ("--security=insecure", "--network=host"):
        done = scratch.build(f"FROM busybox\nRUN {flag} true\n")
        assert done.returncode != 0
        assert "--allow" in done.stderr
    done = scratch.build("# syntax=example.invalid/evil-frontend\nFROM busybox\nRUN id -u\n")
    assert done.returncode == 0, done.stderr  # no frontend of an image is ever run
    done = scratch.build("FROM busybox\nRUN mount -t tmpfs none /tmp\n")
    assert done.returncode != 0


def test_cve_2024_21626_working_directory_by_a_leaked_descriptor(
    scratch: Scratch, host_secret: Path
) -> None:
    """runc: ``WORKDIR /proc/self/fd/7`` was a directory of the host."""
    for number in (*range(3, 11), 100):
        done = scratch.build(
            f"FROM busybox\nWORKDIR /proc/self/fd/{number}\n"
            f"RUN cat ../../../../../../../../{host_secret}/secret && echo ESCAPED\n"
        )
        assert "ESCAPED\n" not in done.stdout.replace("echo ESCAPED", "")
        assert done.returncode != 0
    done = scratch.build(
        "FROM busybox\nRUN ls -l /proc/self/fd /proc/1/fd; test $(ls /proc/1/fd | wc -l) -le 4\n"
    )
    assert done.returncode == 0, done.stderr
    assert str(scratch.store) not in done.stderr


def test_cve_2019_14271_copying_never_runs_or_loads_what_the_image_holds(
    scratch: Scratch, host_secret: Path
) -> None:
    """docker cp loaded libnss_files.so of the container into a process of the host."""
    library = scratch.context / "libnss_files.so.2"
    library.write_bytes(b"\x7fELF not a library")
    done = scratch.build("""FROM busybox AS evil
COPY libnss_files.so.2 /lib/libnss_files.so.2
COPY libnss_files.so.2 /lib/x86_64-linux-gnu/libnss_files.so.2
RUN mkdir -p /etc && echo 'eve:x:1234:1234::/:/bin/sh' > /etc/passwd && echo 'passwd: files' > /etc/nsswitch.conf
RUN chown eve /bin/vi && echo x > /x && chown eve /x
FROM evil
COPY --from=evil --chown=eve /x /y
RUN test "$(stat -c %u /y)" = 1234
""")
    assert done.returncode == 0, done.stderr


def test_cve_2018_15664_a_link_put_in_the_way_while_copying(
    scratch: Scratch, host_secret: Path
) -> None:
    """docker cp: a path was resolved, then replaced by a link to the host, then opened."""
    source = scratch.context / "tree"
    source.mkdir()
    for number in range(50):
        (source / str(number)).mkdir()
        (source / str(number) / "secret").write_text("of the context")
    scratch.dockerfile("FROM busybox\nARG N\nCOPY tree /tree\nRUN ! grep -r 'of the host' /tree\n")
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            for number in range(50):
                place = source / str(number)
                aside = source.parent / "aside"
                place.rename(aside)
                place.symlink_to(host_secret)
                place.unlink()
                aside.rename(place)

    swapper = threading.Thread(target=swap)
    swapper.start()
    try:
        for number in range(6):
            done = scratch.run(
                "build", "--progress=plain", "--build-arg", f"N={number}", scratch.context
            )
            assert "of the host" not in done.stdout
            assert done.returncode in {0, 4}, done.stderr  # 4: it changed while it was read
    finally:
        stop.set()
        swapper.join()
    assert_untouched(host_secret)


def test_dockerfile_tricks_with_from_in_mounts_find_stages_and_images_only(
    scratch: Scratch, host_secret: Path
) -> None:
    for source in (
        "/",
        "..",
        str(host_secret),
        f"../{host_secret}",
        "oci-layout:///etc",
        "local",
        "context",
    ):
        done = scratch.build(
            f"FROM busybox\nRUN --mount=type=bind,from={source},target=/m ls /m\n", "--offline"
        )
        assert done.returncode in {3, 4}, (source, done.stderr)
    done = scratch.build(
        f"FROM busybox\nRUN --mount=type=bind,source=../../../..{host_secret},target=/m cat /m/secret\n"
    )
    assert done.returncode != 0
    assert "of the host" not in done.stdout + done.stderr


def test_output_cannot_steer_a_terminal_or_fill_memory(scratch: Scratch) -> None:
    done = scratch.build("""FROM busybox
RUN printf '\\033[2J\\033]0;title\\007\\033[31mred\\033[0m \\377\\376 \\302\\2332J\\rover\\n' >&2
RUN yes | tr -d '\\n' | head -c 3000000
RUN dd if=/dev/urandom bs=1000 count=100 2>/dev/null
""")
    assert done.returncode == 0, done.stderr
    text = done.stdout + done.stderr
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\x9b" not in text
    assert max(map(len, text.splitlines())) < 40_000


def tar_of(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for info, data in members:
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, link, 0o644
    return info


@pytest.mark.parametrize(
    "members",
    [
        [(entry("../../../../../../../../{host}/evil"), b"x")],
        [(entry("{host}/evil"), b"x")],
        [(entry("link", tarfile.SYMTYPE, "{host}"), b""), (entry("link/evil"), b"x")],
        [(entry("link", tarfile.SYMTYPE, "../../../../../../..{host}"), b""), (entry("link/evil"), b"x")],
        [(entry("hard", tarfile.LNKTYPE, "../../../../../../..{host}/secret"), b""), (entry("hard"), b"x")],
        [(entry("hard", tarfile.LNKTYPE, "{host}/secret"), b"")],
        [(entry("a", tarfile.SYMTYPE, "{host}/secret"), b""), (entry("b", tarfile.LNKTYPE, "a"), b""), (entry("b"), b"x")],
        [(entry("a", tarfile.SYMTYPE, "b"), b""), (entry("b", tarfile.SYMTYPE, "a"), b""), (entry("a/evil"), b"x")],
        [(entry("d/" * 3000 + "f"), b"x")],
        [(entry("n" * 300), b"x")],
        [(entry("f"), b"1"), (entry("f"), b"2"), (entry("f", tarfile.DIRTYPE), b""), (entry("f/g"), b"3")],
        [(entry("f/g"), b"1"), (entry("f", tarfile.SYMTYPE, "{host}"), b""), (entry("f/evil"), b"x")],
        [(entry("disk", tarfile.BLKTYPE), b""), (entry("mem", tarfile.CHRTYPE), b""), (entry("p", tarfile.FIFOTYPE), b"")],
    ],
    ids=["dots", "absolute", "link-then-write", "relative-link-then-write", "hard-link-outside",
         "hard-link-absolute", "hard-link-to-link", "loop", "deep", "long-name", "duplicates",
         "replaced-directory", "devices"],
)  # fmt: skip
def test_add_of_a_hostile_archive_writes_inside_the_image_or_fails(
    scratch: Scratch, host_secret: Path, members: list[tuple[tarfile.TarInfo, bytes]]
) -> None:
    made = []
    for info, data in members:
        copy = entry(info.name.replace("{host}", str(host_secret)), info.type,
                     info.linkname.replace("{host}", str(host_secret)))  # fmt: skip
        made.append((copy, data))
    (scratch.context / "evil.tar").write_bytes(tar_of(*made))
    out = scratch.directory / "out.tar"
    done = scratch.build("FROM busybox\nADD evil.tar /x/\nRUN true\n", "-o", f"type=tar,dest={out}")
    refused = {1, 4} if scratch.user is None else {1, 4, 5}  # a user makes no devices
    assert done.returncode in {0, *refused}, done.stderr
    assert "bug in Jettison" not in done.stderr
    assert_untouched(host_secret)
    if done.returncode == 0:
        with tarfile.open(out) as tar:
            assert not [member for member in tar if ".." in member.name.split("/")]


@pytest.mark.parametrize(
    ("scratch", "tool"),
    [("root", "gzip"), ("root", "xz"), ("root", "bzip2"), ("root", "zstd"), ("user", "zstd")],
    indirect=["scratch"],
)
def test_a_bomb_stops_at_a_limit_or_a_full_disk_and_leaves_no_debris(
    scratch: Scratch, tool: str, need
) -> None:
    """A small store stands for a full disk."""
    import subprocess  # noqa: PLC0415

    header = tarfile.TarInfo("zeros")
    header.size = 200 << 20
    packer = subprocess.Popen([need(tool), "-c"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert packer.stdin is not None

    def feed() -> None:
        packer.stdin.write(header.tobuf())
        for _ in range(200):
            packer.stdin.write(bytes(1 << 20))
        packer.stdin.write(bytes(1024))
        packer.stdin.close()

    feeder = threading.Thread(target=feed)
    feeder.start()
    data = packer.stdout.read()
    feeder.join()
    packer.stdout.close()
    packer.wait()
    (scratch.context / "bomb.tar").write_bytes(data)
    scratch.store.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "none", scratch.store], check=True)
    scratch.give(scratch.store).chmod(0o700)
    try:
        done = scratch.build("FROM scratch\nADD bomb.tar /\n", base=False)
        assert done.returncode in {4, 5}, done.stderr
        assert (
            "full" in done.stderr or "no space" in done.stderr.lower() or "hold more" in done.stderr
        )
        assert scratch.run("prune", "-af").returncode == 0
        assert os.statvfs(scratch.store).f_bavail * 4096 > 60 << 20
        assert scratch.build("FROM busybox\nRUN true\n").returncode == 0
    finally:
        subprocess.run(["umount", "-l", scratch.store], check=True)
