"""Package URLs, type by type."""

from __future__ import annotations

import pytest

from jettison.analysis.os_release import OsRelease
from jettison.analysis.packages.base import PackageRecord
from jettison.oci.reference import parse_reference
from jettison.sbom.purl import image_url, package_url

DEBIAN = OsRelease("debian", "12", "Debian GNU/Linux 12 (bookworm)")
NOWHERE = OsRelease()


@pytest.mark.parametrize(
    ("package", "distribution", "url"),
    [
        (
            PackageRecord("deb", "bash", "5.2.15-2+b2", architecture="amd64"),
            DEBIAN,
            "pkg:deb/debian/bash@5.2.15-2%2Bb2?arch=amd64&distro=debian-12",
        ),
        (
            PackageRecord("deb", "libc6", "1:2.36~rc1", source="glibc", source_version="1:2.36"),
            OsRelease("ubuntu", "24.04"),
            "pkg:deb/ubuntu/libc6@1:2.36~rc1?distro=ubuntu-24.04&upstream=glibc%401:2.36",
        ),
        (
            PackageRecord("deb", "tzdata", "2024a", architecture="all"),
            NOWHERE,
            "pkg:deb/debian/tzdata@2024a?arch=all",
        ),
        (
            PackageRecord("apk", "musl", "1.2.5-r0", architecture="x86_64"),
            OsRelease("alpine", "3.20.0"),
            "pkg:apk/alpine/musl@1.2.5-r0?arch=x86_64&distro=alpine-3.20.0",
        ),
        (
            PackageRecord(
                "rpm",
                "curl",
                "8.6-7.fc40",
                architecture="x86_64",
                source="curl-8.6-7.fc40.src.rpm",
                qualifiers=(("epoch", "1"),),
            ),
            OsRelease("fedora", "40"),
            "pkg:rpm/fedora/curl@8.6-7.fc40?arch=x86_64&distro=fedora-40&epoch=1&upstream=curl-8.6-7.fc40.src.rpm",
        ),
        (
            PackageRecord("rpm", "curl", "8", qualifiers=(("distro", "fedora-40"),)),
            DEBIAN,
            "pkg:rpm/fedora/curl@8?distro=fedora-40",
        ),
        (PackageRecord("python", "Flask_SQLAlchemy", "3.1"), DEBIAN, "pkg:pypi/flask-sqlalchemy@3.1"),
        (PackageRecord("python", "zope.interface", "6"), DEBIAN, "pkg:pypi/zope.interface@6"),
        (PackageRecord("npm", "@types/node", "20.1.0"), DEBIAN, "pkg:npm/%40types/node@20.1.0"),
        (PackageRecord("npm", "ms", "2.1.3"), DEBIAN, "pkg:npm/ms@2.1.3"),
        (
            PackageRecord("go", "github.com/BurntSushi/toml", "v1.4.0"),
            DEBIAN,
            "pkg:golang/github.com/burntsushi/toml@v1.4.0",
        ),
        (PackageRecord("go", "example.com/app", "(devel)"), DEBIAN, "pkg:golang/example.com/app"),
        (PackageRecord("go", "std", "1.23.5"), DEBIAN, "pkg:golang/stdlib@1.23.5"),
        (PackageRecord("rust", "serde", "1.0.2"), DEBIAN, "pkg:cargo/serde@1.0.2"),
        (PackageRecord("java", "org.x.y:core", "1.2"), DEBIAN, "pkg:maven/org.x.y/core@1.2"),
        (PackageRecord("java", "bare", "1.2"), DEBIAN, ""),
        (
            PackageRecord("gem", "nokogiri", "1.16", qualifiers=(("platform", "x86_64-linux"),)),
            DEBIAN,
            "pkg:gem/nokogiri@1.16?platform=x86_64-linux",
        ),
        (PackageRecord("composer", "PSR/Log", "3.0"), DEBIAN, "pkg:composer/psr/log@3.0"),
        (PackageRecord("nuget", "Newtonsoft.Json", "13.0.3"), DEBIAN, "pkg:nuget/Newtonsoft.Json@13.0.3"),
        (
            PackageRecord(
                "conda", "numpy", "1.26", qualifiers=(("build", "py3_0"), ("subdir", "linux-64"))
            ),
            DEBIAN,
            "pkg:conda/numpy@1.26?build=py3_0&subdir=linux-64",
        ),
        (PackageRecord("npm", "a b?#%", "1"), DEBIAN, "pkg:npm/a%20b%3F%23%25@1"),
    ],
)  # fmt: skip
def test_packages(package: PackageRecord, distribution: OsRelease, url: str) -> None:
    assert package_url(package, distribution) == url


def test_images_that_have_a_manifest() -> None:
    reference = parse_reference("registry.example.com/team/app:1")
    digest = "sha256:" + "a" * 64
    assert image_url(reference, "app", digest, "amd64") == (
        f"pkg:oci/app@{digest}?arch=amd64&repository_url=registry.example.com/team/app&tag=1"
    )
    assert image_url(reference, "app", "", "amd64") == ""
