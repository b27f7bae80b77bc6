"""User namespaces: what a process is on the host, and what stands in the way."""

from __future__ import annotations

import os

import pytest

from jettison.linux import host, userns


def test_ids_are_translated_by_the_map():
    rows = [(0, 1000, 1), (1, 100000, 65536)]
    assert [userns.translate(number, rows) for number in (0, 1, 65536)] == [1000, 100000, 165535]
    assert userns.translate(70000, rows) == 70000


def test_a_host_without_maps_is_the_first_namespace(tmp_path):
    assert userns.read_map(str(tmp_path / "none")) == [(0, 0, 4294967295)]


def test_root_needs_no_namespace():
    if os.geteuid():
        pytest.skip("runs as root")
    assert not userns.is_needed()
    userns.enter()


def test_the_reason_for_having_less_is_kept_with_its_remedy(monkeypatch):
    monkeypatch.delenv(userns.REASON, raising=False)
    assert userns.shortfall() == ("", "")
    monkeypatch.setenv(userns.REASON, "no ids\nRun this.")
    assert userns.shortfall() == ("no ids", "Run this.")
    monkeypatch.setenv(userns.REASON, "`newuidmap` failed: no")
    assert "/etc/subuid" in userns.shortfall()[1]


@pytest.mark.parametrize(("value", "expected"), [("1", "sysctl it=0"), ("0", "seccomp=unconfined")])
def test_the_hint_is_the_setting_that_forbids_it(monkeypatch, tmp_path, value, expected):
    path = tmp_path / "setting"
    path.write_text(f"{value}\n")
    monkeypatch.setattr(userns, "SETTINGS", ((str(path), "1", "sysctl it=0"),))
    assert expected in userns.remedy("unshare: Operation not permitted")


def test_the_doctor_s_facts_have_names_and_values():
    facts = host.facts()
    names = [fact.name for fact in facts]
    assert {"kernel", "user", "overlay file system", "control groups", "newuidmap"} <= set(names)
    assert all(fact.value for fact in facts)
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("release", "expected"), [("6.1.0-13-amd64", (6, 1)), ("5.15", (5, 15)), ("weird", (0, 0))]
)
def test_kernel_releases_are_two_numbers(release, expected):
    assert host.kernel_version(release) == expected
