"""Causes of failed steps are recognised from what programs print, and nothing else is."""

from __future__ import annotations

import time

import failure_page
import pytest

from failure_logs import ALPINE, CASES, DEBIAN, FEDORA, SILENT, Case
from jettison.failure import headers, tools
from jettison.failure.base import Failure, quoted
from jettison.failure.distribution import Distribution, guess_distribution, parse_os_release
from jettison.failure.explain import CAUSES, explain
from jettison.failure.log import MAX_CHARACTERS, Log


def failure(case: Case) -> Failure:
    facts = {"instruction": "RUN it", **case.facts}
    return Failure(output=case.output, exit_code=case.exit_code, **facts)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.id}-{case.says}")
def test_a_cause_is_named(case: Case) -> None:
    cause = explain(failure(case))
    assert cause is not None
    assert cause.id == case.id
    assert case.says in cause.what
    assert cause.fix
    for text in (cause.what, cause.why, cause.fix):
        assert "\n" not in text
        assert len(text) < 300
        assert not text.endswith(".")


@pytest.mark.parametrize(("output", "code"), SILENT)
def test_what_is_not_known_stays_unsaid(output: str, code: int) -> None:
    assert explain(Failure("RUN it", output, code)) is None


def test_every_cause_has_a_case() -> None:
    named = {case.id.replace("-", "_") for case in CASES}
    others = {"git_access", "mirror", "network", "missing_library"}  # their ids are of several
    assert {each.__module__.rpartition(".")[2] for each in CAUSES} <= named | others


def test_the_cause_of_a_memory_limit_names_it_and_a_dns_error_without_network_says_so() -> None:
    killed = explain(Failure("RUN make", "", 137, memory_bytes=64 << 20))
    assert killed is not None
    assert "64 MiB (`--memory`)" in killed.what
    alone = explain(
        Failure("RUN x", "curl: (6) Could not resolve host: a.invalid\n", 6, network=False)
    )
    assert alone is not None
    assert "--network=none" in alone.why


@pytest.mark.parametrize(
    ("distribution", "fix"),
    [
        (DEBIAN, "`RUN apt-get update && apt-get install -y openssh-client`"),
        (ALPINE, "`RUN apk add --no-cache openssh-client`"),
        (FEDORA, "`RUN dnf install -y openssh-clients`"),
        (Distribution("dnf", "CentOS Linux 7", "7"), "`RUN yum install -y openssh-clients`"),
        (Distribution(), "install `openssh-client` in an earlier step"),
    ],
)
def test_a_missing_program_is_named_with_the_package_of_the_distribution(
    distribution: Distribution, fix: str
) -> None:
    cause = explain(Failure("RUN ssh x", "sh: ssh: not found\n", 127, distribution=distribution))
    assert cause is not None
    assert fix in cause.fix


def test_a_missing_header_is_named_with_the_package_of_the_distribution() -> None:
    output = "a.c:1:10: fatal error: zlib.h: No such file or directory\n"
    for distribution, name in (
        (DEBIAN, "zlib1g-dev"),
        (ALPINE, "zlib-dev"),
        (FEDORA, "zlib-devel"),
    ):
        cause = explain(Failure("RUN make", output, 2, distribution=distribution))
        assert cause is not None
        assert cause.fix.endswith(f" {name}`")


def test_the_file_of_the_stage_decides_between_a_missing_file_and_a_missing_loader() -> None:
    elf = b"\x7fELF" + bytes(60) + b"/lib64/ld-linux-x86-64.so.2\0"
    output = "/bin/sh: /opt/tool: not found\n"

    def head(path: str) -> bytes | None:
        return elf if path == "/opt/tool" else None

    there = explain(Failure("RUN /opt/tool", output, 127, head=head))
    assert there is not None
    assert there.id == "libc-mismatch"
    gone = explain(Failure("RUN /opt/tool", output, 127))
    assert gone is not None
    assert gone.id == "file-not-found"


@pytest.mark.parametrize(
    "text",
    [
        "not found " * 200_000,
        "sh: " * 500_000 + ": not found\n",
        "error: " * 300_000,
        ("a" * 300_000 + " Permission denied"),
        "\n" * 2_000_000,
        "\x1b[" * 400_000,
        "\x1b]" + "x" * 1_000_000,
        "E: Failed to fetch " + "/" * 400_000 + " 404",
        "".join(f"line {n}: no such file or directory: '{n}\n" for n in range(40_000)),
        " ".join(f"{n} failed, " for n in range(100_000)),
        "configure: error: " + "need the lib " * 60_000,
        "SSL TLS certificate does not " * 60_000,
    ],
    ids=range(12),
)
def test_hostile_output_takes_bounded_time(text: str) -> None:
    explain(Failure("RUN it", "x", 1))  # modules are loaded
    began = time.process_time()
    explain(Failure("RUN " + text[:100_000], text, 127))
    assert time.process_time() - began < 2


def test_the_end_of_a_log_is_read_as_it_is_seen() -> None:
    log = Log("x" * MAX_CHARACTERS + "\n\x1b[31mred\x1b[0m\n10%\r100%\r\n" + "\u2018curly\u2019\n")
    assert log.lines[1:] == ("red", "100%", "'curly'")
    assert Log("a" * 900).lines == ("a" * 600,)
    assert Log("a: 1\na: 2\n").first(("a:", r"a: (\d)"))[1] == "1"  # type: ignore[index]


def test_what_programs_say_is_quoted_as_one_short_line() -> None:
    assert quoted("a\n  `b`\x1b[2J") == "`a 'b'\x1b[2J`"  # the console shows control characters
    assert len(quoted("x" * 500)) == 122


def test_a_distribution_is_read_from_its_release_file() -> None:
    found = parse_os_release(
        'ID="rocky"\nID_LIKE="rhel centos"\nVERSION_ID="9.4"\nPRETTY_NAME="Rocky Linux 9.4"\n'
    )
    assert found == Distribution("dnf", "Rocky Linux 9.4", "9.4", "")
    assert parse_os_release("ID_LIKE=debian\nID=mine").family == "apt"
    assert parse_os_release("\0" * 100_000 + "=") == Distribution()
    assert guess_distribution("registry.example.com/a/node:20-alpine", "").family == "apk"
    assert guess_distribution("node:20", "").family == "apt"
    assert guess_distribution("x", "RUN yum install y").family == "dnf"
    assert guess_distribution("x", "RUN true").family == ""


def test_tables_have_names_for_the_usual_families() -> None:
    for name, packages in tools.PROGRAMS.items():
        assert packages, name
        assert set(packages) <= {"", "apt", "apk", "dnf", "zypper", "pacman"}
    assert headers.package_of("openssl/ssl.h")["dnf"] == "openssl-devel"
    assert headers.package_of("-lz")["apt"] == "zlib1g-dev"
    assert headers.package_of("own.h") == {}


def test_the_page_is_up_to_date_and_has_every_cause() -> None:
    text = failure_page.PLACE.read_text()
    assert text == failure_page.page()
    for case in CASES:
        assert f"`{case.id}`" in text
