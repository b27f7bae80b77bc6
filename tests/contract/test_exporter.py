"""What every exporter promises, tried on every kind of output that writes files."""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from image_rig import AMD64, ARM64, Rig, ignore, read_tree
from jettison.cli.outputs import output_of
from jettison.errors import ExportError, JettisonError, UsageError
from jettison.exporter.base import ExportServices
from jettison.exporter.catalog import make_exporter
from jettison.exporter.outputs import (
    TYPES,
    DockerOutput,
    LocalOutput,
    OciOutput,
    TarOutput,
    kind_of,
)
from jettison.exporter.save import save_images
from jettison.image.assemble import assemble
from jettison.image.load import load
from jettison.oci.config import ContainerConfig
from jettison.plan.graph import ImageTemplate
from layout_check import check_layout, extracted
from registry_server import needed

FILES = {"hello": "world", "bin/tool": b"\x7fELF" + bytes(200_000), "link": "-> hello"}
ARCHIVES = ("oci", "docker")
FILE_KINDS = ("oci", "docker", "tar")
DEST_KINDS = (*FILE_KINDS, "local")


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path / "store") as made:
        yield made


def export(rig: Rig, kind: str, dest: Path | str, *images, names=(), **attributes: str):
    return rig.exporter(kind, dest, *names, **attributes).export(images, ignore)


@pytest.mark.parametrize("kind", [kind for kind in TYPES if kind != "cacheonly"])
def test_an_unknown_attribute_is_refused_before_anything_is_done(rig, kind):
    with pytest.raises(UsageError, match="unknown attribute `colour`") as raised:
        rig.exporter(kind, "x", "a", colour="red")
    assert "`" in raised.value.hint


def test_an_unknown_type_is_refused_with_the_known_ones(rig):
    with pytest.raises(UsageError, match="unknown output type `floppy`") as raised:
        rig.exporter("floppy")
    assert "oci" in raised.value.hint


@pytest.mark.parametrize("kind", [OciOutput, DockerOutput, TarOutput, LocalOutput])
def test_a_destination_is_needed(kind):
    with pytest.raises(UsageError, match=f"`type={kind_of(kind)}` needs a destination"):
        kind("")


@pytest.mark.parametrize("kind", DEST_KINDS)
def test_nothing_is_left_when_the_export_is_cancelled(rig, kind, tmp_path: Path):
    image = rig.image({f"f{n}": f"{n}" for n in range(300)})
    (tmp_path / "out").mkdir()
    exporter = rig.exporter(kind, tmp_path / "out/x")

    def cancel(item: str, current: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        exporter.export([image], cancel)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("kind", FILE_KINDS)
def test_a_full_disk_is_told_and_leaves_the_old_file(rig, kind, tmp_path: Path):
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full")
    image = rig.image(FILES)
    with pytest.raises(ExportError, match="no space left"):
        export(rig, kind, "/dev/full", image)


@pytest.mark.parametrize("kind", DEST_KINDS)
def test_a_place_that_cannot_be_written_is_an_export_error(rig, kind, tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportError, match="cannot write"):
        export(rig, kind, tmp_path / "file/below", rig.image(FILES))


@pytest.mark.parametrize("kind", FILE_KINDS)
def test_equal_images_give_equal_bytes_in_a_file_and_in_a_stream(rig, kind, tmp_path: Path):
    image = rig.image(FILES)
    export(rig, kind, tmp_path / "a", image)
    export(rig, kind, tmp_path / "a", image)
    stream = io.BytesIO()
    services = ExportServices(rig.store, rig.blobs, None, stream)
    output = output_of({"type": kind, "dest": "-"})
    make_exporter(output, services).export([image], ignore)
    assert (tmp_path / "a").read_bytes() == stream.getvalue()
    assert [path.name for path in tmp_path.iterdir() if path.name != "store"] == ["a"]


@pytest.mark.parametrize("kind", ARCHIVES)
@pytest.mark.parametrize("compression", ["uncompressed", "gzip", "zstd"])
def test_archives_are_valid_layouts(rig, kind, compression, tmp_path: Path):
    image = rig.image(FILES, {}, {"other": "x"}, config=ContainerConfig(env=("A=b",)))
    result = export(rig, kind, tmp_path / "x.tar", image, compression=compression)
    (config,) = (
        check_layout(extracted(tmp_path / "x.tar", tmp_path / "x"))
        if kind == "oci"
        else _docker(tmp_path)
    )
    assert config == json.loads(image.config)
    assert result.manifest is not None
    assert result.path == str(tmp_path / "x.tar")


def _docker(tmp_path: Path):
    layout = extracted(tmp_path / "x.tar", tmp_path / "x")
    (entry,) = json.loads((layout / "manifest.json").read_text())
    assert (layout / entry["Config"]).is_file()
    assert all((layout / layer).is_file() for layer in entry["Layers"])
    return check_layout(layout)


@pytest.mark.parametrize("kind", ARCHIVES)
def test_a_layout_directory_gains_images_and_replaces_names(rig, kind, tmp_path: Path):
    first, second = rig.image(FILES), rig.image({"other": "x"})
    dest = tmp_path / "layout"
    export(rig, kind, dest, first, tar="false", name="app:1")
    export(rig, kind, dest, second, tar="false", name="app:2")
    export(rig, kind, dest, second, tar="false", name="app:2")
    entries = json.loads((dest / "index.json").read_text())["manifests"]
    names = [entry["annotations"]["io.containerd.image.name"] for entry in entries]
    assert names == ["docker.io/library/app:1", "docker.io/library/app:2"]
    assert len(check_layout(dest)) == 2


def test_a_layout_is_not_written_over_other_files(rig, tmp_path: Path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home/diary").write_text("dear")
    with pytest.raises(ExportError, match="not empty and no OCI layout"):
        export(rig, "oci", tmp_path / "home", rig.image(FILES), tar="false")
    assert os.listdir(tmp_path / "home") == ["diary"]


def test_several_platforms_make_an_index(rig, tmp_path: Path):
    images = [rig.image(FILES, platform=each) for each in (AMD64, ARM64)]
    export(rig, "oci", tmp_path / "x.tar", *images, name="app:1")
    configs = check_layout(extracted(tmp_path / "x.tar", tmp_path / "x"))
    assert [config["architecture"] for config in configs] == ["amd64", "arm64"]
    with pytest.raises(ExportError, match="one platform each"):
        export(rig, "docker", tmp_path / "y.tar", *images)


def test_annotations_go_where_they_are_sent(rig, tmp_path: Path):
    exporter = rig.exporter(
        "oci",
        tmp_path / "x.tar",
        **{
            "annotation.org.example.a": "1",
            "annotation-manifest[linux/arm64].org.example.b": "2",
            "annotation-index.org.example.c": "3",
            "annotation-manifest-descriptor.org.example.d": "4",
            "annotation-index-descriptor.org.example.e": "5",
        },
    )
    exporter.export([rig.image(FILES, platform=each) for each in (AMD64, ARM64)], ignore)
    layout = extracted(tmp_path / "x.tar", tmp_path / "x")
    check_layout(layout)
    (top,) = json.loads((layout / "index.json").read_text())["manifests"]
    assert top["annotations"] == {"org.example.e": "5"}
    index = json.loads((layout / "blobs/sha256" / top["digest"][7:]).read_text())
    assert index["annotations"] == {"org.example.c": "3"}
    notes = []
    for entry in index["manifests"]:
        assert entry["annotations"] == {"org.example.d": "4"}
        manifest = json.loads((layout / "blobs/sha256" / entry["digest"][7:]).read_text())
        notes.append(manifest["annotations"])
    assert notes == [{"org.example.a": "1"}, {"org.example.a": "1", "org.example.b": "2"}]


@pytest.mark.parametrize(
    "attributes",
    [
        {"compression": "rar"},
        {"compression": "gzip", "compression-level": "10"},
        {"compression-level": "much"},
        {"tar": "perhaps"},
        {"name": "UPPER"},
    ],
)
def test_wrong_values_are_refused(rig, attributes):
    with pytest.raises(JettisonError):
        rig.exporter("oci", "x", **attributes)


def test_layers_of_other_images_keep_their_compression_unless_forced(rig, tmp_path: Path):
    export(rig, "oci", tmp_path / "gzip.tar", rig.image(FILES), name="a:1")
    with Rig(tmp_path / "other") as other:
        ((image, *_),) = [(each.image,) for each in load(other.store, tmp_path / "gzip.tar", AMD64)]
        export(other, "oci", tmp_path / "kept.tar", image, compression="zstd")
        export(
            other,
            "oci",
            tmp_path / "forced.tar",
            image,
            compression="zstd",
            force_compression="true",
        )
        export(
            other,
            "oci",
            tmp_path / "plain.tar",
            image,
            compression="uncompressed",
            force_compression="true",
        )

    def media_type(name: str) -> str:
        layout = extracted(tmp_path / f"{name}.tar", tmp_path / name)
        check_layout(layout)
        (entry,) = json.loads((layout / "index.json").read_text())["manifests"]
        manifest = json.loads((layout / "blobs/sha256" / entry["digest"][7:]).read_text())
        return manifest["layers"][0]["mediaType"].rpartition(".")[2]

    assert [media_type(name) for name in ("kept", "forced", "plain")] == [
        "tar+gzip",
        "tar+zstd",
        "tar",
    ]


def test_a_loaded_image_is_exported_with_the_digest_it_came_with(rig, tmp_path: Path):
    made = export(rig, "oci", tmp_path / "a.tar", rig.image(FILES), name="a:1")
    with Rig(tmp_path / "other") as other:
        (loaded,) = load(other.store, tmp_path / "a.tar", AMD64)
        again = export(other, "oci", tmp_path / "b.tar", loaded.image, name="a:1")
    assert again.manifest.digest == made.manifest.digest
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()


def test_compression_levels_change_the_blob_and_not_the_image(rig, tmp_path: Path):
    image = rig.image({"text": "to be or not to be, " * 20_000})
    sizes = []
    for level in ("1", "9"):
        export(rig, "oci", tmp_path / level, image, compression_level=level)
        sizes.append((tmp_path / level).stat().st_size)
        (config,) = check_layout(extracted(tmp_path / level, tmp_path / f"x{level}"))
        assert config == json.loads(image.config)
    assert sizes[0] != sizes[1]


def test_the_root_file_system_is_merged_with_whiteouts_applied(rig, tmp_path: Path):
    lower = {"keep": "1", "gone": "2", "dir/old": "3", "replaced": "4"}
    base = rig.layer(lower)
    active = rig.layer_store.prepare()
    os.mknod(active.upper / "gone", 0o020000, 0)
    (active.upper / "replaced").write_text("new")
    (active.upper / "dir").mkdir()
    (active.upper / "dir/new").write_text("5")
    os.link(active.upper / "dir/new", active.upper / "same")
    top = rig.layer_store.commit(active).id
    image = _image(rig, base, top)
    expected = {"keep": b"1", "dir/old": b"3", "dir/new": b"5", "same": b"5", "replaced": b"new"}
    export(rig, "local", tmp_path / "tree", image)
    assert read_tree(tmp_path / "tree") == expected
    assert (tmp_path / "tree/same").stat().st_nlink == 2
    export(rig, "tar", tmp_path / "tree.tar", image)
    with tarfile.open(tmp_path / "tree.tar") as tar:
        assert {m.name for m in tar if not m.isdir()} == set(expected)
        assert tar.getmember("same").islnk()
        assert tar.extractfile("replaced").read() == b"new"


def _image(rig: Rig, *layers):
    image = assemble(
        ImageTemplate(AMD64, ContainerConfig(), ()), layers, rig.blobs, created_ns=10**18
    )
    rig.store.images.add(image)
    return image


def test_a_local_export_merges_and_follows_no_link_of_the_destination(rig, tmp_path: Path):
    victim = tmp_path / "victim"
    victim.mkdir()
    dest = tmp_path / "dest"
    dest.mkdir()
    (dest / "bin").symlink_to(victim)
    (dest / "mine").write_text("stays")
    (dest / "hello").write_text("old")
    export(rig, "local", dest, rig.image(FILES))
    assert list(victim.iterdir()) == []
    assert read_tree(dest) == {
        "mine": b"stays",
        "hello": b"world",
        "bin/tool": FILES["bin/tool"],
        "link": "-> hello",
    }


def test_an_image_s_own_links_lead_nowhere_while_it_is_written(rig, tmp_path: Path):
    victim = tmp_path / "victim"
    victim.mkdir()
    base = rig.layer({"etc": f"-> {victim}"})
    active = rig.layer_store.prepare()
    (active.upper / "etc").mkdir()
    (active.upper / "etc/passwd").write_text("x")
    top = rig.layer_store.commit(active).id
    export(rig, "local", tmp_path / "tree", _image(rig, base, top))
    assert list(victim.iterdir()) == []
    assert (tmp_path / "tree/etc/passwd").read_text() == "x"


def test_local_files_keep_modes_and_times(rig, tmp_path: Path):
    active = rig.layer_store.prepare()
    path = active.upper / "tool"
    path.write_text("x")
    path.chmod(0o750)
    os.utime(path, (10**9, 10**9))
    image = _image(rig, rig.layer_store.commit(active).id)
    export(rig, "local", tmp_path / "tree", image)
    facts = (tmp_path / "tree/tool").stat()
    assert (facts.st_mode & 0o7777, facts.st_mtime) == (0o750, 10**9)
    export(rig, "local", tmp_path / "clamped", image, source_date_epoch="5")
    assert (tmp_path / "clamped/tool").stat().st_mtime == 5


def test_several_platforms_of_files_are_told_apart_by_directories(rig, tmp_path: Path):
    images = [rig.image({"x": str(each)}, platform=each) for each in (AMD64, ARM64)]
    export(rig, "local", tmp_path / "tree", *images)
    assert read_tree(tmp_path / "tree") == {
        "linux_amd64/x": b"linux/amd64",
        "linux_arm64/x": b"linux/arm64",
    }


def test_the_image_output_names_the_image(rig):
    image = rig.image(FILES)
    result = export(rig, "image", "", image, names=["app:1", "example.org/app:2"])
    assert result.names == ("docker.io/library/app:1", "example.org/app:2")
    assert rig.store.images.lookup("example.org/app:2").id == image.id


@pytest.mark.parametrize("kind", ARCHIVES)
def test_skopeo_accepts_archives_and_directories(rig, kind, tmp_path: Path):
    skopeo = needed("skopeo")
    image = rig.image(FILES, {"other": "x"})
    export(rig, kind, tmp_path / "x.tar", image, name="app:1")
    export(rig, kind, tmp_path / "dir", image, name="app:1", tar="false")
    transports = [f"oci-archive:{tmp_path}/x.tar:1", f"oci:{tmp_path}/dir:1"]
    if kind == "docker":
        transports.append(f"docker-archive:{tmp_path}/x.tar:app:1")
    for transport in transports:
        shown = subprocess.run(
            [skopeo, "inspect", "--config", transport], capture_output=True, text=True, check=False
        )
        assert shown.returncode == 0, shown.stderr
        told = json.loads(shown.stdout)["rootfs"]["diff_ids"]
        assert told == [layer.diff_id for layer in image.layers]


def podman_command(podman: str, tmp_path: Path) -> list[str]:
    """Return the beginning of a podman command with a store of its own."""
    # podman takes 50 characters for the run root; the system cleans it up.
    runroot = tempfile.mkdtemp(prefix="jp-")
    return [podman, "--root", f"{tmp_path}/p", "--runroot", runroot, "--storage-driver", "vfs"]


@pytest.mark.needs_root
@pytest.mark.parametrize("kind", [*ARCHIVES, "save"])
def test_podman_loads_archives(rig, kind, tmp_path: Path):
    podman = needed("podman")
    if os.geteuid() != 0:
        pytest.skip("needs root")
    image = rig.image(FILES)
    archive = tmp_path / "x.tar"
    if kind == "save":
        rig.store.images.tag("example.org/app:1", image.id)
        save_images([("example.org/app:1", [image])], str(archive), rig.services)
    else:
        export(rig, kind, archive, image, name="example.org/app:1")
    command = podman_command(podman, tmp_path)
    loaded = subprocess.run(
        [*command, "load", "-q", "-i", str(archive)], capture_output=True, text=True, check=False
    )
    assert loaded.returncode == 0, loaded.stderr
    shown = subprocess.run(
        [*command, "image", "inspect", "example.org/app:1", "--format", "{{.Id}}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"sha256:{shown.stdout.strip()}" == image.id, shown.stderr


def test_save_writes_each_image_once_with_all_its_names(rig, tmp_path: Path):
    first, second = rig.image(FILES), rig.image({"other": "x"})
    for name in ("app:1", "app:2"):
        rig.store.images.tag(f"docker.io/library/{name}", first.id)
    wanted = [("app:1", [first]), (second.id[7:19], [second]), ("app:2", [first])]
    save_images(wanted, str(tmp_path / "x.tar"), rig.services)
    entries = json.loads(
        (extracted(tmp_path / "x.tar", tmp_path / "x") / "manifest.json").read_text()
    )
    assert [entry["RepoTags"] for entry in entries] == [["app:1", "app:2"], None]
    with Rig(tmp_path / "other") as other:
        loaded = load(other.store, tmp_path / "x.tar", AMD64)
        assert {each.image.id for each in loaded} == {first.id, second.id}
        assert other.store.images.lookup("docker.io/library/app:2").id == first.id


@pytest.mark.needs_root
@pytest.mark.parametrize("kind", ["oci", "tar", "local", "layout"])
def test_a_file_system_that_fills_up_is_told_and_left_empty(rig, kind, tmp_path: Path):
    if os.geteuid() != 0:
        pytest.skip("needs root")
    image = rig.image({"big": os.urandom(2_000_000)})
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(disk)], check=True)
    try:
        attributes = {"tar": "false"} if kind == "layout" else {}
        with pytest.raises(ExportError, match="no space left") as raised:
            export(rig, "oci" if kind == "layout" else kind, disk / "out", image, **attributes)
        assert "free some space" in raised.value.hint
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.needs_root
def test_what_podman_and_skopeo_save_is_loaded(rig, tmp_path: Path):
    podman, skopeo = needed("podman"), needed("skopeo")
    if os.geteuid() != 0:
        pytest.skip("needs root")
    image = rig.image(FILES, {"second": "x"})
    export(rig, "docker", tmp_path / "x.tar", image, name="example.org/app:1")
    command = podman_command(podman, tmp_path)
    subprocess.run(
        [*command, "load", "-q", "-i", f"{tmp_path}/x.tar"], check=True, capture_output=True
    )
    for kind in ("docker-archive", "oci-archive", "docker-dir"):
        if kind == "docker-dir":
            made, copy = tmp_path / "skopeo", f"oci:{tmp_path}/skopeo:example.org/app:1"
            subprocess.run(
                [skopeo, "copy", "-q", f"docker-archive:{tmp_path}/x.tar", copy], check=True
            )
        else:
            made = tmp_path / kind
            subprocess.run(
                [*command, "save", "-q", "--format", kind, "-o", str(made), "example.org/app:1"],
                check=True,
            )
        with Rig(tmp_path / f"store-{kind}") as other:
            (loaded,) = load(other.store, made, AMD64)
            assert loaded.names == ("example.org/app:1",)
            # The config may be rewritten in docker's form, the layers stay.
            told = [layer.diff_id for layer in loaded.image.layers]
            assert told == [layer.diff_id for layer in image.layers]
            layers = tuple(layer.layer for layer in loaded.image.layers)
            first, second = other.blobs.materialise(layers)
            assert (first / "hello").read_text() == "world"
            assert (second / "second").read_text() == "x"
