"""What COPY, ADD and WORKDIR make in a set-group-ID directory is as mkdir(2) would make it."""

from __future__ import annotations

import tarfile

import pytest

from scratch_rig import Scratch

TEXT = """FROM busybox
RUN mkdir /s && chown 3:7 /s && chmod 2775 /s && echo u:x:9:9::/:/bin/sh >/etc/passwd
COPY d /s/copied
COPY d/file /s/new/deep/file
COPY --chown=5:6 d /s/owned
COPY --chmod=700 d /s/moded
ADD t.tar /s/added
ADD t.tar /s/
COPY <<EOF /s/inline
text
EOF
WORKDIR /s/w/x
USER u
WORKDIR /s/users
COPY --chmod=1777 d /many/bits
"""
EXPECTED = {
    "s": (3, 7, 0o2775),
    "s/copied": (0, 7, 0o2755),
    "s/copied/e": (0, 0, 0o750),
    "s/copied/file": (0, 0, 0o640),
    "s/new": (0, 7, 0o2755),
    "s/new/deep": (0, 7, 0o2755),
    "s/new/deep/file": (0, 0, 0o640),
    "s/owned": (5, 6, 0o2755),
    "s/owned/e": (5, 6, 0o750),
    "s/moded": (0, 7, 0o2700),
    "s/added": (0, 7, 0o2755),
    "s/implied": (0, 7, 0o755),
    "s/implied/file": (0, 0, 0o640),
    "s/inline": (0, 0, 0o644),
    "s/w": (0, 7, 0o2755),
    "s/w/x": (0, 7, 0o2755),
    "s/users": (9, 9, 0o2755),
    "many/bits": (0, 0, 0o755),
    "many/bits/e": (0, 0, 0o1777),
}
"""Owner, group and mode that BuildKit gives."""


@pytest.mark.needs_root
def test_new_directories_take_bit_and_group(scratch: Scratch) -> None:
    context = scratch.context
    (context / "d/e").mkdir(parents=True)
    (context / "d/file").write_text("text")
    for name, mode in (("d", 0o755), ("d/e", 0o750), ("d/file", 0o640)):
        (context / name).chmod(mode)
    with tarfile.open(context / "t.tar", "w") as archive:
        member = archive.gettarinfo(context / "d/file", "implied/file")
        member.uid = member.gid = 0
        with (context / "d/file").open("rb") as file:
            archive.addfile(member, file)
    out = scratch.directory / "files.tar"
    done = scratch.build(TEXT, "-o", f"type=tar,dest={out}")
    assert done.returncode == 0, done.stderr
    with tarfile.open(out) as archive:
        found = {each.name.strip("/"): (each.uid, each.gid, each.mode) for each in archive}
    assert {name: found[name] for name in EXPECTED} == EXPECTED
