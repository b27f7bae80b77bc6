"""Whatever bytes a Dockerfile holds: it compiles, or an error says why, and both soon.

Runs for ``JETTISON_FUZZ_SECONDS`` (2, on CI 20), with other inputs in each round.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from jettison.errors import InternalError, JettisonError
from jettison.frontend.base import CompileRequest, HttpContext, ImageRequest, LocalContext
from jettison.frontend.dockerfile.compile import compile as compile_dockerfile
from jettison.frontend.dockerfile.dialect import asked_frontend
from jettison.frontend.dockerfile.parser import parse
from jettison.frontend.dockerfile.span import excerpt
from jettison.lint.file import LintContext
from jettison.lint.outline import outline, targets
from jettison.lint.runner import check
from jettison.oci.config import ContainerConfig, ImageConfig, RootFS
from jettison.oci.digest import sha256_digest
from jettison.oci.platform import parse_platform
from jettison.plan.graph import Plan

AMD64 = parse_platform("linux/amd64")
SECONDS = float(os.environ.get("JETTISON_FUZZ_SECONDS") or (20 if os.environ.get("CI") else 2))
SLOW_SECONDS = 5

WORDS = r"""
FROM ARG ENV RUN COPY ADD CMD ENTRYPOINT EXPOSE HEALTHCHECK LABEL MAINTAINER ONBUILD SHELL STOPSIGNAL
USER VOLUME WORKDIR AS NONE scratch a b alpine:3@sha256:0 ctx # escape=` syntax=x check=error=true #!
// {} --from=a --mount=type=cache,target=/x --mount=type=secret,id=s,env=E --chmod=u+x --chown=0:0
--link --parents --exclude=**/*.go --platform=$BUILDPLATFORM --checksum=sha256:00 --keep-git-dir
--network=host --interval=1s --unpack=true <<EOF <<-'E' EOF E <<"" 3<<A ["sh","-c"] [ ] [1] {"a": "
' \ ` $ ${ } ${a:-b} ${a#*} ${a//x/y} $$ = == , ; : / https://h/a.git#x:y git@h:x ?tag=v http://h/f
/./ ../ * ** [a-z] \* 9 -1 80/tcp 1-99999
"""
BLANKS = ["\n"] * 3 + [" ", "\t", "\r\n", "\\\n", "`\n", "\0", "\u2028", "\ufeff", "é", "\x1c"]
TOKENS = st.sampled_from([*WORDS.split(), *BLANKS])
MIXED = st.lists(st.one_of(TOKENS.map(str.encode), st.binary(max_size=4)), max_size=60)
FILES = st.one_of(
    st.binary(max_size=200),
    MIXED.map(b" ".join),
    MIXED.map(lambda parts: b"FROM a\n" + b" ".join(parts)),
    st.lists(MIXED.map(b" ".join), max_size=12).map(
        lambda lines: b"FROM a AS a\n" + b"\n".join(lines)
    ),
)


def image_of(reference: str) -> ImageConfig:
    """Return an invented image whose config is not harmless either."""
    return ImageConfig(
        architecture="amd64",
        os="linux",
        rootfs=RootFS("layers", (sha256_digest(reference.encode()),)),
        config=ContainerConfig(env=("PATH=/p", "EMPTY", "=x"), on_build=("RUN <<E", "COPY a b")),
    )


def refusal(work: Callable[[], object]) -> JettisonError | None:
    """Return the error that work ends with; all others but ours go through."""
    try:
        work()
    except JettisonError as error:
        return error
    return None


def use(data: bytes) -> None:
    """Do everything that is done with a file before anything runs."""
    asked_frontend(data, {})
    for work in (compile_all, describe):
        error = refusal(lambda work=work: work(data))
        assert not isinstance(error, InternalError)
        if error is not None:
            assert error.message
            if error.span is not None:
                assert excerpt(data.decode(errors="replace"), error.span)


def compile_all(data: bytes) -> None:
    request = CompileRequest(
        text=data,
        platform=AMD64,
        build_platform=AMD64,
        build_args={"a": "$b", "SOURCE_DATE_EPOCH": "0"},
        contexts={"ctx": LocalContext(), "b": HttpContext("http://h/x")},
        allow=frozenset({"network.host"}),
    )
    known: dict[ImageRequest, ImageConfig] = {}
    while not isinstance(answer := compile_dockerfile(request, known), Plan):
        known |= {each: image_of(each.reference) for each in answer.requests}


def describe(data: bytes) -> None:
    tree = parse(data)
    check(tree, LintContext(is_ignored=bool))
    targets(tree)
    outline(tree)


def test_no_bytes_get_anything_but_a_plan_or_an_error():
    end = time.monotonic() + SECONDS
    rounds = 0
    while time.monotonic() < end:
        rounds += 1

        @seed(rounds if os.environ.get("CI") is None else time.time_ns())
        @settings(
            max_examples=33,
            database=None,
            deadline=SLOW_SECONDS * 1000,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        @given(FILES)
        def one_round(data: bytes) -> None:
            use(data)

        one_round()
    assert rounds


NUMBERS = [
    *("0", "-0", "-1", "+1", "+-1", "00", "1.5", "1e9", "0x10", "\u0663", "nan", "inf", ""),
    *(str(2**bits + more) for bits in (31, 32, 63, 64) for more in (-2, -1, 0, 1)),
    *("7" * 10, "9" * 20, "9" * 400, "9" * 5000, "0" * 5000 + "7", "7" * 5000),
]
PLACES = [
    "COPY --chown=@ a b",
    "COPY --chown=0:@ --link a b",
    "COPY --chmod=@ a b",
    "COPY --from=@ a b",
    "COPY 3<<E @<<F /\nE\nF",
    "USER @",
    "EXPOSE @",
    "EXPOSE 1-@",
    "EXPOSE @:80",
    "STOPSIGNAL @",
    "STOPSIGNAL RTMIN+@",
    "HEALTHCHECK --retries=@ CMD a",
    "HEALTHCHECK --interval=@s CMD a",
    "HEALTHCHECK --timeout=1.@h CMD a",
    "RUN --mount=type=cache,target=/a,uid=@ a",
    "RUN --mount=type=cache,target=/a,mode=@ a",
    "RUN --mount=type=secret,id=a,gid=@ a",
    "RUN --mount=type=tmpfs,target=/a,size=@ a",
    "RUN --mount=type=tmpfs,target=/a,size=@p a",
    "RUN --mount=from=@,target=/a a",
    "RUN --device=a,required=@ a",
    "ADD --checksum=sha256:@ http://h/a /",
    "ADD --checksum=@ https://h/a.git /",
    "ADD http://h:@/a /",
    "ADD https://h:@/a.git#@:@ /",
    "LABEL a=$@ b=${@} c=${a:-@}",
    "FROM scratch AS t\nARG SOURCE_DATE_EPOCH=@",
    "FROM --platform=linux/@ scratch",
    "FROM a:@@sha256:@",
    "FROM scratch AS @",
]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("trigger", [False, True])
def test_numbers_at_their_limits_compile_or_are_told(place: str, trigger: bool):
    for number in NUMBERS:
        text = place.replace("@", number)
        if trigger and not place.startswith("FROM"):
            text = f"ONBUILD {text}\nFROM s"
        before = "" if place.startswith("FROM") else "FROM scratch AS s\n"
        use(f"{before}{text}\n".encode())
