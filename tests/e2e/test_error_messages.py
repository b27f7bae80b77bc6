"""What users read when a Dockerfile is wrong: file, line, cause, a status, and never a traceback."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from e2e.rig import Jettison

SYNTAX, SOURCE = 3, 4

CASES = [
    ("FORM scratch\n", 1, "unknown instruction: FORM", SYNTAX),
    ("FROM scratch\nCOPY --form=x a b\n", 2, "unknown flag: --form", SYNTAX),
    ("FROM scratch\nCOPY a\n", 2, "COPY requires at least two arguments", SYNTAX),
    ("FROM scratch\nENV a\n", 2, "ENV must have two arguments", SYNTAX),
    ("FROM scratch\nENV a=b c\n", 2, "can't find = in", SYNTAX),
    ("FROM scratch\nENV =b\n", 2, "can not be blank", SYNTAX),
    ("RUN x\nFROM scratch\n", 1, "no build stage in current context", SYNTAX),
    ("# escape=x\nFROM scratch\n", 1, "invalid escape token", SYNTAX),
    ("FROM scratch\nRUN <<EOF\nnever ends\n", 2, "unterminated heredoc", SYNTAX),
    ('FROM scratch\nCMD ["a", 1]\n', 2, "arrays must be comprised of strings only", SYNTAX),
    ("FROM scratch\nONBUILD FROM a\n", 2, "isn't allowed as an ONBUILD trigger", SYNTAX),
    ("FROM scratch\nHEALTHCHECK WHAT\n", 2, "HEALTHCHECK", SYNTAX),
    ("FROM scratch\nEXPOSE 99999\n", 2, "99999", SYNTAX),
    ("FROM scratch\nLABEL a=${x:?must-be-given}\n", 2, "must-be-given", SYNTAX),
    ("FROM scratch\nCOPY --chmod=nonsense . /\n", 2, "chmod", SYNTAX),
    ("FROM scratch\nRUN --mount=type=cash,target=/x a\n", 2, "cash", SYNTAX),
    ("FROM scratch\nRUN --network=moon a\n", 2, "moon", SYNTAX),
    ("FROM scratch AS a\nFROM scratch\nCOPY --from=9 . /\n", 3, "9", SYNTAX),
    ("FROM a AS b\nFROM b AS a\nCOPY --from=b . /\nFROM UPPER/x\n", 4, "UPPER", SOURCE),
    ("FROM scratch AS a\nCOPY --from=a x y\n", 2, "circular", SYNTAX),
    ("FROM scratch\nRUN --security=insecure a\n", 2, "security.insecure", SYNTAX),
    ("# check=error=true\nFROM scratch AS Up\nCOPY . /\n", 2, "StageNameCasing", SYNTAX),
    ("FROM scratch\nSHELL /bin/sh\n", 2, "SHELL requires the arguments to be in JSON form", SYNTAX),
    ("FROM scratch\nCOPY missing /\n", 2, "`/missing` not found in the build context", SOURCE),
    ("FROM scratch\nCOPY hidden /\n", 2, "`/hidden` not found in the build context", SOURCE),
    ("FROM scratch\nCOPY --chown=nobody . /\n", 2, "unable to find user nobody", SOURCE),
    ("FROM oci-layout.invalid/none:1\nCOPY . /\n", 1, "oci-layout.invalid/none:1", SOURCE),
    ("FROM scratch\nADD --checksum=sha256:00 http://127.0.0.1:9/x /\n", 2, "checksum", SYNTAX),
]


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("context")
    (place / "hidden").write_text("x")
    (place / ".dockerignore").write_text("hidden\n")
    return place


@pytest.fixture(scope="module")
def jettison(tmp_path_factory: pytest.TempPathFactory) -> Jettison:
    return Jettison(tmp_path_factory.mktemp("store"))


@pytest.mark.parametrize(("text", "line", "cause", "status"), CASES)
def test_an_error_names_file_line_and_cause(
    jettison: Jettison, context: Path, text: str, line: int, cause: str, status: int
) -> None:
    file = context / "wrong.Dockerfile"
    file.write_text(text)
    result = jettison.try_run("build", "--offline", "-f", file, context)
    said = result.stderr
    assert f"wrong.Dockerfile:{line}\n" in said
    assert re.search(rf"^ +{line} \| >>> .+\n +\| +\^+$", said, re.MULTILINE)
    message = next(each for each in said.splitlines() if each.startswith("ERROR: "))
    assert cause in message
    assert "Traceback" not in said
    assert 'File "' not in said
    assert result.stdout == ""
    assert result.returncode == status
