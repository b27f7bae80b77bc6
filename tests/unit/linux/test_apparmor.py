"""AppArmor profiles: which one a container gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from jettison.errors import HostError, UsageError
from jettison.linux.apparmor import (
    choose_profile,
    is_enabled,
    loaded_profiles,
)
from jettison.linux.process import confine_next_program

DOCKER = frozenset({"/usr/bin/man", "docker-default"})
PODMAN = frozenset({"containers-default-0.50.1", "containers-default-0.57.4", "crun"})


@pytest.mark.parametrize(
    ("wanted", "enabled", "loaded", "rootless", "profile"),
    [
        (None, False, None, False, ""),
        (None, True, DOCKER, False, "docker-default"),
        (None, True, PODMAN, False, "containers-default-0.57.4"),
        (None, True, frozenset({"crun", "docker-default-not"}), False, ""),
        (None, True, None, False, ""),
        (None, True, DOCKER, True, ""),
        ("unconfined", True, DOCKER, False, ""),
        ("unconfined", False, None, False, ""),
        ("/usr/bin/man", True, DOCKER, False, "/usr/bin/man"),
        ("mine", True, None, True, "mine"),
    ],
)
def test_a_container_gets_the_profile_that_fits(wanted, enabled, loaded, rootless, profile):
    found = choose_profile(wanted, enabled=enabled, loaded=loaded, rootless=rootless)
    assert found == profile


def test_a_profile_that_is_not_loaded_is_an_error_that_says_how_to_load_it():
    with pytest.raises(UsageError, match="`mine` is not loaded") as raised:
        choose_profile("mine", enabled=True, loaded=DOCKER)
    assert "apparmor_parser" in raised.value.hint
    with pytest.raises(HostError, match="does not use AppArmor"):
        choose_profile("mine", enabled=False, loaded=None)
    for bad in ("", "a\nb"):
        with pytest.raises(UsageError, match="invalid AppArmor profile"):
            choose_profile(bad, enabled=True, loaded=None)


def test_the_kernel_tells_whether_it_is_on_and_what_is_loaded(tmp_path: Path):
    enabled, profiles = tmp_path / "enabled", tmp_path / "profiles"
    assert not is_enabled(enabled)
    assert loaded_profiles(profiles) is None
    enabled.write_text("Y\n")
    profiles.write_text("docker-default (enforce)\n/usr/lib/x (y) z (complain)\n")
    assert is_enabled(enabled)
    assert loaded_profiles(profiles) == {"docker-default", "/usr/lib/x (y) z"}
    enabled.write_text("N\n")
    assert not is_enabled(enabled)


def test_the_profile_is_asked_for_by_a_file_of_the_process(tmp_path: Path):
    (tmp_path / "exec").touch()
    confine_next_program(b"", bytes(tmp_path))
    assert (tmp_path / "exec").read_bytes() == b""
    confine_next_program(b"docker-default", bytes(tmp_path))
    assert (tmp_path / "exec").read_bytes() == b"exec docker-default"
    (tmp_path / "apparmor").mkdir()
    (tmp_path / "apparmor/exec").touch()
    confine_next_program(b"mine", bytes(tmp_path))
    assert (tmp_path / "apparmor/exec").read_bytes() == b"exec mine"
