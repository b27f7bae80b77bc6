"""Images are started without a network, and what they do is seen."""

from __future__ import annotations

import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import jettison
from checks.rig import Checked
from jettison.api.probe import probe_named
from jettison.api.probe_container import Seen, Target, observe, parse_target
from jettison.api.probed import Probed
from jettison.container.loopback import Listening
from jettison.container.state.catalog import Catalog
from jettison.errors import ProbeError, UsageError
from jettison.findings.finding import Finding, Severity
from jettison.image.names import find_image

pytestmark = pytest.mark.xdist_group("checks")

_WEB = """FROM box
RUN mkdir /www && echo well >/www/healthz
EXPOSE 8080
CMD ["httpd", "-f", "-p", "8080", "-h", "/www"]
"""


def _build(
    checked: Checked, place: Path, text: str, name: str = "probed", **options: str
) -> Probed:
    """Build a Dockerfile with ``--probe``; return what came of it."""
    folder = place / name
    folder.mkdir(exist_ok=True)
    (folder / "Dockerfile").write_text(text)
    _, done = checked.build(folder, **options)
    assert done.probed is not None
    return done.probed


def _seen(checked: Checked, place: Path, text: str, target: Target) -> Seen:
    folder = place / "seen"
    folder.mkdir(exist_ok=True)
    (folder / "Dockerfile").write_text(text)
    tag, _ = checked.build(folder, checks="none")
    return observe(checked.session, find_image(checked.session.store, tag), target)


def test_a_server_is_seen_to_listen_and_to_answer(checked: Checked, tmp_path: Path) -> None:
    catalog = Catalog(checked.session.store)
    before = {each.directory.path for each in catalog.all()}
    quick = _build(checked, tmp_path, _WEB, probe="700ms")
    assert quick.ok
    assert quick.text.startswith("started, listened on 8080, still ran after ")
    answered = _build(checked, tmp_path, _WEB, probe="http://:8080/healthz")
    assert answered.text.startswith("started, listened on 8080, answered 200 after ")
    command = _build(checked, tmp_path, _WEB, probe="test -f /www/healthz")
    assert command.text.startswith("started, listened on 8080, `test` ended with 0 after ")
    assert not {each.directory.path for each in catalog.all()} - before


def test_an_image_that_does_not_start_is_not_tagged(checked: Checked, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text('FROM box\nCMD ["nonsense"]\n')
    checked.need_bases("FROM box\n")
    with pytest.raises(ProbeError, match=r"did not start: .*not found") as error:
        jettison.build(tmp_path, tags=["never-tagged"], session=checked.session, probe="1s")
    assert error.value.hint is not None
    assert error.value.hint.startswith("MS301 said so")
    with pytest.raises(jettison.JettisonError):
        find_image(checked.session.store, "never-tagged")


def test_an_image_that_ends_says_why(checked: Checked, tmp_path: Path) -> None:
    text = "FROM box\nCMD echo first; echo last >&2; exit 3\n"
    seen = _seen(checked, tmp_path, text, parse_target("5s"))
    assert (seen.started, seen.code) == (True, 3)
    assert sorted(seen.output.split()) == ["first", "last"]  # two streams have no order
    assert seen.seconds < 4
    nobody = _seen(checked, tmp_path, 'FROM box\nUSER nosuch\nCMD ["true"]\n', parse_target("1s"))
    assert not nobody.started
    assert "unable to find user nosuch" in nobody.problem


def test_what_listens_at_loopback_only_is_told_from_what_others_reach(
    checked: Checked, tmp_path: Path
) -> None:
    text = 'FROM box\nCMD ["httpd", "-f", "-p", "127.0.0.1:81"]\n'
    seen = _seen(checked, tmp_path, text, parse_target("500ms"))
    assert seen.listening == (Listening(81, is_local=True),)


def test_there_is_no_network_but_loopback(checked: Checked, tmp_path: Path) -> None:
    text = "FROM box\nCMD ls /sys/class/net; cat /proc/net/route; exec sleep 9\n"
    seen = _seen(checked, tmp_path, text, parse_target("600ms"))
    assert seen.started
    interfaces = seen.output.partition("Iface")[0].split()
    assert interfaces in (["lo"], [])
    assert "00000000" not in seen.output.partition("Iface")[2].split("\n", 1)[-1]


def test_an_answer_without_end_is_waited_for_no_longer_than_the_rest(
    checked: Checked, tmp_path: Path
) -> None:
    drip = "while :; do echo -n H; sleep 0.2; done | nc -l -p 8080"
    text = f"FROM box\nCMD while :; do {drip}; done\n"
    target = Target(1.5, urlsplit("http://:8080/"))
    began = time.monotonic()
    seen = _seen(checked, tmp_path, text, target)
    assert time.monotonic() - began < 30
    assert (seen.started, seen.status, seen.code) == (True, 0, None)


def test_output_without_end_is_kept_in_part(checked: Checked, tmp_path: Path) -> None:
    seen = _seen(checked, tmp_path, "FROM box\nCMD yes\n", parse_target("300ms"))
    assert seen.started
    assert 0 < len(seen.output) <= 16 << 10


def test_a_command_without_end_is_ended_with_the_container(
    checked: Checked, tmp_path: Path
) -> None:
    began = time.monotonic()
    seen = _seen(checked, tmp_path, _WEB, Target(1.0, argv=("sleep", "60")))
    assert time.monotonic() - began < 30
    assert seen.command_code != 0


def test_an_image_that_starts_nothing_cannot_be_probed(checked: Checked, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    with pytest.raises(UsageError, match="starts nothing"):
        jettison.build(tmp_path, session=checked.session, probe="1s", progress="quiet")


def test_an_error_that_a_start_refutes_does_not_count(checked: Checked, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(_WEB)
    tag, _ = checked.build(tmp_path)
    wrong = Finding("MS304", "it needs GLIBC_9", None, severity=Severity.ERROR, path="/bin/busybox")
    found = probe_named(checked.session, tag, parse_target("400ms"), [wrong])
    assert found.refuted == (wrong,)
