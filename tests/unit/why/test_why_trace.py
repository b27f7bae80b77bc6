"""Traces: what is in them, and that they come back as they were."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path

import msgspec

from jettison.why import trace as module
from jettison.why.trace import Mask, decode, encode
from why_simulation import KEY, Simulation

TEXT = """ARG VERSION=1
FROM scratch AS base
ENV MODE=fast API_TOKEN=hunter2
FROM base AS build
ARG VERSION
WORKDIR /src
COPY a$VERSION .
RUN <<end
make
end
FROM build AS same
FROM scratch
WORKDIR /
COPY --from=same /out /
ADD https://me:hunter3@example.com/x.git /git
"""


def test_a_trace_has_instructions_variables_and_what_became_of_them(tmp_path: Path) -> None:
    simulation = Simulation(tmp_path)
    simulation.write({"a1": "1"})
    simulation.build(TEXT.rpartition("ADD")[0])
    trace = simulation.builds[0].trace
    header, base, build, same, last = trace.stages
    assert header.instructions[0].sets == {"VERSION": "1"}
    hidden = Mask(lambda: KEY).shown("API_TOKEN", "hunter2")
    assert base.instructions[1].sets == {"MODE": "fast", "API_TOKEN": hidden}
    kinds = [(each.kind, each.line, bool(each.vertex)) for each in build.instructions]
    assert kinds == [
        ("FROM", 4, False),
        ("ARG", 5, False),
        ("WORKDIR", 6, True),
        ("COPY", 7, True),
        ("RUN", 8, True),
    ]
    assert build.instructions[3].uses == {"VERSION": "1"}
    assert build.instructions[4].text == "RUN <<end\nmake\n"
    assert same.base == same.result == build.result
    assert [bool(each.vertex) for each in last.instructions] == [False, False, True]
    steps = trace.by_vertex()
    assert {steps[each.vertex].outcome for each in build.instructions[2:]} == {"ran"}
    assert steps[build.result].key
    assert [label for label, _ in steps[build.result].components] == ["base"]


def test_a_trace_comes_back_as_it_was_and_others_are_refused(tmp_path: Path) -> None:
    simulation = Simulation(tmp_path)
    simulation.write({"a1": "1"})
    simulation.build(TEXT.rpartition("ADD")[0])
    trace = simulation.builds[0].trace
    data = encode(trace)
    assert data is not None
    assert decode(data) == trace
    assert len(data) < 4000
    for damaged in (b"", b"0" + data[1:], data[:20], data[:1] + b"x" * 40):
        assert decode(damaged) is None


def test_a_trace_that_is_too_large_or_no_text_is_not_kept(tmp_path: Path, monkeypatch) -> None:
    simulation = Simulation(tmp_path)
    simulation.build("FROM scratch\nRUN x\n")
    trace = simulation.builds[0].trace
    assert encode(msgspec.structs.replace(trace, target="\udcff")) is None
    monkeypatch.setattr(module, "_MAX_BYTES", 100)
    assert encode(trace) is None


def test_values_of_what_looks_like_a_secret_are_digests_that_nobody_else_can_make() -> None:
    values = {"PASSWORD": "hunter2", "MODE": "fast", "EMPTY": None, "TOKEN": "hunter2"}
    found = Mask(lambda: KEY).all(values)
    assert (found["MODE"], found["EMPTY"]) == ("fast", "")
    assert found["PASSWORD"] == found["TOKEN"]  # what is equal stays so
    assert "hunter2" not in str(found)
    for plain in (hashlib.sha256, hashlib.blake2b, partial(hashlib.blake2b, digest_size=32)):
        assert plain(b"hunter2").hexdigest() not in str(found)
    assert Mask(lambda: b"another key").all(values)["PASSWORD"] != found["PASSWORD"]


def test_no_key_is_made_where_nothing_is_hidden() -> None:
    def find_key() -> bytes:
        raise AssertionError

    assert Mask(find_key).all({"MODE": "fast"}) == {"MODE": "fast"}
