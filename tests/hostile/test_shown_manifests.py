"""Manifests that are shown: what a registry says can be deep, wide or anybody's text."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from jettison.api.manifest import ShownManifest, find_manifest, manifests_of
from jettison.api.session import Session
from jettison.cli.main import run
from jettison.errors import InvalidManifestError, InvalidReferenceError
from jettison.oci.digest import sha256_digest
from jettison.oci.manifest import Descriptor
from jettison.oci.mediatype import OCI_INDEX, OCI_MANIFEST
from jettison.registry.client import PulledManifest, RegistryClient
from jettison.settings import Settings

NAME = "127.0.0.1:9/x:1"


def pulled(data: bytes, media_type: str = OCI_MANIFEST) -> PulledManifest:
    return PulledManifest(Descriptor(media_type, sha256_digest(data), len(data)), data)


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """A function that sets what the registry answers."""
    monkeypatch.setenv("JETTISON_ROOT", str(tmp_path / "store"))

    def set_(data: bytes, media_type: str = OCI_MANIFEST) -> None:
        monkeypatch.setattr(RegistryClient, "manifest", lambda *_: pulled(data, media_type))

    return set_


@pytest.mark.parametrize(
    "data",
    [b"[" * 100_000, b'{"a":' * 100_000, b"\xff", b"", b"{", b"9" * 5000],
    ids=["lists", "objects", "bytes", "nothing", "open", "digits"],
)
@pytest.mark.parametrize("flags", [(), ("-v",)], ids=["plain", "verbose"])
def test_what_is_no_manifest_is_an_error(
    answer, data: bytes, flags: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    answer(data)
    assert run(["manifest", "inspect", *flags, NAME]) in {0, 4}
    said = capsys.readouterr()
    assert "bug in Jettison" not in said.err
    assert said.out == "" or data == b"9" * 5000


def test_text_of_a_manifest_steers_no_terminal(answer, capsys: pytest.CaptureFixture[str]) -> None:
    data = {
        "schemaVersion": 2,
        "config": {"mediaType": "x", "digest": "sha256:" + "0" * 64, "size": 1},
        "layers": [],
        "annotations": {"title": "\x1b]0;x\x07\u202e"},
    }
    answer(json.dumps(data).encode())
    assert run(["manifest", "inspect", NAME]) == 0
    said = capsys.readouterr().out
    assert json.loads(said) == data
    assert not any(each in said for each in "\x1b\x07\u202e")


def test_an_index_names_no_more_manifests_than_can_be_shown(answer, tmp_path: Path) -> None:
    entry = {"mediaType": OCI_MANIFEST, "digest": "sha256:" + "0" * 64, "size": 1}
    data = json.dumps({"schemaVersion": 2, "manifests": [entry] * 5000}).encode()
    answer(data, OCI_INDEX)
    with Session.open(Settings(root=str(tmp_path / "store")), os.environ) as session:
        shown = find_manifest(session, NAME)
        assert isinstance(shown, ShownManifest)
        with pytest.raises((InvalidReferenceError, InvalidManifestError), match="more than 256"):
            manifests_of(session, shown)
