"""Rules about the stage graph: what each finds, and what it leaves alone."""

from __future__ import annotations

import pytest

from jettison.findings.finding import Finding
from jettison.findings.fix import apply_fix, machine_fixes
from jettison.findings.suppress import options_of
from jettison.frontend.dockerfile.parser import parse
from jettison.lint.file import ImageFacts, LintContext, LintFile
from jettison.lint.own import OwnRule
from jettison.lint.registry import OWN_RULES
from jettison.lint.rules.ms101 import MS101
from jettison.lint.rules.ms102 import MS102
from jettison.lint.rules.ms103 import MS103
from jettison.lint.rules.ms104 import MS104
from jettison.lint.rules.ms105 import MS105
from jettison.lint.rules.ms106 import MS106
from jettison.lint.rules.ms107 import MS107
from jettison.lint.rules.ms109 import MS109
from jettison.lint.rules.ms110 import MS110
from jettison.lint.rules.ms111 import MS111
from jettison.lint.rules.ms209 import MS209
from jettison.lint.runner import check, raise_for


def found(rule: type[OwnRule], text: str, **context: object) -> list[Finding]:
    return list(rule().check(LintFile(parse(text.encode()), LintContext(**context))))


def lines(rule: type[OwnRule], text: str, **context: object) -> list[int]:
    return [each.line for each in found(rule, text, **context)]


def own(text: str, **options: object) -> list[str]:
    findings = check(parse(text.encode()), own=True, **options)
    return [each.rule for each in findings if each.rule.startswith("MS")]


# MS101


@pytest.mark.parametrize(
    ("stage", "name"),
    [
        ("b", "bb"),
        ("builder", "buidler"),
        ("builder", "build"),
        ("build", "builder"),
        ("deps", "dep"),
    ],
)
def test_a_misspelt_stage_is_found_and_its_fix_ends_it(stage, name):
    text = f"FROM scratch AS {stage}\nFROM scratch\nCOPY --link --from={name} \\\n  /a /b\n"
    (finding,) = found(MS101, text)
    assert (finding.line, finding.severity.value) == (3, "error")
    assert f"did you mean `{stage}`?" in finding.detail
    fixed = apply_fix(text, machine_fixes(finding.fixes)[0])
    assert fixed == text.replace(f"--from={name}", f"--from={stage}")
    assert lines(MS101, fixed) == []


def test_a_misspelt_stage_of_a_mount_is_found():
    text = "FROM scratch AS tools\nFROM scratch\nRUN --mount=type=bind,from=tool,target=/t /t/x\n"
    (finding,) = found(MS101, text)
    assert "from=tools,target" in finding.fixes[0].text


@pytest.mark.parametrize(
    "name",
    [
        "nginx",
        "busybox",
        "build:1",
        "example.com/buid",
        "me/buil",
        "0",
        "Build",
        "other",
        "context",
    ],
)
def test_images_and_stages_are_not_misspelt(name):
    assert lines(MS101, f"FROM scratch AS build\nFROM scratch\nCOPY --from={name} / /\n") == []


def test_an_image_that_is_here_is_meant():
    text = "FROM scratch AS build\nFROM scratch\nCOPY --from=buil / /\n"
    assert lines(MS101, text) == [3]
    known = lambda name, _: ImageFacts() if name == "buil" else None  # noqa: E731
    assert lines(MS101, text, image=known) == []


# MS102


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM scratch AS a\nCOPY --from=b / /\nFROM scratch AS b\n", [2]),
        ("FROM scratch AS a\nCOPY --from=a / /\n", [2]),
        ("FROM scratch AS a\nCOPY --from=0 / /\n", [2]),
        ("FROM scratch AS a\nRUN --mount=from=b,target=/x x\nFROM scratch AS b\n", [2]),
        ("FROM late\nFROM scratch AS late\n", [1]),
        ("FROM node\nFROM scratch AS node\n", []),
        ("FROM node AS node\n", []),
        ("FROM scratch AS a\nFROM scratch\nCOPY --from=a / /\n", []),
    ],
)
def test_stages_that_are_read_too_early_are_found(text, expected):
    assert lines(MS102, text) == expected


# MS103

TESTS = "FROM scratch AS build\nRUN x\nFROM build AS tests\nRUN go test ./...\nFROM build\n"


def test_tests_that_do_not_run_are_told():
    (finding,) = found(MS103, TESTS)
    assert (finding.line, finding.severity.value, finding.stage) == (3, "note", "tests")
    assert finding.cause == ("line 4: RUN go test ./...",)
    assert lines(MS103, TESTS, target="tests") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM a AS dev\nRUN npm ci\nFROM b AS prod\nRUN x\n", []),
        ("FROM a\nRUN x\nFROM b\n", [1]),
        ("FROM a\nRUN x\nFROM b\nCOPY --from=0 / /\n", []),
        ("FROM a AS t\nRUN npm test\nFROM t AS u\nRUN x\nFROM b\n", []),
        ("FROM a\n", []),
    ],
)
def test_only_stages_that_seem_forgotten_are_told(text, expected):
    assert lines(MS103, text) == expected


# MS104


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM debian AS nginx\nFROM nginx\n", [1]),
        ("FROM mine/x AS a\nFROM debian AS mine\nFROM mine\n", []),
        ("FROM app\nFROM debian AS app\nFROM app\n", [2]),
        ("FROM debian AS nginx\nFROM scratch\n", []),
        ("FROM nginx:1 AS nginx\nFROM nginx\n", []),
        ("FROM me/composer AS composer\nFROM scratch\nCOPY --from=composer / /\n", []),
        ("FROM scratch AS nginx\nFROM nginx\n", []),
    ],
)
def test_a_name_of_two_things_is_found(text, expected):
    assert lines(MS104, text) == expected


# MS105


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        ("FROM debian\nCOPY --from=a / /\n", [2]),
        ("FROM debian\nCOPY --from=a /. .\n", []),
        ("FROM debian\nCOPY --from=a /* /\n", [2]),
        ("FROM scratch\nCOPY --from=a / /\n", []),
        ("FROM scratch\nENV a=b\nCOPY --from=a / /\n", []),
        ("FROM scratch\nCOPY x /\nCOPY --from=a / /\n", [3]),
        ("FROM debian\nCOPY --from=a / /rootfs\n", []),
        ("FROM debian\nCOPY --from=a /app /\n", []),
        ("FROM debian\nCOPY --from=a --exclude=x / /\n", []),
        ("FROM debian\nCOPY --from=files / /\n", []),
        ("FROM debian\nCOPY --from=example.com/overlay / /\n", []),
        ("FROM debian\nCOPY . /\n", []),
    ],
)
def test_whole_roots_that_are_copied_onto_something_are_found(stages, expected):
    text = f"FROM debian AS a\nFROM scratch AS files\nCOPY x /\n{stages}"
    assert [line - 3 for line in lines(MS105, text)] == expected


# MS106


def test_a_last_stage_that_stands_alone_is_told():
    text = "FROM golang AS build\nRUN go build -o /app .\nFROM scratch\nCOPY /app /app\n"
    (finding,) = found(MS106, text)
    assert (finding.line, finding.severity.value) == (3, "note")
    fixed = apply_fix(text, machine_fixes(finding.fixes)[0])
    assert fixed.endswith("COPY --from=build /app /app\n")
    assert lines(MS106, fixed) == lines(MS106, text, target="1") == []


@pytest.mark.parametrize(
    "text",
    [
        "FROM a\nRUN make\n",
        "FROM a AS dev\nRUN apt-get update\nFROM b AS prod\nCOPY . .\n",
        "FROM a AS build\nRUN make\nFROM b\nRUN --mount=from=build,target=/b cp /b/x /\n",
        "FROM a AS build\nRUN make\nFROM build\n",
        "FROM a AS build\nRUN make\nFROM b\nCOPY --from=buidl /x /\n",
    ],
)
def test_files_whose_last_stage_uses_others_or_needs_none_are_fine(text):
    assert lines(MS106, text) == []


# MS107


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        ("FROM debian\nRUN apt-get update && apt-get install -y gcc\n", [2]),
        ("FROM debian\nRUN apt-get install -y gcc && x && apt-get purge -y gcc\n", []),
        ("FROM alpine\nRUN apk add --no-cache --virtual .b build-base && x && apk del .b\n", []),
        ("FROM debian\nRUN cd /src && make install\n", [2]),
        ("FROM debian AS dev\nRUN make\n", []),
        ("FROM debian AS unit-test\nRUN make\n", []),
        ("FROM node\nRUN npm ci && npm run build\n", []),
        ("FROM debian\nRUN apt-get install -y curl libgcc-s1 openjdk-17-jre-headless\n", []),
        ("FROM a AS p\n", []),
    ],
)
def test_compilers_that_stay_in_the_image_are_found(last, expected):
    text = f"FROM debian AS a\nRUN x\n{last}"
    assert [line - 2 for line in lines(MS107, text)] == expected
    assert lines(MS107, last) == []


# MS109


@pytest.mark.parametrize(
    ("builder", "runs", "runtime", "copied"),
    [
        ("golang:1.23", "go build -o /app .", "alpine", "/app"),
        ("debian:12", "make", "alpine:3.20", "/usr/local/bin/x"),
        ("gcc:13", "gcc -o /a a.c", "nginx:1-alpine", "/a"),
        ("alpine", "make", "debian:12-slim", "/a"),
        ("ubuntu:24.04", "make", "debian:12", "/a"),
        ("rust:1-trixie", "cargo build --release", "debian:bookworm-slim", "/target/release/app"),
        ("node:20", "npm ci", "node:20-alpine", "/app/node_modules"),
        ("node:20", "npm ci", "node:18", "/app/node_modules"),
        ("python:3.12", "pip install -r requirements.txt", "python:3.11-slim", "/usr/local/lib/python3.12/site-packages"),
        ("python:3.12", "pip install -r requirements.txt", "python:3.12-alpine", "/venv"),
    ],
)  # fmt: skip
def test_images_that_do_not_go_together_are_found(builder, runs, runtime, copied):
    text = f"FROM {builder} AS b\nRUN {runs}\nFROM {runtime}\nCOPY --from=b {copied} {copied}\n"
    (finding,) = found(MS109, text)
    assert (finding.line, finding.severity.value, len(finding.cause)) == (4, "warning", 2)


@pytest.mark.parametrize(
    ("builder", "runs", "runtime", "copied"),
    [
        ("golang:1.23", "CGO_ENABLED=0 go build -o /app .", "alpine", "/app"),
        ("golang:1.23-alpine", "go build -o /app .", "debian:12", "/app"),
        ("rust:1-alpine", "cargo build --release", "debian:12", "/app"),
        ("rust:1", "cargo build --target x86_64-unknown-linux-musl", "alpine", "/app"),
        ("maven:3", "mvn package", "eclipse-temurin:17-jre-alpine", "/target/app.jar"),
        ("node:20", "npm ci && npm run build", "nginx:alpine", "/app/dist"),
        ("rust:1-bookworm", "cargo build", "debian:trixie", "/app"),
        ("debian:12", "make", "example.com/mine:1", "/app"),
        ("debian:12", "make", "scratch", "/app"),
        ("debian:12", "apt-get install -y ca-certificates", "alpine", "/etc/ssl/certs"),
        ("python:3.12", "pip install -r requirements.txt", "python:3.12-slim", "/venv"),
        ("python:3", "pip install -r requirements.txt", "python:3.12-slim", "/venv"),
        ("debian:12", "gcc -static -o /a a.c", "alpine", "/a"),
    ],
)
def test_images_that_go_together_are_fine(builder, runs, runtime, copied):
    text = f"FROM {builder} AS b\nRUN {runs}\nFROM {runtime}\nCOPY --from=b {copied} {copied}\n"
    assert lines(MS109, text) == []


def test_names_of_images_do_not_count_where_their_files_will_be_read():
    text = "FROM debian:12 AS b\nRUN make\nFROM alpine\nCOPY --from=b /a /a\n"
    assert own(text) == ["MS109"]
    assert own(text, context=LintContext(files_follow=True)) == []


# MS110


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ARG V=1\nFROM debian\nRUN echo $V\n", [3]),
        ("ARG V=1\nFROM debian\nRUN echo ${V}\n", [3]),
        ("ARG V=1\nFROM debian\nARG V\nRUN echo $V\n", []),
        ("ARG V=1\nFROM debian\nENV V=2\nRUN echo $V\n", []),
        ("ARG V=1\nFROM debian\nRUN V=2; echo $V\n", []),
        ("ARG V=1\nFROM debian\nRUN echo ${V:-none} '$V' \\$V\n", []),
        ("ARG V=1\nFROM debian\nRUN . /etc/os-release && echo $V\n", []),
        ("ARG V=1\nFROM debian\nRUN --mount=type=secret,id=x,env=V echo $V\n", []),
        ("ARG V=1\nFROM debian\nRUN <<EOF\necho $V\nEOF\n", [3]),
        ('ARG V=1\nFROM debian\nRUN ["echo", "$V"]\n', []),
        ("FROM debian AS a\nARG V=1\nFROM debian\nRUN echo $V\n", [4]),
        ("FROM debian AS a\nARG V=1\nFROM a\nRUN echo $V\n", []),
        ("FROM debian\nRUN echo $TARGETARCH\n", [2]),
        ("FROM debian\nRUN echo $HOME $HTTP_PROXY\n", []),
        ("ARG HTTP_PROXY\nFROM debian\nRUN echo $HTTP_PROXY\n", []),
        ("ARG NODE_VERSION=20\nFROM node:$NODE_VERSION\nRUN echo $NODE_VERSION\n", []),
        ("ARG V=1\nFROM example.com/mine\nRUN echo $V\n", []),
        ('ARG V=1\nFROM debian\nSHELL ["pwsh", "-c"]\nRUN echo $V\n', []),
        ("FROM debian\nARG P=80\nCMD serve -p $P\n", [3]),
        ("FROM debian\nARG P=80\nENV P=$P\nCMD serve -p $P\n", []),
        ('FROM debian\nARG P=80\nCMD ["serve", "$P"]\n', []),
        ("FROM debian\nARG P=80\nENTRYPOINT exec serve ${P:-80}\n", []),
    ],
)
def test_arguments_that_a_command_does_not_see_are_found(text, expected):
    findings = found(MS110, text)
    assert [each.line for each in findings] == expected
    for finding in findings:
        fixed = apply_fix(text, machine_fixes(finding.fixes)[0])
        assert lines(MS110, fixed) == [], fixed


def test_variables_of_a_known_image_are_seen():
    text = "ARG NODE_VERSION=20\nARG V=1\nFROM example.com/mine\nRUN echo $V $NODE_VERSION\n"
    facts = ImageFacts(environment=("V=3",))
    assert [each.detail for each in found(MS110, text, image=lambda *_: facts)] == [
        "`$NODE_VERSION` is empty here: no ARG or ENV of the stage `stage-0` has it"
    ]


# MS111

BUILD = "FROM debian AS b\nRUN make\n"


@pytest.mark.parametrize(
    ("builder", "target", "expected"),
    [
        ('ENTRYPOINT ["/app"]', "FROM scratch\nCOPY --from=b /app /app", [("warning", 3)]),
        ('CMD ["/app"]', "FROM debian\nCOPY --from=b /app /app", []),
        ('CMD ["/app"]', "FROM scratch\nCOPY --from=b /app /app\nCMD /x", []),
        ("EXPOSE 80", "FROM debian\nCOPY --from=b /app /app", [("note", 3)]),
        ("HEALTHCHECK CMD x", "FROM debian\nCOPY --from=b /app /app", [("note", 3)]),
        ("EXPOSE 80", "FROM debian\nCOPY --from=b /app /app\nEXPOSE 81", []),
        ("EXPOSE 80", "FROM b\nCOPY --from=b /app /app", []),
        ("EXPOSE 80", "FROM debian\nRUN --mount=from=b,target=/b cp /b/app /", []),
        ("ENV PATH=/v/p/bin:$PATH", "FROM debian\nCOPY --from=b /v/p /v/p", [("warning", 3)]),
        ("ENV PATH=/v/p/bin:$PATH", "FROM debian\nCOPY --from=b /v/p /other", []),
        ("ENV PATH=/v/p/bin:$PATH", "FROM debian\nCOPY --from=b /v/p /v/p\nENV PATH=/v/p/bin", []),
        ("ENV PORT=80", "FROM debian\nCOPY --from=b /app /app\nCMD /app $PORT", [("warning", 3)]),
        ("ENV PORT=80", 'FROM debian\nCOPY --from=b /app /app\nCMD ["/app"]', []),
        ("WORKDIR /src", 'FROM scratch\nCOPY --from=b /src /src\nCMD ["./app"]', [("warning", 3)]),
        ("WORKDIR /src", 'FROM scratch\nWORKDIR /x\nCOPY --from=b /src .\nCMD ["./app"]', []),
        ("USER app", "FROM debian\nCOPY --from=b /app /app", []),
    ],
)  # fmt: skip
def test_settings_that_stay_behind_are_found(builder, target, expected):
    text = f"{BUILD}{builder}\n{target}\n"
    findings = found(MS111, text)
    assert [(each.severity.value, each.line) for each in findings] == expected
    for finding in findings:
        fixed = apply_fix(text, machine_fixes(finding.fixes)[0])
        assert lines(MS111, fixed) == [], fixed


# MS209


@pytest.mark.parametrize(
    ("mount", "expected"),
    [
        ("source=secret/x,target=/x", [2]),
        ("type=bind,src=secret/x,dst=/x", [2]),
        ("source=open/x,target=/x", []),
        ("from=a,source=secret/x,target=/x", []),
        ("type=cache,source=secret/x,target=/x", []),
        ("target=/x", []),
    ],
)
def test_mounts_of_excluded_files_are_found(mount, expected):
    text = f"FROM debian AS a\nRUN --mount={mount} cat /x\n"
    hides = lambda path: path.startswith("secret/")  # noqa: E731
    assert lines(MS209, text, is_ignored=hides) == expected
    assert lines(MS209, text) == []


# All of them


def test_comments_and_settings_switch_them_off():
    text = "FROM scratch AS b\nFROM scratch\n{}COPY --from=bb /x /\n"
    assert own(text.format("")) == ["MS101"]
    assert own(text.format("# jettison ignore=MS101 it is an image\n")) == []
    assert own(text.format("# check=skip=MS101\n")) == []
    assert own(text.format("# hadolint ignore=DL3022\n")) == []
    assert own(text.format(""), ignored=["MS101"]) == []
    assert own("# check=skip=all\n" + text.format("")) == []


def test_docker_s_rules_run_alone_unless_others_are_asked_for():
    text = b"FROM scratch AS b\nFROM scratch\nCOPY --from=bb /x /\n"
    assert check(parse(text)) == ()


def test_they_fail_no_build_by_dockers_option():
    dockerfile = parse(b"# check=error=true\nFROM scratch AS b\nFROM scratch\nCOPY --from=bb x /\n")
    findings = check(dockerfile, own=True)
    assert [each.rule for each in findings] == ["MS101"]
    raise_for(findings, options_of(dockerfile))


@pytest.mark.parametrize("rule", OWN_RULES, ids=lambda rule: rule.name)
def test_wrong_files_are_left_to_the_build(rule):
    for text in (
        "ARG a=${x:?no}\nFROM ${y:?no} AS b\nCOPY --from=$q a b\nRUN --mount=type=no,from=c x\n",
        "FROM\\\n scratch\nONBUILD COPY --from=a / /\nCMD\n",
        "FROM a:b:c AS d\nFROM d\nCOPY --from=99 / /\n",
    ):
        try:
            dockerfile = parse(text.encode())
        except Exception:  # noqa: BLE001 - what cannot be parsed is not checked
            continue
        list(rule.check(LintFile(dockerfile, LintContext())))
