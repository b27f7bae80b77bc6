"""Where mounts go: links that lead nowhere, missing parents, things of the other kind.

Each driver does what BuildKit does, and leaves nothing in the layer.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from contract import sandbox_rig
from contract.sandbox_rig import OLD, drivers_here, make_base, variant
from jettison.errors import JettisonError
from jettison.sandbox.select import IN_CONTAINER
from jettison.sandbox.spec import BindMount, FileMount, OverlayMount, TmpfsMount

pytestmark = pytest.mark.needs_root


rig = sandbox_rig.rig
driver = sandbox_rig.driver_of(drivers_here())


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    root = make_base(tmp_path_factory.mktemp("base"))
    for name in ("there", "closed", "closed/dir", "links"):
        (root / name).mkdir()
    (root / "there/file").write_text("of the image\n")
    (root / "closed/file").write_text("of the image\n")
    links = {
        "dangling": "../nowhere/deep/target",
        "absolute": "/nowhere/absolute",
        "twice": "dangling",
        "slash": "/nowhere/slash/",
        "out": "../../../../../../nowhere/out",
        "to-dir": "/there",
        "to-file": "/there/file",
        "loop": "loop",
        "loop-2": "loop-3",
        "loop-3": "/links/loop-2",
    }
    for name, target in links.items():
        (root / "links" / name).symlink_to(target)
    for path in (root / "closed/dir", root / "closed"):
        path.chmod(0o555)
    for path in [*root.rglob("*"), root]:
        os.utime(path, ns=(OLD, OLD), follow_symlinks=False)
    return root


@pytest.fixture
def sources(tmp_path) -> Path:
    for name in ("cache", "layer/sub"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "cache/file").write_text("mounted\n")
    (tmp_path / "layer/sub/file").write_text("mounted\n")
    (tmp_path / "one").write_text("mounted\n")
    return tmp_path


_FILES = ("secret", "bind-file", "stage-file")
_DIRECTORIES = ("bind-directory", "stage-directory", "cache", "tmpfs")


def _mount(kind: str, target: str, sources: Path):
    return {
        "secret": lambda: FileMount(target, b"mounted\n", 0o444),
        "bind-file": lambda: BindMount(sources / "one", target, readonly=True),
        "stage-file": lambda: OverlayMount((sources / "layer",), "/sub/file", target),
        "bind-directory": lambda: BindMount(sources / "cache", target, readonly=True),
        "stage-directory": lambda: OverlayMount((sources / "layer",), "/sub", target),
        "cache": lambda: BindMount(sources / "cache", target, exclusive=True),
        "tmpfs": lambda: TmpfsMount(target),
    }[kind]()


def _shown(kind: str, target: str) -> str:
    if kind in _FILES:
        return f"cat {target}"
    return f"test -d {target}/. && echo mounted" if kind == "tmpfs" else f"cat {target}/file"


@pytest.mark.parametrize("kind", [*_FILES, *_DIRECTORIES])
def test_links_that_lead_nowhere_and_missing_parents_are_made(rig, sources, kind):
    for place in (
        "/links/dangling", "/links/absolute", "/links/twice", "/links/out", "/links/slash",
        "/new/a/b", "/closed/new", "/closed/dir/a/b",
    ):  # fmt: skip
        if place == "/links/slash" and kind in _FILES:
            continue  # what it asks for is a directory
        result = rig.sh(_shown(kind, place), mounts=(_mount(kind, place, sources),))
        assert (result.lines, result.changes()) == (["mounted"], []), (place, result.stderr)
        if "fuse" not in variant(rig.sandbox):  # which forgets times of directories (ADR 0007)
            assert result.upper.stat().st_mtime_ns == OLD


@pytest.mark.parametrize("kind", [*_FILES, *_DIRECTORIES])
def test_links_that_lead_somewhere_are_followed(rig, sources, kind):
    place = "/links/to-file" if kind in _FILES else "/links/to-dir"
    behind = "/there/file" if kind in _FILES else "/there"
    result = rig.sh(_shown(kind, behind), mounts=(_mount(kind, place, sources),))
    assert (result.lines, result.changes()) == (["mounted"], []), result.stderr


@pytest.mark.parametrize("kind", [*_FILES, *_DIRECTORIES])
def test_loops_and_the_other_kind_are_errors_that_name_the_place(rig, sources, kind):
    if rig.sandbox.name == IN_CONTAINER:
        pytest.skip("what is there is put aside where nothing can be mounted")
    other = "/links/to-dir" if kind in _FILES else "/links/to-file"
    for place in ("/links/loop", "/links/loop-2", other):
        with pytest.raises(JettisonError) as caught:
            rig.sh("echo ran", mounts=(_mount(kind, place, sources),))
        assert place in caught.value.message, caught.value.message


def test_a_loop_is_an_error_where_nothing_can_be_mounted_too(rig, sources):
    if rig.sandbox.name != IN_CONTAINER:
        pytest.skip("see above")
    with pytest.raises(JettisonError, match="/links/loop"):
        rig.sh("echo ran", mounts=(FileMount("/links/loop", b""),))


def test_a_mount_point_in_a_read_only_mount_is_an_error(rig, sources):
    if rig.sandbox.name == IN_CONTAINER:
        pytest.skip("nothing is read-only where nothing can be mounted")
    mounts = (_mount("bind-directory", "/ro", sources), FileMount("/ro/new", b""))
    with pytest.raises(JettisonError) as caught:
        rig.sh("echo ran", mounts=mounts)
    assert "/ro/new" in caught.value.message
    if not rig.sandbox.name.startswith("oci"):  # what runtimes say is their own affair
        assert "read-only" in caught.value.message.lower()
    assert not (sources / "cache/new").exists()


@pytest.mark.parametrize(
    "link",
    ["../run/systemd/resolve/stub-resolv.conf", "/run/resolv.conf", "../run/NetworkManager/x"],
)
def test_an_image_may_link_resolv_conf_and_hosts_to_what_is_not_there(rig, tmp_path, link):
    layer = tmp_path / "systemd"
    (layer / "etc").mkdir(parents=True)
    (layer / "etc/resolv.conf").symlink_to(link)
    (layer / "etc/hosts").symlink_to("/run/nowhere/hosts")
    for path in (layer / "etc", layer):
        os.utime(path, ns=(OLD, OLD))
    result = rig.sh(
        "cat /etc/resolv.conf /etc/hosts && test -L /etc/resolv.conf", root=rig.root(layer),
        hosts=b"names\n", resolv_conf=b"servers\n",
    )  # fmt: skip
    assert result.lines == ["servers", "names"], result.stderr
    assert result.code == 0
    assert result.changes() == []


def test_names_of_hosts_can_be_made_read_only(rig):
    script = (
        "echo x >> /etc/hosts; echo x > /etc/resolv.conf; rm /etc/hosts; chmod 600 /etc/hosts;"
        "cat /etc/hosts /etc/resolv.conf"
    )
    names = {"hosts": b"names\n", "resolv_conf": b"servers\n"}
    if rig.sandbox.name != IN_CONTAINER:  # where writes are lost
        result = rig.sh(script, readonly_names=True, **names)
        assert result.lines == ["names", "servers"]
        assert result.stderr.count(b"Read-only file system") == 3
        assert result.changes() == []
    result = rig.sh("echo x >> /etc/hosts && cat /etc/hosts", **names)
    assert result.lines == ["names", "x"]
