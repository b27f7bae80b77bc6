"""An image that cannot be found may be a stage whose name is misspelt."""

from __future__ import annotations

import pytest

from jettison.api.build import build
from jettison.api.request import BuildRequest
from jettison.api.session import Session
from jettison.errors import JettisonError
from jettison.image import resolve
from jettison.settings import load_settings


@pytest.fixture
def session(tmp_path):
    environ = {"PATH": "/nowhere", "HOME": str(tmp_path)}
    settings = load_settings(environ, root=str(tmp_path / "store"))
    with Session.open(settings, environ) as session:
        yield session


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("FROM scratch AS builder\nFROM scratch\nCOPY --from=bulider / /\n", "builder"),
        ("FROM scratch AS builder\nFROM Bilder\n", ""),
        ("FROM scratch AS builder\nFROM bilder\n", "builder"),
        ("FROM scratch AS builder\nFROM scratch\nRUN --mount=from=buildr,target=/x x\n", "builder"),
        ("FROM scratch AS builder\nFROM scratch\nCOPY --from=alpine / /\n", ""),
        ("FROM scratch AS builder\nFROM scratch\nCOPY --from=example.com/bulider / /\n", ""),
    ],
)
def test_stages_are_offered_for_images_that_are_not_there(session, tmp_path, text, near):
    (tmp_path / "Dockerfile").write_text(text)
    with pytest.raises(JettisonError) as caught:
        build(session, BuildRequest(context=str(tmp_path), offline=True), lambda _event: None)
    hint = caught.value.hint or ""
    assert ("did you mean the stage" in hint) == bool(near)
    assert f"the stage `{near}`?" in hint or not near


def test_nobody_outside_of_a_checkout_is_pointed_at_its_directories(session, tmp_path, monkeypatch):
    (tmp_path / "Dockerfile").write_text("FROM nothing\n")
    for place, told in ((tmp_path, True), (tmp_path / "no", False)):
        monkeypatch.setattr(resolve, "_STAND_INS", place)
        with pytest.raises(JettisonError) as caught:
            build(session, BuildRequest(context=str(tmp_path), offline=True), lambda _event: None)
        assert ("examples/bases" in caught.value.hint) == told
