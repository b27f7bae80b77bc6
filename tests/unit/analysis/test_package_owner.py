"""`analysis.packages.owner`: which package a library is of."""

from __future__ import annotations

from pathlib import Path

import pytest

from jettison.analysis.packages.owner import Owner, owner_of
from unit.analysis.tree_rig import files_of

CONTENTS = {
    "/var/lib/dpkg/info/libpq5:amd64.list": (
        "/.\n/usr/lib\n/usr/lib/x86_64-linux-gnu/libpq.so.5.15\n"
    ),
    "/var/lib/dpkg/info/libpq5:amd64.md5sums": "0  usr/lib/x86_64-linux-gnu/libpq.so.5.15\n",
    "/var/lib/dpkg/info/zlib1g.list": "/lib/x86_64-linux-gnu/libz.so.1.2.13\n",
    "/lib/apk/db/installed": "P:libpq\nF:usr/lib\nR:libpq.so.5\n\nP:musl\nF:lib\nR:libc.so\n",
}


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("/usr/lib/x86_64-linux-gnu/libpq.so.5.15", Owner("deb", "libpq5")),
        ("/usr/lib/x86_64-linux-gnu/libz.so.1.2.13", Owner("deb", "zlib1g")),
        ("/usr/lib/x86_64-linux-gnu/libpq.so.5", None),
        ("/usr/lib/libpq.so.5", Owner("apk", "libpq")),
        ("/lib/libc.so", Owner("apk", "musl")),
        ("/opt/libz.so", None),
    ],
)
def test_lists_of_packages_have_their_files(tmp_path: Path, path: str, owner: Owner | None) -> None:
    assert owner_of(files_of(tmp_path, CONTENTS), path) == owner


def test_a_package_is_installed_by_the_program_of_its_system() -> None:
    assert Owner("apk", "libpq").install == "RUN apk add --no-cache libpq"
    assert "install -y --no-install-recommends libpq5 &&" in Owner("deb", "libpq5").install
