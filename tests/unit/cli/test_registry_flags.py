"""Mirrors and insecure registries, named anywhere on the line, beside those of the settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from jettison.api.session import Session
from jettison.cli.main import run
from jettison.errors import UsageError
from jettison.settings import Settings


@pytest.mark.parametrize(
    "line",
    [
        "--registry-mirror m.example --insecure-registry h:5 images --registry-mirror ghcr.io=n",
        "images --registry-mirror=m.example --registry-mirror=ghcr.io=n --insecure-registry=h:5",
    ],
)
def test_flags_come_before_the_settings_wherever_they_stand(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Settings] = []

    def opened(settings: Settings, _environ: object) -> None:
        seen.append(settings)
        raise UsageError("enough")

    monkeypatch.setattr(Session, "open", opened)
    monkeypatch.setenv("JETTISON_ROOT", str(tmp_path))
    monkeypatch.setenv("JETTISON_REGISTRY_MIRRORS", "old.example")
    monkeypatch.setenv("JETTISON_INSECURE_REGISTRIES", "lab:1")
    assert run(line.split()) == 125
    assert seen[0].registry_mirrors == ("m.example", "ghcr.io=n", "old.example")
    assert seen[0].insecure_registries == ("h:5", "lab:1")
