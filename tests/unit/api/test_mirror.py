"""Which directories ``mode=delete`` empties."""

from __future__ import annotations

from pathlib import Path

import pytest

from jettison.api.mirror import ENTITLEMENT, danger_of, require_mirror
from jettison.api.request import BuildRequest
from jettison.errors import UsageError
from jettison.exporter.outputs import LocalOutput


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home/maria"
    for name in ("context/dist", "work", "store/blobs", "repository/.git", "out"):
        (home / name).mkdir(parents=True)
    (home / "link").symlink_to(home)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(home / "work")
    return home


@pytest.mark.parametrize(
    ("dest", "danger"),
    [
        ("/", "root of the system"),
        ("/etc", "directly below it"),
        ("/usr/../etc/", "directly below it"),
        ("{home}", "holds the home directory"),
        ("{home}/..", "holds the home directory"),
        ("{home}/link", "holds the home directory"),
        (".", "holds the working directory"),
        ("{home}/context", "holds the build context"),
        ("{home}/store", "holds the local store"),
        ("{home}/store/blobs", "is a part of the local store"),
        ("{home}/repository", "holds a repository"),
        ("/dev/shm", "is a mount point"),
    ],
)
def test_nobody_means_these(home: Path, dest: str, danger: str) -> None:
    found = danger_of(dest.format(home=home), str(home / "context"), home / "store")
    assert danger in found


@pytest.mark.parametrize("dest", ["out", "../out", "../context/dist", "new/deep"])
def test_a_directory_of_its_own_is_fine(home: Path, dest: str) -> None:
    assert danger_of(dest, str(home / "context"), home / "store") == ""


def test_it_must_be_granted(home: Path) -> None:
    output = LocalOutput(str(home / "out"), mode="delete")
    with pytest.raises(UsageError, match="is not granted") as raised:
        require_mirror(BuildRequest("."), output, home / "store")
    assert ENTITLEMENT in str(raised.value.hint)
    granted = BuildRequest(".", allow=frozenset({ENTITLEMENT}))
    require_mirror(granted, output, home / "store")
    with pytest.raises(UsageError, match="holds the home directory"):
        require_mirror(granted, LocalOutput(str(home), mode="delete"), home / "store")
