"""Names of platforms, and which image serves which."""

from __future__ import annotations

import pytest

from jettison.errors import UsageError
from jettison.oci.platform import closest, matches, parse_platform


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("linux/arm64/v8", "linux/arm64"),
        ("aarch64", "linux/arm64"),
        ("arm", "linux/arm/v7"),
        ("linux/arm", "linux/arm/v7"),
        ("linux/arm/6", "linux/arm/v6"),
        ("armhf", "linux/arm/v7"),
        ("x86_64", "linux/amd64"),
        ("linux/amd64/v1", "linux/amd64"),
        ("linux/amd64/v3", "linux/amd64/v3"),
        ("Linux/AMD64", "linux/amd64"),
        ("windows", "windows/amd64"),
    ],
)
def test_names_are_made_those_of_docker(text, normal):
    assert str(parse_platform(text)) == normal


@pytest.mark.parametrize("text", ["", "a/b/c/d", "linux/", "nonsense", "linux/a b"])
def test_what_is_no_platform_is_refused(text):
    with pytest.raises(UsageError):
        parse_platform(text)


@pytest.mark.parametrize(
    ("wanted", "offered", "taken"),
    [
        ("linux/arm/v7", "linux/arm/v6 linux/arm/v7", "linux/arm/v7"),
        ("linux/arm/v7", "linux/arm/v5 linux/arm/v6", "linux/arm/v6"),
        ("linux/arm/v6", "linux/arm/v7", None),
        ("linux/arm64", "linux/arm/v7", None),
        ("linux/arm64/v9", "linux/amd64 linux/arm64", "linux/arm64"),
        ("linux/amd64/v3", "linux/amd64 linux/amd64/v2", "linux/amd64/v2"),
        ("linux/amd64/v3", "linux/amd64", "linux/amd64"),
        ("linux/amd64", "linux/amd64/v3", None),
        ("linux/amd64", "linux/386", None),
        ("linux/amd64", "windows/amd64", None),
        ("linux/s390x", "linux/amd64 linux/s390x", "linux/s390x"),
        ("linux/amd64", "", None),
    ],
)
def test_the_best_variant_is_taken_and_never_one_that_does_not_run(wanted, offered, taken):
    platforms = [parse_platform(each) for each in offered.split()]
    best = closest(parse_platform(wanted), platforms)
    assert (None if best is None else str(platforms[best])) == taken
    for each in platforms if taken is None else ():
        assert not matches(parse_platform(wanted), each)
