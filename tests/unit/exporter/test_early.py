"""Blobs that leave early: what a sender does by itself; ``integration/test_early_push`` builds."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from image_rig import Rig
from jettison.errors import RegistryError
from jettison.exporter.base import PushTarget
from jettison.exporter.early import EarlyUploads
from jettison.oci.reference import parse_reference
from jettison.registry import upload


class Sent:
    """Stands in for ``Uploader``: notes what it is given, and may wait or fail."""

    def __init__(self) -> None:
        self.blobs: list[tuple[str, str]] = []
        self.begun = threading.Event()
        self.go = threading.Event()
        self.go.set()
        self.failing = False

    def __call__(self, _client: object, target: object, *, insecure: bool) -> Sent:
        self.target = f"{target}{' insecure' if insecure else ''}"
        return self

    def blob(self, descriptor, opened, *, report) -> None:
        self.begun.set()
        self.go.wait(10)
        report(descriptor.digest, 0, descriptor.size)
        if self.failing:
            raise RegistryError("refused")
        with opened() as file:
            assert len(file.read()) == descriptor.size
        self.blobs.append((self.target, descriptor.digest))


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    made = Sent()
    monkeypatch.setattr(upload, "Uploader", made)
    return made


@pytest.fixture
def rig(tmp_path: Path):
    with Rig(tmp_path, client=lambda: None) as made:
        yield made


def targets(*names: str, insecure: bool = False) -> list[PushTarget]:
    return [PushTarget(parse_reference(name), insecure) for name in names]


def test_each_blob_goes_once_to_the_first_repository_of_each_registry(rig: Rig, sent: Sent) -> None:
    blob = rig.blobs.blob(rig.layer({"a": "1"}))
    with EarlyUploads(rig.services, targets("r.test/a:1", "r.test/b:1", insecure=True)) as early:
        early.add(blob)
        early.add(blob)
        sent.begun.wait(10)
        early.finish()
        assert sent.blobs == [("r.test/a:1 insecure", blob.digest)]
        early.add(rig.blobs.blob(rig.layer({"b": "1"})))  # the push has begun
    assert len(sent.blobs) == 1


def test_what_fails_is_left_to_the_push(rig: Rig, sent: Sent) -> None:
    sent.failing = True
    blobs = [rig.blobs.blob(rig.layer({"a": str(n)})) for n in range(3)]
    with EarlyUploads(rig.services, targets("r.test/a:1")) as early:
        for blob in blobs:
            early.add(blob)
        sent.begun.wait(10)
        early.finish()
    assert sent.blobs == []


def test_a_build_that_fails_ends_what_is_being_sent(rig: Rig, sent: Sent) -> None:
    sent.go.clear()
    blob = rig.blobs.blob(rig.layer({"a": "1"}))

    def build() -> None:
        with EarlyUploads(rig.services, targets("r.test/a:1")) as early:
            early.add(blob)
            sent.begun.wait(10)
            threading.Timer(0.05, sent.go.set).start()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        build()
    assert sent.blobs == []  # the report said stop
