"""What an image leaves in a directory of the host: ``type=local`` as root and as a user."""

from __future__ import annotations

import os
import stat
import tarfile
from pathlib import Path

import pytest

from scratch_rig import Scratch

PRIVILEGED = """FROM busybox
RUN cp /bin/busybox /su && chmod 4755 /su && cp /bin/busybox /sg && chmod 2755 /sg
RUN ln /su /twice && mkdir /shared && chmod 2775 /shared
RUN mknod /disk b 7 1 && chmod 666 /disk && mknod /pipe p
ADD caps.tar /
"""
CAPABILITY = bytes.fromhex("0100000200040000000000000000000000000000")
"""VFS_CAP_REVISION_2, effective, CAP_NET_BIND_SERVICE permitted."""


def with_capability(scratch: Scratch) -> None:
    with tarfile.open(scratch.context / "caps.tar", "w", format=tarfile.PAX_FORMAT) as tar:
        entry = tarfile.TarInfo("bind")
        entry.mode = 0o755
        value = CAPABILITY.decode("utf-8", "surrogateescape")
        entry.pax_headers = {"SCHILY.xattr.security.capability": value}
        tar.addfile(entry)


@pytest.mark.needs_root
def test_a_directory_holds_no_privileges_unless_they_are_asked_for(
    scratch: Scratch, tmp_path: Path
) -> None:
    with_capability(scratch)
    out = tmp_path / "out"
    done = scratch.build(PRIVILEGED, "-o", f"type=local,dest={out}")
    assert done.returncode == 0, done.stderr
    for name in ("su", "sg", "twice"):
        assert stat.S_IMODE((out / name).lstat().st_mode) == 0o755
    assert (out / "su").samefile(out / "twice")
    assert stat.S_IMODE((out / "shared").lstat().st_mode) == 0o2775
    assert not os.path.lexists(out / "disk")
    assert stat.S_ISFIFO((out / "pipe").lstat().st_mode)
    assert os.listxattr(out / "bind") == []
    told = [line for line in done.stderr.splitlines() if "left out" in line]
    assert len(told) == 1
    assert "preserve=setid+devices+capabilities" in told[0]
    assert "set-ID bits of programs (2), devices (1), file capabilities (1)" in told[0]

    for index, asked in enumerate(("all", "setid+devices+capabilities")):
        kept = tmp_path / f"kept-{index}"
        done = scratch.run(
            "build", "-o", f"type=local,dest={kept},preserve={asked}", scratch.context
        )
        assert done.returncode == 0, done.stderr
        assert stat.S_IMODE((kept / "su").lstat().st_mode) == 0o4755
        assert stat.S_IMODE((kept / "sg").lstat().st_mode) == 0o2755
        assert stat.S_IMODE((kept / "disk").lstat().st_mode) == 0o666
        assert (kept / "disk").lstat().st_rdev == os.makedev(7, 1)
        assert os.getxattr(kept / "bind", "security.capability") == CAPABILITY
        assert "left out" not in done.stderr

    some = tmp_path / "some"
    done = scratch.run(
        "build", "-o", f'type=local,dest={some},"preserve=setid,devices"', scratch.context
    )
    assert stat.S_IMODE((some / "su").lstat().st_mode) == 0o4755
    assert os.path.lexists(some / "disk")
    assert "preserve=capabilities" in done.stderr

    done = scratch.run("build", "-o", "type=tar,dest=-", scratch.context)
    assert done.returncode == 0


def test_what_can_be_preserved_is_told_before_anything_is_built(scratch: Scratch) -> None:
    for wrong in ("setuid", "setid+device", "none"):
        done = scratch.build(
            "FROM nowhere.invalid/x\n", "-o", f"type=local,dest=x,preserve={wrong}"
        )
        assert done.returncode == 125, done.stderr
        for name in ("setid", "devices", "capabilities", "all"):
            assert f"`{name}`" in done.stderr
    done = scratch.build("FROM busybox\n", "-o", "type=tar,dest=x,preserve=all")
    assert done.returncode == 125
    assert "preserve" in done.stderr


@pytest.mark.needs_root
def test_links_in_the_destination_lead_nowhere(scratch: Scratch, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("x")
    out = tmp_path / "out"
    (out / "usr").mkdir(parents=True)
    for link in ("etc", "usr/share", "linux_amd64", "linux_arm64", "file"):
        (out / link).symlink_to(outside)
    (out / "first").symlink_to(outside / "kept")
    text = """FROM busybox
RUN mkdir -p /usr/share/x /etc && echo 1 >/usr/share/x/1 && echo 1 >/etc/1 && echo 1 >/file && echo 1 >/first && ln /first /second
"""
    for split in ("false", "true"):
        done = scratch.build(text, "-o", f"type=local,dest={out},platform-split={split}")
        assert done.returncode == 0, done.stderr
    assert os.listdir(outside) == ["kept"]
    assert (outside / "kept").read_text() == "x"
    assert (outside / "kept").stat().st_nlink == 1
    assert (out / "usr/share/x/1").read_text() == "1\n"
    assert (out / "first").samefile(out / "second")
    assert not (out / "etc").is_symlink()


@pytest.mark.needs_root
def test_a_mirror_removes_links_and_not_what_they_lead_to(scratch: Scratch, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    (outside / "deep/kept").write_text("x")
    out = tmp_path / "out"
    (out / "old").mkdir(parents=True)
    for link in ("etc", "run", "stale", "old/inner"):
        (out / link).symlink_to(outside)
    text = """FROM busybox
RUN mkdir -p /etc && echo 1 >/etc/1 && ln -s /outside /linked
RUN rm -r /run && ln -s ../outside/deep /run
"""
    output = f"type=local,dest={out},mode=delete"
    for _ in range(2):  # what the first one wrote is what the second one finds
        done = scratch.build(text, "-o", output, "--allow", "buildx.local.delete")
        assert done.returncode == 0, done.stderr
    assert (outside / "deep/kept").read_text() == "x"
    assert sorted(os.listdir(out)) == ["bin", "etc", "linked", "run", "tmp"]
    assert (out / "run").is_symlink()
    assert not (out / "etc").is_symlink()


@pytest.mark.needs_root
def test_a_directory_that_nobody_means_is_not_emptied(scratch: Scratch, tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "kept").mkdir(parents=True)
    (tmp_path / "link").symlink_to(home)
    for dest in (home, tmp_path / "link", tmp_path, scratch.context, scratch.store, "/", "/usr"):
        output = f"type=local,dest={dest},mode=delete"
        flags = ("-o", output, "--allow", "buildx.local.delete")
        done = scratch.build("FROM busybox\n", *flags, env={"HOME": str(home)})
        assert done.returncode == 125, dest
        assert "does not empty" in done.stderr
    assert (home / "kept").is_dir()
    assert (scratch.context / "busybox").is_file()
