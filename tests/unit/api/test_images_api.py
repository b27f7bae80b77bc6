"""Facts of images as docker's flags ask for them."""

from __future__ import annotations

import pytest

from jettison.api.images import epoch, select
from jettison.errors import UsageError

DOCUMENT = {"Id": "sha256:1", "Config": {"Env": ["A=1"], "Cmd": None, "User": "app"}}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("{{.Id}}", "sha256:1"),
        ("{{ .Config.User }}", "app"),
        ("{{json .Id}}", '"sha256:1"'),
        ("{{.Config.Env}}", '["A=1"]'),
        ("{{json .Config.Cmd}}", "null"),
    ],
)
def test_a_path_finds_a_value(path: str, expected: str):
    assert select(DOCUMENT, path) == expected


@pytest.mark.parametrize("path", ["{{range .Config}}", ".Id", "{{.Nope}}", "{{.Id.Nope}}", "{{}}"])
def test_a_path_that_is_not_understood_or_finds_nothing_is_refused(path: str):
    with pytest.raises(UsageError):
        select(DOCUMENT, path)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:01Z", 1.0),
        ("1970-01-01T02:00:01+02:00", 1.0),
        ("1970-01-01T00:00:01.123456789Z", 1.123456),
        ("1970-01-01T00:00:01", 1.0),
        ("", 0.0),
        ("yesterday", 0.0),
    ],
)
def test_times_of_images_are_read(text: str, seconds: float):
    assert epoch(text) == seconds
