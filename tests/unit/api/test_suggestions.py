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
        ("FROM scratch AS b\nFROM scratch\nCOPY --from=bb / /\n", "b"),
        ("FROM scratch AS builder\nFROM scratch\nCOPY --from=build / /\n", "builder"),
        ("FROM scratch AS b\nFROM scratch\nCOPY --from=a / /\n", ""),
        ("FROM scratch AS builder\nFROM scratch\nCOPY --from=alpine / /\n", ""),
        ("FROM scratch AS nginx2\nFROM scratch\nCOPY --from=nginx / /\n", ""),
        ("FROM scratch AS builder\nFROM scratch\nCOPY --from=example.com/bulider / /\n", ""),
    ],
)
def test_stages_are_offered_for_images_that_are_not_there(session, tmp_path, text, near):
    (tmp_path / "Dockerfile").write_text(text)
    with pytest.raises(JettisonError) as caught:
        build(session, BuildRequest(context=str(tmp_path), offline=True), lambda _event: None)
    message = caught.value.message
    assert ("did you mean stage" in message) == bool(near)
    assert not near or f"(did you mean stage `{near}`?)" in message
    assert not near or caught.value.hint.startswith(f"write `{near}`")
    assert str(caught.value) == message


def test_nobody_outside_of_a_checkout_is_pointed_at_its_directories(session, tmp_path, monkeypatch):
    (tmp_path / "Dockerfile").write_text("FROM nothing\n")
    for place, told in ((tmp_path, True), (tmp_path / "no", False)):
        monkeypatch.setattr(resolve, "_STAND_INS", place)
        with pytest.raises(JettisonError) as caught:
            build(session, BuildRequest(context=str(tmp_path), offline=True), lambda _event: None)
        assert ("examples/bases" in caught.value.hint) == told
