"""What ``--probe`` means, and what is said of what it sees."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from jettison.analysis.entry.reached import Command, How, Problem, Reached, Use
from jettison.api.probe import outcome_of, require_good
from jettison.api.probe_container import Seen, Target, is_good, parse_target
from jettison.api.probed import Probed
from jettison.check.outcome import foreseen, refuted, symptom
from jettison.cli.probe import probe_text
from jettison.container.loopback import Listening
from jettison.errors import ProbeError, UsageError
from jettison.findings.finding import Finding, Severity
from jettison.oci.config import ContainerConfig

_URL = urlsplit("http://:8080/healthz")


def _finding(rule: str, path: str = "", severity: Severity = Severity.ERROR) -> Finding:
    return Finding(rule, "it will not start", None, severity=severity, path=path)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("3s", Target(3.0)),
        ("1.5s", Target(1.5)),
        ("250ms", Target(0.25)),
        ("2m", Target(120.0)),
        ("http://:8080/healthz", Target(30.0, _URL)),
        ("curl -f 'a b'", Target(30.0, argv=("curl", "-f", "a b"))),
        ("a && b", Target(30.0, argv=("/bin/sh", "-c", "a && b"))),
    ],
)
def test_a_target_is_a_time_an_address_or_a_command(text: str, target: Target) -> None:
    assert parse_target(text) == target


@pytest.mark.parametrize(
    "text",
    ["", " ", "0s", "99999m", "'a", "http://:99999/", "http://:0/", "http://a b/", "http://u:p@h/"],
)
def test_what_is_no_target_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_target(text)


@pytest.mark.parametrize(
    ("seen", "target", "ok", "text"),
    [
        (
            Seen(True, None, 3.0, (Listening(80), Listening(443))),
            Target(),
            True,
            "started, listened on 80 and 443, still ran after 3.0 s",
        ),
        (Seen(True, 0, 0.2), Target(), True, "started, ended with status 0 after 0.2 s"),
        (
            Seen(True, 1, 0.2, output="x\n./a: error while loading shared libraries: b.so: no\n"),
            Target(),
            False,
            "started, ended with status 1 after 0.2 s: ./a: error while loading shared libraries: b.so: no",
        ),
        (Seen(True, 137, 1.0), Target(), False, "started, ended with status 137 (signal 9) after 1.0 s"),
        (
            Seen(True, None, 0.4, (Listening(8080),), 200),
            Target(30.0, _URL),
            True,
            "started, listened on 8080, answered 200 after 0.4 s",
        ),
        (
            Seen(True, None, 30.0, (Listening(8080),), 503),
            Target(30.0, _URL),
            False,
            "started, listened on 8080, answered 503, still ran after 30.0 s",
        ),
        (
            Seen(True, None, 30.0),
            Target(30.0, _URL),
            False,
            "started, did not answer at /healthz, still ran after 30.0 s",
        ),
        (
            Seen(True, None, 1.0, command_code=0),
            Target(argv=("true",)),
            True,
            "started, `true` ended with 0 after 1.0 s",
        ),
        (
            Seen(True, 0, 1.0),
            Target(argv=("true",)),
            False,
            "started, `true` never ran, ended with status 0 after 1.0 s",
        ),
        (
            Seen(code=127, output='exec: "a": executable file not found in $PATH\n'),
            Target(),
            False,
            'did not start: exec: "a": executable file not found in $PATH',
        ),
        (Seen(problem="unable to find user x"), Target(), False, "did not start: unable to find user x"),
    ],
)  # fmt: skip
def test_what_was_seen_is_said(seen: Seen, target: Target, ok: bool, text: str) -> None:
    assert is_good(seen, target) is ok
    found = outcome_of(seen, target, ContainerConfig(), (), Reached())
    assert (found.ok, found.text) == (ok, text)


def test_ports_that_nobody_reaches_are_noted() -> None:
    config = ContainerConfig(exposed_ports={"9090/tcp": {}, "53/udp": {}, "8080": {}})
    seen = Seen(True, None, 1.0, (Listening(8080, is_local=True),))
    assert outcome_of(seen, Target(), config, (), Reached()).notes == (
        "port 8080 is listened on at 127.0.0.1 only: it cannot be published",
        "EXPOSE 9090: nothing listened on it",
    )


@pytest.mark.parametrize(
    ("output", "rules"),
    [
        ("/a: /lib/libc.so.6: version `GLIBC_2.38' not found (required by /a)", ["MS304"]),
        ("/a: error while loading shared libraries: libpq.so.5: cannot open", ["MS303"]),
        ("Error loading shared library libpq.so.5: No such file or directory", ["MS303"]),
        ("exec /run.sh: no such file or directory", ["MS308"]),
        ("exec /a: exec format error", ["MS306", "MS308"]),
        ("ModuleNotFoundError: No module named 'x'", ["MS401"]),
        ("Error: Cannot find module 'x'", ["MS406"]),
        ("sh: x: not found", ["MS308"]),
        ("something else", []),
    ],
)
def test_an_error_of_a_loader_belongs_to_the_rule_that_foresaw_it(
    output: str, rules: list[str]
) -> None:
    ids = ("MS303", "MS304", "MS306", "MS308", "MS401", "MS406", "MS507")
    findings = [_finding(rule) for rule in ids] + [_finding("MS302", severity=Severity.NOTE)]
    assert [each.rule for each in foreseen(findings, output)] == rules


def test_the_line_of_an_output_that_says_why() -> None:
    assert symptom("a\nsh: b: not found\n\nbye\n") == "sh: b: not found"
    assert symptom("first\nlast\n") == "last"
    java = 'Exception in thread "main" a.B: no\n\tat App.main(App.java:17)\n'
    assert symptom(java) == 'Exception in thread "main" a.B: no'
    assert symptom("panic: no PORT\n\ngoroutine 1 [running]:\nmain.main()\n") == "panic: no PORT"
    node = "/app/a.js:1\nError: no PORT\n    at a (/app/a.js:1)\n\nNode.js v22.20.0\n"
    assert symptom(node) == "Error: no PORT"
    assert symptom("") == ""


_STARTS = Reached(
    (
        Use(Command.ENTRYPOINT, How.STARTED, "/run", path="/run", via="/run"),
        Use(Command.ENTRYPOINT, How.INTERPRETER, "/bin/sh", path="/bin/busybox", by="/run"),
        Use(Command.ENTRYPOINT, How.COMMAND, "late", path="/late", by="/run"),
        Use(Command.ENTRYPOINT, How.COMMAND, "perhaps", path="/perhaps", is_certain=False),
        Use(Command.HEALTHCHECK, How.STARTED, "/check", path="/check"),
    )
)


@pytest.mark.parametrize(
    ("finding", "has_ended", "is_refuted"),
    [
        (_finding("MS304", "/run"), False, True),
        (_finding("MS302", "/bin/busybox"), False, True),
        (_finding("MS304", "/late"), False, False),
        (_finding("MS304", "/late"), True, True),
        (_finding("MS304", "/perhaps"), True, False),
        (_finding("MS304", "/check"), True, False),
        (_finding("MS304", "/other"), True, False),
        (_finding("MS304", "/run", Severity.WARNING), True, False),
        (_finding("MS501", "/run"), True, False),
        (_finding("MS310"), False, True),
        (_finding("MS301"), False, False),
        (_finding("MS301"), True, True),
    ],
)
def test_a_start_refutes_what_says_that_it_cannot_be(
    finding: Finding, has_ended: bool, is_refuted: bool
) -> None:
    assert bool(refuted([finding], _STARTS, has_ended=has_ended)) is is_refuted


def test_a_missing_program_that_was_started_is_refuted_at_once() -> None:
    problem = Use(Command.CMD, How.STARTED, "app", problem=Problem.MISSING)
    assert refuted([_finding("MS301")], Reached((problem,)), has_ended=False)


def test_a_finding_that_is_refuted_is_our_mistake() -> None:
    seen, finding = Seen(True, None, 3.0), _finding("MS304", "/run")
    found = outcome_of(seen, Target(), ContainerConfig(), [finding], _STARTS)
    assert found.refuted == (finding,)
    text = probe_text(found, "shop:1")
    assert "MS304 was wrong: it will not start; but it started" in text
    assert "mistake of Jettison: please report it" in text
    assert "jettison check --image shop:1 --format json" in text


def test_a_start_that_failed_fails_the_build_and_names_the_rule() -> None:
    require_good(Probed(True, "started"))
    bad = Probed(False, "did not start: x", foreseen=("MS304",), output="x\n")
    with pytest.raises(ProbeError, match="did not start: x; nothing was tagged") as error:
        require_good(bad)
    assert error.value.log_tail == "x\n"
    assert error.value.hint is not None
    assert "MS304" in error.value.hint
    assert "MS304 said so" in probe_text(bad, "x")
    assert "no check foresaw it" in probe_text(Probed(False, "x"), "x")
