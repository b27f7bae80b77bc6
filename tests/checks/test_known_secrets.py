"""Values that a build was given as secrets are found wherever the image has them."""

from __future__ import annotations

import base64
import gzip
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

import jettison
from checks.rig import Checked, of_rule
from jettison.api.request import SecretRequest
from jettison.findings.finding import Finding
from jettison.findings.fix import apply_fix, machine_fixes
from jettison.report.model import Report

pytestmark = pytest.mark.xdist_group("checks")

VALUE = "hunter2-Zq83!vXw%20"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "context").mkdir()
    return tmp_path / "context"


@pytest.fixture
def secret(tmp_path: Path) -> SecretRequest:
    (tmp_path / "token").write_text(VALUE + "\n")
    return SecretRequest("token", source=str(tmp_path / "token"))


@pytest.fixture(autouse=True)
def _nothing_found_shows_the_value(checked: Checked) -> Iterator[None]:
    yield
    rows = checked.session.store.database.query("SELECT question, answer FROM answer")
    shown = [row for row in rows if VALUE.encode() in row[1] and not is_report(row[1])]
    for question, _ in shown:  # the next run begins without
        checked.session.store.database.execute("DELETE FROM answer WHERE question = ?", (question,))
    assert not shown


def is_report(answer: bytes) -> bool:
    """Tell whether an answer is a report: it has the Dockerfile, and what that shows."""
    try:
        msgspec.msgpack.decode(answer, type=Report)
    except msgspec.DecodeError:
        return False
    return True


def found(
    checked: Checked, folder: Path, dockerfile: str, *secrets: SecretRequest, **options: object
) -> list[Finding]:
    (folder / "Dockerfile").write_text(dockerfile)
    _, built = checked.build(folder, secrets=secrets, progress="quiet", **options)
    said = of_rule(built.findings, "MS501")
    assert VALUE.encode() not in msgspec.json.encode(said)
    return said


def test_a_secret_that_the_context_has_is_found_in_every_form(
    checked: Checked, folder: Path, secret: SecretRequest
) -> None:
    raw = VALUE.encode()
    forms = {
        "plain": b"token: " + raw,
        "base64": base64.b64encode(b"u:" + raw + b"@"),
        "urlsafe": base64.urlsafe_b64encode(b"us:" + raw),
        "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
        "url": b"hunter2-Zq83%21vXw%2520",
        "packed.gz": gzip.compress(b"x" * 90_000 + raw),
        "none": raw[:-1],
    }
    for name, content in forms.items():
        (folder / name).write_bytes(content)
    said = found(checked, folder, "FROM box\nWORKDIR /app\nCOPY . .\n", secret)
    assert sorted(each.path for each in said) == sorted(
        f"/app/{name}" for name in forms if name != "none"
    )
    for each in said:
        assert (each.line, each.severity.value) == (3, "error")
        assert "secret `token`" in each.detail
        assert f"{len(raw)} bytes" in " ".join(each.cause)


def test_the_fix_leaves_the_file_out(checked: Checked, folder: Path, secret: SecretRequest) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "token").write_text(VALUE)
    (folder / "main").write_text("hello\n")
    text = 'FROM box\nCOPY . /app\nCMD ["/bin/cat", "/app/main"]\n'
    said = found(checked, folder, text, secret)
    assert [(each.line, each.path) for each in said] == [(2, "/app/sub/token")]
    fixed = apply_fix(text, machine_fixes(said[0].fixes)[0])
    assert "--exclude=sub/token" in fixed
    assert found(checked, folder, fixed, secret) == []
    assert checked.run(checked.build(folder)[0]) == (0, "hello\n")


def test_a_file_that_a_later_step_removes_is_found_with_that_step(
    checked: Checked, folder: Path, secret: SecretRequest
) -> None:
    (folder / "token").write_text(VALUE)
    said = found(checked, folder, "FROM box\nCOPY token /token\nRUN rm /token\n", secret)
    assert [(each.line, each.path) for each in said] == [(2, "/token")]
    assert "line 3" in said[0].cause[-1]


def test_config_and_history_are_searched(
    checked: Checked, folder: Path, secret: SecretRequest
) -> None:
    text = f"FROM box\nLABEL note={VALUE}\nRUN echo {VALUE} >/dev/null\n"
    said = found(checked, folder, text, secret, secrets_in_layers=True)
    assert [each.path for each in said] == [""]
    assert "the config, the history, the build record" in said[0].detail


def test_a_build_argument_that_a_run_writes_is_found(checked: Checked, folder: Path) -> None:
    text = "FROM box\nARG DEPLOY_TOKEN\nRUN echo $DEPLOY_TOKEN > /conf\n"
    said = found(checked, folder, text, build_args={"DEPLOY_TOKEN": VALUE})
    assert [(each.line, each.path) for each in said] == [(3, "/conf")]
    assert "build argument `DEPLOY_TOKEN`" in said[0].detail
    assert found(checked, folder, text, build_args={"DEPLOY_TOKEN": ""}) == []


def test_a_key_given_for_ssh_is_found(
    checked: Checked, folder: Path, tmp_path: Path, need: Callable[[str], str]
) -> None:
    place = tmp_path / "id"
    make = [need("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", str(place)]
    subprocess.run(make, check=True)
    key = place.read_text()
    body = "".join(key.split("\n")[1:-2])
    (folder / "copy").write_text(key)
    (folder / "windows").write_text(key.replace("\n", "\r\n"))
    (folder / "line").write_text(f"key: {body}\n")
    (folder / "public").write_text(place.with_suffix(".pub").read_text())
    text = "FROM box\nCOPY . /keys\n"
    said = found(checked, folder, text, ssh=(f"default={place}",))
    assert {each.path for each in said} == {"/keys/copy", "/keys/windows", "/keys/line"}
    assert len(said) == 3
    assert "SSH key `default`" in said[0].detail
    assert body.encode() not in msgspec.json.encode(said)


def test_a_layer_that_the_cache_has_is_searched_for_other_secrets(
    checked: Checked, folder: Path, secret: SecretRequest
) -> None:
    text = "FROM box\nCOPY token /token\n"
    (folder / "token").write_text(VALUE)
    assert found(checked, folder, text) == []
    assert len(found(checked, folder, text, secret)) == 1
    assert len(found(checked, folder, text, secret)) == 1  # remembered
    (Path(secret.source)).write_text("another-V4lue-of-it")
    assert found(checked, folder, text, secret) == []
    (Path(secret.source)).write_text(VALUE)
    assert len(found(checked, folder, text, secret)) == 1


def test_what_is_remembered_is_kept_under_a_keyed_digest(checked: Checked) -> None:
    key = checked.session.store.root / "key"
    assert len(key.read_bytes()) == 32
    assert key.stat().st_mode & 0o777 == 0o600
    assert checked.session.store.key() == key.read_bytes()


def test_a_secret_from_a_pipe_is_known_after_it_was_read(checked: Checked, folder: Path) -> None:
    reader, writer = os.pipe()
    os.write(writer, VALUE.encode())
    os.close(writer)
    (folder / "token").write_text(VALUE)
    secret = SecretRequest("token", source=f"/dev/fd/{reader}")
    text = """FROM box
COPY token /token
RUN --mount=type=secret,id=token test "$(cat /run/secrets/token)" = "$(cat /token)"
"""
    assert [each.path for each in found(checked, folder, text, secret)] == ["/token"]
    os.close(reader)


def test_a_build_without_secrets_searches_nothing(checked: Checked, folder: Path) -> None:
    text = "FROM box\nRUN dd if=/dev/urandom of=/big bs=1M count=24\n"
    (folder / "Dockerfile").write_text(text)
    checked.build(folder, progress="quiet")
    began = time.process_time()
    _, built = checked.build(folder, progress="quiet")
    assert time.process_time() - began < 60
    assert of_rule(built.findings, "MS501") == []


def test_strict_refuses_to_tag(checked: Checked, folder: Path, secret: SecretRequest) -> None:
    (folder / "token").write_text(VALUE)
    with pytest.raises(jettison.JettisonError, match="nothing was tagged") as refused:
        found(checked, folder, "FROM box\nCOPY token /token\n", secret, checks="error")
    assert VALUE not in str(refused.value)


def test_names_of_any_bytes_are_found_kept_and_shown(
    checked: Checked, folder: Path, secret: SecretRequest
) -> None:
    key = "npm_" + "Zq8vXw7TT2" * 4
    steps = f"printf '%s' {VALUE!r} > \"$(printf '/a\\377')\" && echo {key[:40]} > /b"
    text = f"FROM box\nRUN {steps} && mv /b \"$(printf '/b\\376.txt')\"\n"
    for _ in range(2):
        (folder / "Dockerfile").write_text(text)
        _, built = checked.build(folder, secrets=[secret], secrets_in_layers=True, progress="quiet")
        assert "/a\\xff" in [each.path for each in of_rule(built.findings, "MS501")]
        assert [each.path for each in of_rule(built.findings, "MS502")] == ["/b\\xfe.txt"]
