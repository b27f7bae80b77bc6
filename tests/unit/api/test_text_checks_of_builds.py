"""What builds say of their Dockerfile, and what `--strict` makes of it."""

from __future__ import annotations

import pytest

from jettison.api.build import build
from jettison.api.request import BuildRequest
from jettison.api.session import Session
from jettison.errors import CheckError
from jettison.events import Warned
from jettison.settings import load_settings

TEXT = """FROM scratch AS debian
COPY Dockerfile /etc/file
FROM scratch AS b
COPY Dockerfile /a/b
ENTRYPOINT ["/a/b"]
FROM scratch
COPY --from=b /a/b /a/b
"""


@pytest.fixture
def built(tmp_path):
    environ = {"PATH": "/nowhere", "HOME": str(tmp_path)}
    settings = load_settings(environ, root=str(tmp_path / "store"))
    place = tmp_path / "context"
    place.mkdir()
    (place / "Dockerfile").write_text(TEXT)
    with Session.open(settings, environ) as session:

        def run(**options):
            events = []
            result = build(session, BuildRequest(context=str(place), **options), events.append)
            warned = [each for each in events if isinstance(each, Warned) and each.rule]
            return result, [(each.rule, each.span.line) for each in warned]

        run.place = place
        yield run


def test_a_build_tells_what_its_stages_lack(built):
    for _ in range(2):  # the second one finds the answer that the first has kept
        result, warned = built()
        assert warned == [("MS111", 5)]
        assert [each.rule for each in result.findings] == ["MS111"]


def test_strict_fails_it(built):
    assert built(checks="error")[1] == [("MS111", 5)]
    with pytest.raises(CheckError) as caught:
        built(checks="warning")
    assert caught.value.span.line == 5


def test_settings_and_levels_silence_it(built):
    assert built(checks="none")[1] == []
    (built.place / "jettison.toml").write_text('[check]\nignore = ["MS111"]\n')
    assert built()[1] == []
