"""The maker of base images reads any host's package sources, and agrees with its Dockerfile."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

BASES = Path(__file__).resolve().parents[3] / "examples" / "bases"


@pytest.fixture(scope="module")
def make() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("make_bases", BASES / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_bases"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["make_bases"]


def test_stanzas_of_deb822_are_read(make: ModuleType) -> None:
    text = """\
# Comments and
Types: deb
URIs: http://mirror.example/debian
Suites: trixie trixie-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 -----END PGP PUBLIC KEY BLOCK-----

Types: deb-src
URIs: http://mirror.example/sources
Suites: trixie

Enabled: no
Types: deb
URIs: http://mirror.example/off
Suites: trixie

Types: deb deb-src
URIs: mirror+file:/etc/apt/mirrors.list http://mirror.example/second
Suites: trixie-security
"""
    assert list(make.deb822_entries(text)) == [
        ("http://mirror.example/debian", "trixie"),
        ("http://mirror.example/debian", "trixie-updates"),
        ("mirror+file:/etc/apt/mirrors.list", "trixie-security"),
    ]


def test_lines_of_the_old_format_are_read(make: ModuleType) -> None:
    text = """\
# deb http://mirror.example/comment bookworm main
deb http://mirror.example/debian bookworm main contrib
deb [arch=amd64 signed-by=/key.gpg] https://mirror.example/debian bookworm-updates main
deb-src http://mirror.example/debian bookworm main
"""
    assert list(make.one_line_entries(text)) == [
        ("http://mirror.example/debian", "bookworm"),
        ("https://mirror.example/debian", "bookworm-updates"),
    ]


def test_another_distribution_is_told_to_pull(
    make: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make, "os_release", lambda: {"ID": "fedora"})
    with pytest.raises(make.BaseImageError, match="on Debian only"):
        make.debian_sources("bookworm")


def test_every_image_has_its_target_and_every_mount_its_package_set(make: ModuleType) -> None:
    text = (BASES / "Dockerfile").read_text()
    stages = set(re.findall(r"(?m)^FROM \S+ AS (\S+)$", text))
    mounted = set(re.findall(r"from=packages,source=(\w+)", text)) | {"busybox"}
    assert {target for target, _ in make.IMAGES.values()} <= stages
    assert mounted == {*make.INSTALLED, *make.SINGLE}
    for name, (target, sets) in make.IMAGES.items():
        assert set(sets) <= mounted, name
        assert f'io.jettison.stand-in="{name}"' in text.partition(f" AS {target}\n")[2]
