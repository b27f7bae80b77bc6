"""``ls-files``, ``cat`` and ``export``: what is in images and containers."""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from e2e.command import Cli
from host_tools import tool

DOCKERFILE = """\
FROM box
RUN mkdir /data && echo one > /data/one && ln /data/one /data/two && mkfifo /data/pipe \\
 && ln -s ../../../data/one /data/out && ln -s b /data/a && ln -s a /data/b \\
 && printf 'x' > "$(printf '/data/evil\\033[2J\\nname')" && chown 1000:1000 /data/one
COPY --chmod=4755 tool /data/tool
RUN rm /bin/ls && rm -r /tmp
"""


@pytest.fixture(scope="module")
def image(cli: Cli) -> str:
    cli("build", "-t", "files:1", cli.context({"Dockerfile": DOCKERFILE, "tool": "#!/bin/sh\n"}))
    return "files:1"


def test_paths_are_listed_safely_and_as_they_are(cli: Cli, image: str) -> None:
    listed = cli("ls-files", image).stdout.splitlines()
    assert "/data/one" in listed
    assert "/bin/ls" not in listed
    assert not [line for line in listed if line.startswith("/tmp")]
    assert "/data/evil\\x1b[2J\\nname" in listed
    raw = cli.raw("ls-files", "-z", image, "/data").stdout.split(b"\0")
    assert b"/data/evil\x1b[2J\nname" in raw
    assert raw[-1] == b""


def test_a_line_says_all_that_a_long_one_can(cli: Cli, image: str) -> None:
    lines = cli("ls-files", "-l", image, "/data").stdout.splitlines()
    one = next(line for line in lines if line.endswith("/data/one"))
    assert one.split()[:3] == ["-rw-r--r--", "1000:1000", "4"]
    assert any(line.startswith("-rwsr-xr-x") and line.endswith("/data/tool") for line in lines)
    assert any(line.endswith("/data/out -> ../../../data/one") for line in lines)
    assert any(line.startswith("prw-") for line in lines)


def test_each_path_has_the_layer_that_it_came_with(cli: Cli, image: str) -> None:
    def layer(path: str) -> dict[str, object]:
        said = cli("ls-files", "--format", "json", "--depth", "0", image, path).stdout
        return dict(json.loads(said))

    shell, one, copied = layer("/bin/busybox"), layer("/data/one"), layer("/data/tool")
    assert shell["LayerNumber"] == 1
    assert str(one["CreatedBy"]).startswith("RUN")
    assert str(copied["CreatedBy"]).startswith("COPY")
    assert copied["LayerNumber"] == one["LayerNumber"] + 1  # type: ignore[operator]
    inspected = json.loads(cli("inspect", image).stdout)[0]["RootFS"]["Layers"]
    assert inspected[int(str(copied["LayerNumber"])) - 1] == copied["Layer"]
    assert layer("/data")["LayerNumber"] == copied["LayerNumber"]


def test_digests_and_kinds_are_chosen(cli: Cli, image: str) -> None:
    said = cli("ls-files", "--sha256", "--type", "f", image, "/data/o*").stdout
    digest = "2c8b08da5ce60398e1f19af0e5dccc744df274b826abe585eaba68c525434806"
    assert said == f"{digest}  /data/one\n"
    assert cli("ls-files", "--type", "p", image).stdout == "/data/pipe\n"


def test_files_are_printed_and_links_are_followed_inside(cli: Cli, image: str) -> None:
    assert cli("cat", f"{image}:/data/out", f"{image}:/data/two").stdout == "one\none\n"
    status, shown = cli.on_terminal("cat", f"{image}:/data/out")
    assert (status, shown.strip()) == (0, "one")


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("/data", "is a directory"),
        ("/data/pipe", "is a pipe"),
        ("/data/a", "too many links"),
        ("/data/onne", "did you mean `/data/one`?"),
        ("/bin/ls", "has no `/bin/ls`"),
        ("/" + "x" * 70_000, "has no `/xxx"),
    ],
)
def test_what_has_no_bytes_is_an_error_before_anything_is_printed(
    cli: Cli, image: str, place: str, message: str
) -> None:
    said = cli.attempt("cat", f"{image}:/data/one", f"{image}:{place}")
    assert (said.returncode, said.stdout) == (4, "")
    assert message in said.stderr


def test_a_place_without_a_path_is_a_usage_error(cli: Cli) -> None:
    for text in ("app", "app:1", ":/etc/passwd", "app:etc/passwd"):
        said = cli.attempt("cat", text)
        assert said.returncode == 125, said.all
        assert "write IMAGE:/PATH" in said.stderr


def test_an_archive_of_an_image_is_what_gnu_tar_unpacks(
    cli: Cli, image: str, tmp_path: Path
) -> None:
    path = cli.output(".tar")
    cli("export", "-o", path, image)
    data = path.read_bytes()
    assert cli.raw("export", image).stdout == data  # the same bytes, each time
    root = tmp_path / "root"
    root.mkdir()
    owner = ["--same-owner"] if os.geteuid() == 0 else ["--no-same-owner"]
    subprocess.run([tool("tar"), "-xpf", path, "-C", root, *owner], check=True)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        names = ["/" + each.name for each in archive]
    assert names == [os.fsdecode(line) for line in _listed(cli, image)]
    assert (root / "data/one").read_text() == "one\n"
    assert (root / "data/one").samefile(root / "data/two")
    assert (root / "data/tool").stat().st_mode & 0o7777 == 0o4755
    if os.geteuid() == 0:
        assert (root / "data/one").stat().st_uid == 1000


def _listed(cli: Cli, image: str) -> list[bytes]:
    return cli.raw("ls-files", "-z", image).stdout.split(b"\0")[:-1]


def test_an_archive_of_a_container_has_its_changes_and_nothing_that_is_mounted(
    cli: Cli, image: str
) -> None:
    volume = cli.context({"secret": "of the host"})
    cli(
        *("run", "--name", "changed", "-v", f"{volume}:/mnt/volume", image, "sh", "-c"),
        "echo new > /new; rm /data/one; mkdir /data/sub; chmod 700 /data/sub",
    )
    try:
        data = cli.raw("export", "changed").stdout
    finally:
        cli("rm", "changed")
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        found = {each.name: each for each in archive}
        assert archive.extractfile("new").read() == b"new\n"  # type: ignore[union-attr]
    assert "data/one" not in found
    assert found["data/two"].isreg()
    assert found["data/sub"].mode == 0o700
    assert not [name for name in found if name.startswith(("proc/", "sys/", "mnt/volume/"))]


def test_a_container_that_runs_is_exported_or_says_why_not(cli: Cli, image: str) -> None:
    cli("run", "-d", "--name", "running", image, "sh", "-c", "echo here > /here; sleep 600")
    try:
        cli("exec", "running", "sh", "-c", "until [ -s /here ]; do sleep 0.1; done")
        said = cli.raw("export", "running")
        if said.returncode:
            assert b"stop" in said.stderr, said.stderr
        else:
            with tarfile.open(fileobj=io.BytesIO(said.stdout)) as archive:
                assert archive.extractfile("here").read() == b"here\n"  # type: ignore[union-attr]
    finally:
        cli("rm", "-f", "running")


def test_an_export_says_what_it_cannot_do(cli: Cli, image: str) -> None:
    said = cli.attempt("export", "nothing-of-that-name")
    assert said.returncode == 1
    assert "no such container: `nothing-of-that-name`" in said.stderr
    status, shown = cli.on_terminal("export", image)
    assert status == 125
    assert "will not write a tar to a terminal" in shown
    said = cli.attempt("export", "-o", "/nowhere/at/all.tar", image)
    assert (said.returncode, "no directory" in said.stderr) == (6, True)


def test_a_layout_is_looked_into_and_leaves_no_image(cli: Cli, image: str) -> None:
    archive, layout = cli.output(".tar"), cli.context({})
    cli("save", "-o", archive, image)
    subprocess.run([tool("tar"), "-xf", archive, "-C", layout], check=True)
    other = cli.with_store("store-of-looking")
    name = f"oci-layout://{layout}"
    assert other("ls-files", name, "/data").stdout == cli("ls-files", image, "/data").stdout
    assert other("cat", f"{name}:/data/out").stdout == "one\n"
    assert other.raw("export", name).stdout == cli.raw("export", image).stdout
    assert other("images", "-q").stdout == ""
    said = other("prune", "--all", "--force").stdout
    assert "Total reclaimed space: " in said
    assert other("fsck").stdout == "clean\n"
    assert not list((cli.work / "store-of-looking/blobs/sha256").iterdir())


def test_podman_exports_the_same_files(cli: Cli, image: str, need: Callable[[str], str]) -> None:
    if os.geteuid() != 0 or cli.prefix:
        pytest.skip("podman is asked as root")
    podman = need("podman")
    archive, place = cli.output(".tar"), cli.output()
    cli("save", "-o", archive, image)
    options = ["--root", f"{place}/root", "--runroot", f"{place}/run", "--storage-driver", "vfs"]
    run = [podman, *options]
    try:
        subprocess.run([*run, "load", "-qi", archive], check=True, capture_output=True)
        made = subprocess.run([*run, "create", image], check=True, capture_output=True, text=True)
        theirs = subprocess.run(
            [*run, "export", made.stdout.strip()], check=True, capture_output=True
        ).stdout
    finally:
        subprocess.run([*run, "system", "reset", "-f"], check=False, capture_output=True)
    ours = _members(cli.raw("export", image).stdout)
    others = _members(theirs)
    for name, facts in ours.items():
        assert others[name] == facts, name
    made_there = {"dev", "proc", "sys", "run", "etc/hosts", "etc/hostname", "etc/resolv.conf"}
    assert {name for name in others if name not in ours} <= made_there | {"etc/mtab", "."}


def _members(data: bytes) -> dict[str, tuple[object, ...]]:
    found: dict[str, tuple[object, ...]] = {}
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for each in archive:
            name = each.name.removeprefix("./")
            content = b""
            if each.isreg() or each.islnk():
                taken = archive.extractfile(each)
                content = taken.read() if taken is not None else b""
            kind = tarfile.REGTYPE if each.islnk() else each.type
            link = each.linkname if each.issym() else ""
            found[name] = (
                kind,
                each.mode & 0o7777,
                each.uid,
                each.gid,
                int(each.mtime),
                link,
                content,
            )
    return found
