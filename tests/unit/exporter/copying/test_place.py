"""Places as people write them."""

from __future__ import annotations

import pytest

from jettison.errors import InvalidReferenceError
from jettison.exporter.copying.place import destination, parse_place

HEX = 64 * "a"


@pytest.mark.parametrize(
    ("text", "transport", "path", "name"),
    [
        ("docker://alpine", "docker", "", ""),
        ("oci:images/app", "oci", "images/app", ""),
        ("oci:images/app:1.0", "oci", "images/app", "1.0"),
        ("oci:a:registry.example.com:5000/app:1", "oci", "a", "registry.example.com:5000/app:1"),
        ("oci-layout:///x/y:1", "oci", "/x/y", "1"),
        ("oci-archive:a.tar:1", "oci-archive", "a.tar", "1"),
        ("docker-archive:a.tar:app", "docker-archive", "a.tar", "app:latest"),
        ("store:app:1", "store", "", "app:1"),
        ("podman:app:1", "podman", "", "app:1"),
        ("docker-daemon:app:1", "docker-daemon", "", "app:1"),
        ("app:1", "", "", "app:1"),
        ("localhost:5000/app", "", "", "localhost:5000/app"),
    ],
)
def test_each_transport_has_its_parts(text: str, transport: str, path: str, name: str) -> None:
    place = parse_place(text)
    assert (place.transport, place.path, place.name) == (transport, path, name)


def test_a_digest_or_a_position_names_an_entry() -> None:
    assert parse_place(f"oci:dir@sha256:{HEX}").digest == f"sha256:{HEX}"
    assert parse_place("oci:dir:@3").entry == 3
    assert parse_place("docker-archive:a.tar:@0").name == ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "oci:",
        "oci-archive::1",
        "store:",
        "docker://UPPER",
        "docker-archive:a:UPPER",
        "dir:x",
        "containers-storage:x",
        "./a.tar",
        "/a",
        "https://example.com/a",
        "oci:dir@sha256:12",
        "app:" + 200 * "x",
    ],
)
def test_what_is_no_place_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(InvalidReferenceError):
        parse_place(text)


def test_a_bare_destination_says_of_which_registry_it_is() -> None:
    assert destination(parse_place("ghcr.io/a/b:1")).transport == "docker"
    assert destination(parse_place("oci:x")).transport == "oci"
    with pytest.raises(InvalidReferenceError) as caught:
        destination(parse_place("app"))
    assert "store:app" in str(caught.value.hint)
    assert "docker://app" in str(caught.value.hint)
