"""Rules about secrets, modes and downloads, on images of a few entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from jettison.analysis.files import list_files
from jettison.analysis.rootfs import Rootfs
from jettison.analysis.secrets.content import SecretFile
from jettison.analysis.secrets.names import is_secret_name, may_be_secret
from jettison.check.layer_facts import Marks
from jettison.check.layers import hidden_by, own_entries, searched_layers, shown_entries
from jettison.check.registry import ENTRIES
from jettison.check.secrets import NO_SECRET_FACTS, Leak, SecretFacts
from jettison.check.subject import Subject
from jettison.check.written import at_line, listed, own_instructions, quoted, with_flag
from jettison.findings.finding import Finding, Severity
from jettison.findings.fix import apply_fix, machine_fixes
from jettison.fs.host_tree import HostTree
from jettison.fs.listing import WHITEOUT, Listing
from jettison.oci.config import ContainerConfig
from jettison.oci.platform import parse_platform
from jettison.provenance.chain import Provenance
from jettison.provenance.record import BuildRecord, StageRecord, StageStep, StepKind, StepRecord
from jettison.store.layer import LayerId

FILE, DIRECTORY = 0o100000, 0o40000
Entries = Mapping[str, int]
PLAIN = ContainerConfig(user="1")


def layer(number: int) -> LayerId:
    return LayerId(f"content:sha256:{number:064}")


def subject_of(
    tree: Path,
    source: str,
    layers: Sequence[tuple[int, Entries]],
    config: ContainerConfig = PLAIN,
    secrets: SecretFacts = NO_SECRET_FACTS,
    history: tuple[str, ...] = (),
) -> Subject:
    """Return an image of one stage.

    Args:
        tree: An empty directory.
        source: Its Dockerfile; empty for an image from elsewhere.
        layers: The line of each, 0 for one of the base, and modes by path.
        config: Its config.
        secrets: What is known.
        history: Texts of it.
    """
    steps = tuple(
        StepRecord(
            f"sha256:{number}",
            StepKind.RUN if line else StepKind.IMAGE,
            "step",
            layers=(layer(number),),
        )
        for number, (line, _) in enumerate(layers)
    )
    own = tuple(StageStep(n, line, line, "RUN x") for n, (line, _) in enumerate(layers))
    stage = StageRecord(0, "app", "base", line=1, needed=True, steps=own)
    record = BuildRecord(steps, (stage,), 0, "Dockerfile" if source else "", source)
    listings = {
        layer(number): Listing(
            list(entries), list(entries.values()), *([0] * len(entries) for _ in range(3))
        )
        for number, (_, entries) in enumerate(layers)
    }
    root = Rootfs(list_files(HostTree(tree)))
    return Subject(
        Provenance(record, {}, listings.get),
        config,
        parse_platform("linux/amd64"),
        root,
        lambda _index: None,
        secrets,
        history,
    )


def run(rule: str, subject: Subject) -> list[Finding]:
    return list(next(each for each in ENTRIES if each.id == rule).load().check(subject))


class Known:
    """Secrets that were found."""

    def __init__(self, leaks: Sequence[Leak] = (), files: Sequence[SecretFile] = ()) -> None:
        self._leaks, self._files = leaks, files

    def leaks(self) -> Sequence[Leak]:
        return self._leaks

    def files(self, position: int) -> Sequence[SecretFile]:
        return self._files if position == 1 else ()


def test_names_and_values_that_only_resemble_secrets_are_none() -> None:
    secret = "API_TOKEN DB_PASSWORD PGPASSWORD AWS_SECRET_ACCESS_KEY NPM_TOKEN auth MY_API_KEY"
    plain = (
        "GPG_KEY AWS_ACCESS_KEY_ID TOKEN_URL KEYBOARD PUBLIC_KEY AUTH_METHOD DB_PASSWORD_FILE PWD"
        " TOKEN_TTL KEY_PATH AUTHOR MONKEY"
    )
    assert [name for name in secret.split() if not is_secret_name(name)] == []
    assert [name for name in plain.split() if is_secret_name(name)] == []
    nothing = ["", "changeme", "/run/x", "${TOKEN}", "https://h/x", "basic", "<token>", "1234"]
    assert [value for value in nothing if may_be_secret(value)] == []


def test_own_entries_are_those_that_the_image_shows(tmp_path: Path) -> None:
    subject = subject_of(
        tmp_path,
        "FROM base\nRUN a\nRUN b\n",
        [
            (0, {"/base": FILE | 0o644}),
            (2, {"/a": FILE | 0o644, "/b": FILE | 0o644}),
            (3, {"/a": WHITEOUT, "/b": FILE | 0o600}),
        ],
    )
    every = Marks("all", lambda _path, _mode: True)
    assert [(each.path, each.position) for each in own_entries(subject, every)] == [("/b", 2)]
    shown = [(each.path, each.position) for each in shown_entries(subject, every)]
    assert shown == [("/base", 0), ("/b", 2)]
    later = hidden_by(subject, "/a", 1)
    assert later is not None
    assert later.instruction.line == 3
    assert hidden_by(subject, "/b", 2) is None
    assert searched_layers(subject) == [1, 2]


def test_set_id_programs_count_unless_the_base_had_them(tmp_path: Path) -> None:
    subject = subject_of(
        tmp_path,
        "FROM base\nRUN apt-get upgrade\n",
        [
            (0, {"/su": FILE | 0o4755, "/x": FILE | 0o755}),
            (
                2,
                {
                    "/su": FILE | 0o4755,
                    "/x": FILE | 0o4755,
                    "/new": FILE | 0o2755,
                    "/data": FILE | 0o4644,
                    "/dir": DIRECTORY | 0o2775,
                },
            ),
        ],
    )
    warning, note = run("MS505", subject)
    assert (warning.severity, warning.line, warning.path) == (Severity.WARNING, 2, "/x")
    assert "`/x`, `/new`" in warning.detail
    assert note.severity is Severity.NOTE
    assert "1 set-ID programs: `/su`" in note.detail
    assert machine_fixes(warning.fixes)[0].text == "RUN chmod ug-s /x /new"


def test_a_layer_that_is_an_operating_system_is_like_a_base(tmp_path: Path) -> None:
    system = {"/var/lib/dpkg/status": FILE | 0o644, "/bin/su": FILE | 0o4755, "/open": FILE | 0o666}
    more = {"/var/lib/dpkg/status": FILE | 0o644, "/bin/sudo": FILE | 0o4755}
    subject = subject_of(tmp_path, "FROM scratch\nRUN a\nRUN b\n", [(2, system), (3, more)])
    warning, note = run("MS505", subject)
    assert (warning.path, warning.line) == ("/bin/sudo", 3)
    assert "`/bin/su`" in note.detail
    assert run("MS506", subject) == []


def test_what_all_may_write_counts_but_for_sticky_directories(tmp_path: Path) -> None:
    entries = {
        "/tmp": DIRECTORY | 0o1777,
        "/tmp/x": FILE | 0o666,
        "/app": DIRECTORY | 0o777,
        "/app/x": FILE | 0o666,
        "/link": 0o120777,
        "/spool": DIRECTORY | 0o1777,
        "/base": DIRECTORY | 0o777,
    }
    subject = subject_of(
        tmp_path, "FROM base\nRUN x\n", [(0, {"/base": DIRECTORY | 0o777}), (2, entries)]
    )
    (warning,) = run("MS506", subject)
    assert "2 files and directories: `/app`, `/app/x`" in warning.detail
    assert machine_fixes(warning.fixes)[0].text == "RUN chmod -R o-w /app"


def test_variables_count_where_the_image_shows_a_value(tmp_path: Path) -> None:
    source = (
        "FROM base\n"
        "ARG API_TOKEN\n"
        "ARG NPM_TOKEN\n"
        "ENV DB_PASSWORD=Zq8vXw7TT2 OTHER=1\n"
        "ENV GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D\n"
        'RUN wget --header "$API_TOKEN" \\\n'
        "    https://example.com\n"
    )
    subject = subject_of(
        tmp_path,
        source,
        [(0, {}), (6, {})],
        ContainerConfig(env=("DB_PASSWORD=Zq8vXw7TT2", "OTHER=1", "GPG_KEY=A035C8C19219BA82")),
        history=(
            "ARG API_TOKEN",
            "RUN |2 API_TOKEN=q7Rr9sT0uV NPM_TOKEN= /bin/sh -c wget --header $API_TOKEN # buildkit",
        ),
    )
    found = run("MS503", subject)
    assert [(each.line, each.severity) for each in found] == [
        (2, Severity.ERROR),
        (4, Severity.ERROR),
    ]
    fixed = apply_fix(source, machine_fixes(found[0].fixes)[0])
    assert "ARG API_TOKEN" not in fixed
    assert "RUN --mount=type=secret,id=API_TOKEN,env=API_TOKEN wget" in fixed
    assert "ARG NPM_TOKEN" in fixed
    assert "q7Rr9sT0uV" not in repr(found)


def test_variables_of_an_image_from_elsewhere_are_warnings(tmp_path: Path) -> None:
    subject = subject_of(
        tmp_path, "", [(0, {})], ContainerConfig(env=("DB_PASSWORD=Zq8vXw7TT2", "PATH=/bin"))
    )
    (warning,) = run("MS503", subject)
    assert (warning.severity, warning.span) == (Severity.WARNING, None)


def test_leaks_are_errors_that_show_no_value(tmp_path: Path) -> None:
    leaks = (
        Leak("secret `a`", 20, "base64", 1, "/x"),
        Leak("secret `a`", 20, "as it is", documents=("config", "history"), line=2),
        Leak("build argument `T`", 20, "as it is", documents=("history",)),
    )
    subject = subject_of(
        tmp_path, "FROM base\nRUN x\n", [(0, {}), (2, {"/x": FILE})], secrets=Known(leaks)
    )
    layered, documents = run("MS501", subject)
    assert (layered.line, layered.path, layered.stage) == (2, "/x", "app")
    assert "in base64" in layered.cause[1]
    assert documents.detail.endswith("in the config, the history")


def test_files_with_secrets_are_told_once(tmp_path: Path) -> None:
    files = (
        SecretFile("/key", "private key", 3, 1600, is_certain=True, by_name=False),
        SecretFile("/.npmrc", "npm credentials", 1, 36, is_certain=True, by_name=True),
        SecretFile("/id", "AWS access key ID", 1, 20, is_certain=False, by_name=False),
        SecretFile("/known", "GitHub token", 1, 40, is_certain=True, by_name=False),
    )
    known = Known((Leak("secret `a`", 40, "as it is", 1, "/known"),), files)
    layers = [(0, {}), (2, {each.path: FILE for each in files})]
    subject = subject_of(tmp_path, "FROM base\nRUN x\n", layers, secrets=known)
    assert [(each.path, each.severity.value) for each in run("MS502", subject)] == [
        ("/key", "error"),
        ("/id", "warning"),
    ]
    assert [(each.path, each.severity.value) for each in run("MS504", subject)] == [
        ("/.npmrc", "error")
    ]


def test_files_of_development_are_found_but_not_those_of_packages(tmp_path: Path) -> None:
    paths = [
        "/app/.git/HEAD",
        "/app/.git/config",
        "/app/sub/.git/HEAD",
        "/root/.ssh/id_rsa",
        "/root/.ssh/known_hosts",
        "/app/.gitlab-ci.yml",
        "/app/Dockerfile",
        "/app/node_modules/a/.travis.yml",
        "/app/main.py",
        "/app/.gitignore",
        "/usr/share/x/.git/HEAD",
    ]
    subject = subject_of(
        tmp_path, "FROM base\nRUN x\n", [(0, {}), (2, dict.fromkeys(paths, FILE | 0o644))]
    )
    found = [(each.severity.value, each.path) for each in run("MS509", subject)]
    assert found == [
        ("warning", "/app/.git"),
        ("warning", "/app/sub/.git"),
        ("warning", "/root/.ssh"),
        ("note", "/app/.gitlab-ci.yml"),
    ]


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        ("debian:12@sha256:a", "debian:12@sha256:b", ["warning"]),
        ("debian:12", "debian:12@sha256:b", ["warning"]),
        ("debian:12@sha256:a", "debian:11@sha256:b", []),
        ("debian", "debian:12", ["note"]),
        ("debian:latest", "scratch", ["note"]),
    ],
)
def test_one_name_of_a_base_means_one_image(
    tmp_path: Path, first: str, second: str, found: list[str]
) -> None:
    bases = [each for each in (first, second) if each != "scratch"]
    steps = tuple(
        StepRecord(f"sha256:{number}", StepKind.IMAGE, "FROM", layers=(layer(number),))
        for number in range(len(bases))
    )
    stages = tuple(
        StageRecord(
            number, base_name=name, line=number + 1, needed=True, steps=(StageStep(number),)
        )
        for number, name in enumerate(bases)
    )
    source = f"FROM {first} AS a\nFROM {second}\n"
    record = BuildRecord(steps, stages, len(bases) - 1, "Dockerfile", source)
    subject = Subject(
        Provenance(record, {}, lambda _layer: None),
        ContainerConfig(),
        parse_platform("linux/amd64"),
        Rootfs(list_files(HostTree(tmp_path))),
        lambda _index: None,
    )
    assert [each.severity.value for each in run("MS511", subject)] == found


@pytest.mark.parametrize(
    ("line", "is_found"),
    [
        ("RUN curl -fsSL https://example.com/x.sh | sh", True),
        ("RUN wget -qO- https://example.com/x.sh | sudo -E bash -s -- -y", True),
        ("RUN bash <(curl -s https://example.com/x.sh)", True),
        ('RUN sh -c "$(curl -fsSL https://example.com/x.sh)"', True),
        ("RUN curl -s https://example.com/x.py | python3 -", True),
        ("RUN curl -s https://example.com/x | tar xz", False),
        ("RUN curl -s https://example.com/x || sh fallback", False),
        ("RUN curl -so x.sh https://example.com/x && sha256sum -c x.sum && sh x.sh", False),
        ("RUN echo 'curl' && cat x | sh", False),
        ("RUN curl -s https://example.com/x | jq .sh", False),
        ("ADD https://example.com/x.tar.gz /x", True),
        ("ADD --checksum=sha256:" + "0" * 64 + " https://example.com/x /x", False),
        ("ADD https://github.com/a/b.git#v1 /x", False),
        ("ADD x.tar /x", False),
    ],
)
def test_downloads_are_checked(tmp_path: Path, line: str, is_found: bool) -> None:
    subject = subject_of(tmp_path, f"FROM base\n{line}\n", [(0, {}), (2, {})])
    assert [each.line for each in run("MS512", subject)] == [2] * is_found


def test_instructions_are_found_by_line_and_edited(tmp_path: Path) -> None:
    source = "FROM base\ncopy \\\n  a /b\n"
    record = subject_of(tmp_path, source, [(0, {}), (2, {})]).record
    assert [each.keyword.upper() for each in own_instructions(record)] == ["FROM", "COPY"]
    instruction = at_line(record, 2)
    assert instruction is not None
    assert at_line(record, 9) is None
    fix = with_flag(record, instruction, "--exclude=x")
    assert apply_fix(source, fix) == "FROM base\ncopy --exclude=x \\\n  a /b\n"
    assert quoted(["/a b", "/c"]) == "'/a b' /c"
    assert listed(["/a"]) == "`/a`"
