"""Archives that images are copied from: hostile ones, compressed ones, and those of a pipe."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
import threading
from pathlib import Path

import pytest

from jettison.errors import (
    ContentError,
    DigestMismatchError,
    ImageNotFoundError,
    InvalidManifestError,
    JettisonError,
    SizeMismatchError,
    SourceError,
)
from jettison.exporter.copying.from_archive import Section, TarLayout
from jettison.exporter.copying.from_layout import LayoutSource, choose_entry
from jettison.exporter.copying.place import parse_place
from jettison.exporter.copying.verified import pieces, small_blob, twice
from jettison.oci.codec import decode
from jettison.oci.digest import Digest, sha256_digest
from jettison.oci.manifest import Descriptor, Manifest

LAYER = b"a layer" * 100


def tar_of(members: dict[str, bytes | str]) -> bytes:
    """Return a tar of files; a text is where a symbolic link leads."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
                tar.addfile(info)
            else:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return made.getvalue()


def of_docker(*tags: str, layers: list[str] | None = None) -> bytes:
    """Return an archive as docker wrote them before it had layouts."""
    rootfs = {"type": "layers", "diff_ids": [sha256_digest(LAYER)] * 2}
    config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": rootfs})
    names = ["one/layer.tar", "two/layer.tar"] if layers is None else layers
    entry = {"Config": "config.json", "RepoTags": list(tags) or None, "Layers": names}
    return tar_of(
        {
            "config.json": config.encode(),
            "one/layer.tar": LAYER,
            "two/layer.tar": "../one/layer.tar",
            "loop": "loop",
            "manifest.json": json.dumps([entry]).encode(),
        }
    )


def opened(tmp_path: Path, data: bytes, name: str = "", kind: str = "docker-archive") -> TarLayout:
    path = tmp_path / "a.tar"
    path.write_bytes(data)
    return TarLayout(parse_place(f"{kind}:{path}{name}"), tmp_path)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_an_archive_of_docker_gets_a_manifest(tmp_path: Path, pack: type[bytes]) -> None:
    layout = opened(tmp_path, pack(of_docker("app:1", "app:2")))
    place = parse_place(f"docker-archive:{tmp_path}/a.tar:app:2")
    found = choose_entry(layout, place)
    manifest = decode(Manifest, layout.document(found))
    assert [each.digest for each in manifest.layers] == [sha256_digest(LAYER)] * 2
    with layout.open(manifest.layers[0].digest) as file:
        assert file.read() == LAYER
        file.seek(3)
        assert file.read(4) == LAYER[3:7]
    assert layout.has(manifest.config.digest)
    assert not layout.has(Digest("sha256:" + 64 * "0"))
    layout.close()


def test_a_pipe_is_read_too(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(of_docker("app"),))
    writer.start()
    layout = TarLayout(parse_place(f"docker-archive:{tmp_path}/pipe"), tmp_path)
    writer.join()
    assert len(layout.index().manifests) == 1
    layout.close()


@pytest.mark.parametrize(
    "data",
    ids=lambda _: "",
    argvalues=[
        b"",
        b"no tar at all, but longer than a block " * 20,
        tar_of({"x": b"y"}),
        tar_of({"manifest.json": b"["}),
        tar_of({"manifest.json": b'[{"Config":"/etc/passwd"}]'}),
        tar_of({"manifest.json": b"[" * 100_000}),
        tar_of({"index.json": b"{"}),
        tar_of({"index.json": bytes(5 << 20)}),
        of_docker("app", layers=["loop", "one/layer.tar"]),
        of_docker("app", layers=["one/layer.tar"]),
        of_docker("UPPER"),
        of_docker("app")[:1200],
        gzip.compress(of_docker("app"))[:200],
    ],
)
def test_a_hostile_archive_is_an_error(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(JettisonError) as caught:
        opened(tmp_path, data)
    assert caught.value.exit_status not in {0, 70}


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    for path in ("/dev/zero", str(tmp_path), str(tmp_path / "none")):
        with pytest.raises(SourceError):
            TarLayout(parse_place(f"docker-archive:{path}"), tmp_path)


def test_an_archive_of_docker_is_no_oci_archive(tmp_path: Path) -> None:
    with pytest.raises(ImageNotFoundError) as caught:
        opened(tmp_path, of_docker("app"), kind="oci-archive")
    assert "docker-archive:" in str(caught.value.hint)


def test_a_section_is_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")
    with (tmp_path / "file").open("rb") as file:
        section = Section(file.fileno(), 2, 5)
        assert section.read() == b"23456"
        assert section.seek(-2, os.SEEK_END) == 3
        assert section.read(9) == b"56"
        assert section.readable()
        assert section.seekable()


def test_bytes_that_are_others_than_the_descriptor_says_are_refused(tmp_path: Path) -> None:
    layout = opened(tmp_path, of_docker("app"))
    source = LayoutSource(layout, parse_place(f"docker-archive:{tmp_path}/a.tar"))
    layer = decode(Manifest, source.root().data).layers[0]
    assert b"".join(pieces(source, layer, lambda *_: None)) == LAYER
    for size in (len(LAYER) - 1, len(LAYER) + 1):
        with pytest.raises(SizeMismatchError):
            list(pieces(source, Descriptor("", layer.digest, size), lambda *_: None))
    with pytest.raises(InvalidManifestError):
        small_blob(source, layer, 10)
    layout._named[Digest("sha256:" + 64 * "0")] = "one/layer.tar"
    wrong = Descriptor("", Digest("sha256:" + 64 * "0"), len(LAYER))
    tries = []

    def write() -> None:
        tries.append(list(pieces(source, wrong, lambda *_: None)))

    with pytest.raises(DigestMismatchError) as caught:
        twice(write)
    layout.close()
    assert hashlib.sha256(LAYER).hexdigest() in caught.value.message
    assert isinstance(caught.value, ContentError)
