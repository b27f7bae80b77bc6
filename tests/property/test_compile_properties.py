"""Properties of compilation over generated files."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jettison.errors import FrontendError
from jettison.frontend.base import CompileRequest, LocalContext
from jettison.frontend.dockerfile.compile import compile as compile_dockerfile
from jettison.oci.config import ContainerConfig, ImageConfig, RootFS
from jettison.oci.digest import sha256_digest
from jettison.oci.platform import parse_platform
from jettison.plan.graph import Plan

AMD64 = parse_platform("linux/amd64")
PROFILE = settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))

NAMES = st.sampled_from(["a", "b", "C", "scratch", "ctx", "alpine", "0", "1", "7", "$V", "${V:-a}"])
WORDS = st.text(alphabet="ab/.*$V{}:-\"'\\ =<", max_size=12)
LINES = st.one_of(
    st.builds("FROM {} AS {}".format, NAMES, st.sampled_from("abc")),
    st.builds("FROM {}".format, NAMES),
    st.builds("COPY --from={} {} /x/".format, NAMES, WORDS),
    st.builds("COPY {} {}".format, WORDS, WORDS),
    st.builds("ADD --chmod={} {} {}".format, WORDS, WORDS, WORDS),
    st.builds("RUN --mount=type=bind,from={},target={} x".format, NAMES, WORDS),
    st.builds("RUN --mount={} x {}".format, WORDS, WORDS),
    st.builds("RUN <<EOF\n{}\nEOF".format, WORDS),
    st.builds("{} V={}".format, st.sampled_from(["ARG", "ENV", "LABEL"]), WORDS),
    st.builds(
        "{} {}".format,
        st.sampled_from(
            ["WORKDIR", "USER", "EXPOSE", "VOLUME", "STOPSIGNAL", "CMD", "ENTRYPOINT", "SHELL"]
        ),
        WORDS,
    ),
    st.builds("ONBUILD RUN {}".format, WORDS),
    st.builds("ONBUILD COPY --from={} / /".format, NAMES),
)
FILES = st.lists(LINES, max_size=14).map(lambda lines: "\n".join(["FROM alpine", *lines]))


def compiled(text: str, target: str = "") -> Plan | str:
    """Compile with invented images; an error is its message."""
    request = CompileRequest(
        text=text.encode(),
        platform=AMD64,
        build_platform=AMD64,
        target=target,
        contexts={"ctx": LocalContext(), "b": LocalContext()},
    )
    known: dict = {}
    try:
        while not isinstance(answer := compile_dockerfile(request, known), Plan):
            assert not known.keys() & set(answer.requests)
            assert len(answer.spans) == len(answer.requests)
            for each in answer.requests:
                layer = sha256_digest(each.reference.encode())
                config = ContainerConfig(on_build=("RUN trigger",), env=("PATH=/p", "EMPTY"))
                known[each] = ImageConfig("amd64", "linux", RootFS("layers", (layer,)), config)
    except FrontendError as error:
        return error.message
    return answer


@PROFILE
@given(FILES)
def test_a_file_gives_a_plan_or_an_error_about_the_file(text):
    plan = compiled(text)
    if isinstance(plan, str):
        return
    seen = set()
    for vertex in plan.vertices:
        assert seen.issuperset(vertex.needs)
        assert len(vertex.inputs) == len(set(vertex.inputs))
        seen.add(vertex.digest)
    assert plan.target is None or plan.target in seen
    made = [step.vertex for step in plan.image.history if step.vertex is not None]
    assert seen.issuperset(made)
    assert seen.issuperset(stage.result for stage in plan.stages if stage.result is not None)
    for vertex in plan.vertices:
        assert vertex.stage < 0 or plan.stages[vertex.stage].needed


@PROFILE
@given(FILES)
def test_equal_arguments_give_equal_plans(text):
    assert compiled(text) == compiled(text)


@PROFILE
@given(FILES, FILES)
def test_a_stage_that_the_target_does_not_need_changes_nothing(text, other):
    plan = compiled(text + "\nFROM alpine AS goal\nRUN end", target="goal")
    after = other.replace("AS ", "AS z").replace("ONBUILD", "#")
    both = compiled(text + "\nFROM alpine AS goal\nRUN end\n" + after, target="goal")
    if isinstance(plan, Plan) and isinstance(both, Plan):
        assert both.target == plan.target
