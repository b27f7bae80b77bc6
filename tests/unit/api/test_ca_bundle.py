"""Which CA bundle RUN steps get: the flag's, else the setting's, else the user's own."""

from __future__ import annotations

import pytest

from jettison.api.execution import ca_files
from jettison.api.session import Session
from jettison.errors import UsageError
from jettison.settings import load_settings


@pytest.fixture
def bundle(tmp_path):
    path = tmp_path / "own.pem"
    path.write_text("certificates")
    return path


def sources(tmp_path, environ, *, choice="", setting="", guess=True):
    environ = {"JETTISON_CONFIG": str(tmp_path / "config.toml")} | environ
    (tmp_path / "config.toml").write_text(f'ca_bundle = "{setting}"\n')
    settings = load_settings(environ, root=str(tmp_path / "store"), ca_bundle=choice)
    with Session.open(settings, environ) as session:
        return [mount.source.name for mount in ca_files(session, guess=guess).mounts]


def test_without_a_word_nothing_is_given(tmp_path):
    assert sources(tmp_path, {}) == []


def test_who_names_a_bundle_for_oneself_gets_it_in_run_steps(tmp_path, bundle):
    environ = {"SSL_CERT_FILE": str(bundle)}
    assert sources(tmp_path, environ) == ["own.pem"]
    assert sources(tmp_path, environ, guess=False) == []


def test_none_keeps_it_away(tmp_path, bundle):
    environ = {"SSL_CERT_FILE": str(bundle)}
    assert sources(tmp_path, environ, choice="none") == []
    assert sources(tmp_path, environ, setting="none") == []


def test_the_flag_wins_over_the_setting(tmp_path, bundle):
    other = tmp_path / "other.pem"
    other.write_text("x")
    assert sources(tmp_path, {}, choice=str(bundle), setting=str(other)) == ["own.pem"]
    assert sources(tmp_path, {}, setting=str(other)) == ["other.pem"]


def test_a_bundle_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(UsageError, match="not a file"):
        sources(tmp_path, {}, choice="/nowhere.pem")
