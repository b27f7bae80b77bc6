"""What ``version`` prints."""

from __future__ import annotations

import json

import pytest

from jettison import __version__
from jettison.cli.host import version
from jettison.cli.main import run


def test_the_version_is_there_in_every_form(capsys):
    assert run([version.name]) == 0
    assert __version__ in capsys.readouterr().out
    assert run(["version", "--format", "{{.Client.Version}}"]) == 0
    assert capsys.readouterr().out == f"{__version__}\n"
    assert run(["version", "--format=json"]) == 0
    assert json.loads(capsys.readouterr().out)["Version"] == __version__


@pytest.mark.parametrize("form", ["{{.Nope}}", "{{"])
def test_a_template_that_cannot_be_used_is_an_error(capsys, form):
    assert run(["version", "-f", form]) == 125
    assert "template parsing error" in capsys.readouterr().err
