"""Which files of podman count, and what they say of a name."""

from __future__ import annotations

from pathlib import Path

import pytest

from jettison.errors import UsageError
from jettison.registry import registries_conf
from jettison.registry.registries_conf import RegistryRule, read_rules


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """The system's directory and the user's, both empty."""
    found = {"system": tmp_path / "etc", "user": tmp_path / "home/.config/containers"}
    for each in found.values():
        (each / "registries.conf.d").mkdir(parents=True)
    monkeypatch.setattr(registries_conf, "_SYSTEM", found["system"])
    return found


def write(path: Path, *locations: str, more: str = "") -> None:
    path.write_text("".join(f'[[registry]]\nlocation="{each}"\n{more}\n' for each in locations))


def covered(tmp_path: Path, **variables: str) -> list[str]:
    environ = {"HOME": str(tmp_path / "home"), **variables}
    return [rule.covers for rule in read_rules(environ)]


def test_nothing_is_read_where_nothing_is(tmp_path: Path, places):
    assert covered(tmp_path) == []
    assert read_rules({}) == ()


def test_the_system_s_file_counts_with_all_drop_ins(tmp_path: Path, places):
    write(places["system"] / "registries.conf", "a.example")
    write(places["system"] / "registries.conf.d/2.conf", "c.example")
    write(places["system"] / "registries.conf.d/1.conf", "b.example")
    write(places["system"] / "registries.conf.d/notes.txt", "no.example")
    write(places["user"] / "registries.conf.d/1.conf", "d.example")
    assert covered(tmp_path) == ["a.example", "b.example", "c.example", "d.example"]


def test_a_file_of_the_user_s_takes_the_place_of_the_system_s(tmp_path: Path, places):
    write(places["system"] / "registries.conf", "a.example")
    write(places["system"] / "registries.conf.d/1.conf", "b.example")
    write(places["user"] / "registries.conf", "c.example")
    write(places["user"] / "registries.conf.d/1.conf", "d.example")
    assert covered(tmp_path) == ["c.example", "d.example"]


def test_a_file_of_the_variable_takes_the_place_of_both(tmp_path: Path, places):
    write(places["system"] / "registries.conf", "a.example")
    write(places["user"] / "registries.conf", "c.example")
    write(places["user"] / "registries.conf.d/1.conf", "d.example")
    write(tmp_path / "mine", "e.example")
    named = {"CONTAINERS_REGISTRIES_CONF": str(tmp_path / "mine")}
    assert covered(tmp_path, **named) == ["e.example", "d.example"]


def test_a_drop_in_has_the_last_word_on_a_prefix(tmp_path: Path, places):
    write(places["system"] / "registries.conf", "a.example")
    write(places["system"] / "registries.conf.d/1.conf", "a.example", more="blocked=true")
    (rule,) = read_rules({"HOME": str(tmp_path / "home")})
    assert rule.blocked


def test_version_1_is_understood(tmp_path: Path, places):
    (places["system"] / "registries.conf").write_text(
        "[registries.search]\nregistries=['docker.io']\n"
        "[registries.insecure]\nregistries=['lab.example']\n"
        "[registries.block]\nregistries=['bad.example']\n"
    )
    assert read_rules({}) == (
        RegistryRule(location="lab.example", insecure=True),
        RegistryRule(location="bad.example", blocked=True),
    )


MIRRORS = """
[[registry]]
location = "a.example"
[[registry.mirror]]
location = "all"
[[registry.mirror]]
location = "digests"
pull-from-mirror = "digest-only"
[[registry.mirror]]
location = "tags"
pull-from-mirror = "tag-only"
"""


@pytest.mark.parametrize(
    ("more", "by_digest", "by_tag"),
    [
        ("", ["all", "digests"], ["all", "tags"]),
        ("mirror-by-digest-only = true", ["all", "digests"], []),
    ],
)
def test_mirrors_may_be_for_digests_or_tags_only(
    tmp_path: Path, places, more: str, by_digest: list[str], by_tag: list[str]
):
    text = MIRRORS.replace('"a.example"\n', f'"a.example"\n{more}\n')
    (places["system"] / "registries.conf").write_text(text)
    (rule,) = read_rules({})
    assert [each.location for each in rule.mirrors(by_digest=True)] == by_digest
    assert [each.location for each in rule.mirrors(by_digest=False)] == by_tag


@pytest.mark.parametrize(
    ("prefix", "name", "part"),
    [
        ("*.corp.example", "a.corp.example/x", "a.corp.example"),
        ("*.corp.example", "a.b.corp.example:5000/x", "a.b.corp.example"),
        ("*.corp.example", "corp.example/x", None),
        ("*.corp.example", "other.example/a.corp.example", None),
        ("*.corp.example", "a.corp.example.org/x", None),
        ("*.corp.example/team", "a.corp.example/team/x", "a.corp.example/team"),
        ("docker.io/library", "docker.io/library/python", "docker.io/library"),
        ("docker.io/lib", "docker.io/library/python", None),
        ("", "docker.io/library/python", None),
    ],
)
def test_what_a_prefix_covers(prefix: str, name: str, part: str | None):
    assert RegistryRule(prefix=prefix).matched(name) == part


@pytest.mark.parametrize(
    "text",
    [
        "[[registry]",
        "[[registry]]\nprefix = 1",
        "[[registry]]\nprefix = 'a.example'",
        "[[registry]]\nlocation='a'\n[[registry.mirror]]\nlocation='b'\npull-from-mirror='x'",
        "a = " + "[" * 5000,
    ],
    ids=["toml", "type", "location", "mirror", "deep"],
)
def test_a_file_that_is_none_is_named(tmp_path: Path, places, text: str):
    path = places["system"] / "registries.conf"
    path.write_text(text)
    with pytest.raises(UsageError) as raised:
        read_rules({})
    assert f"`{path}`" in raised.value.message
