"""Output of a step: passed on, masked, bounded."""

from __future__ import annotations

import os
import threading
from types import SimpleNamespace

import pytest

from jettison.events import Event, VertexLog
from jettison.plan.op import ExecOp
from jettison.plan.vertex import vertex
from jettison.solver.masking import MaskingSink
from jettison.solver.ops.output import StepOutput

RUN = vertex(ExecOp(argv=("x",), env=(), cwd="/"), name="RUN x")


class Runtime:
    """What output needs of a ``Runtime``."""

    def __init__(self, *secrets: bytes, log_bytes: int = 0) -> None:
        self.events: list[Event] = []
        self.sink = MaskingSink(self.events.append, secrets)
        self.drivers = SimpleNamespace(options=SimpleNamespace(log_bytes=log_bytes))

    def log(self, of: object, stream: int, data: bytes) -> None:
        assert of is RUN
        self.sink(VertexLog(0, RUN.digest, stream, data))

    def shown(self, stream: int) -> bytes:
        return b"".join(
            e.data for e in self.events if isinstance(e, VertexLog) and e.stream == stream
        )


def written(runtime: Runtime, *pieces: tuple[int, bytes]) -> bytes:
    """Write pieces as a process would; return the end of the output."""
    output = StepOutput(runtime, RUN)  # type: ignore[arg-type]
    writers = {1: os.dup(output.stdout), 2: os.dup(output.stderr)}
    output.start(lambda: None)
    for stream, data in pieces:
        os.write(writers[stream], data)
    for writer in writers.values():
        os.close(writer)
    try:
        return output.finish()
    finally:
        output.close()


def test_both_streams_are_passed_on_whole():
    runtime = Runtime()
    tail = written(runtime, (1, b"out\xff"), (2, b"err"))
    assert (runtime.shown(1), runtime.shown(2)) == (b"out\xff", b"err")
    assert sorted(tail) == sorted(b"out\xfferr")


def test_a_secret_is_masked_also_across_writes():
    runtime = Runtime(b"s3cret-value")
    tail = written(runtime, (1, b"a s3cret-"), (1, b"value b\n"))
    assert b"s3cret-value" not in runtime.shown(1) + tail
    assert runtime.shown(1).startswith(b"a ")
    assert runtime.shown(1).endswith(b" b\n")


def test_more_than_the_limit_is_not_shown_but_the_end_is_known():
    runtime = Runtime(log_bytes=1024)
    tail = written(runtime, (1, b"x" * 2000), (1, b"\nthe end\n"))
    assert runtime.shown(1) == (
        b"x" * 1024
        + b"\n[output clipped after 1 KiB: show more with `--step-log-size`, all of it with 0]\n"
    )
    assert tail.endswith(b"xxx\nthe end\n")


@pytest.mark.parametrize(("limit", "text"), [(1000, b"1000 bytes"), (3 << 20, b"3 MiB")])
def test_limits_are_told_in_their_unit(limit, text):
    runtime = Runtime(log_bytes=limit)
    output = StepOutput(runtime, RUN)  # type: ignore[arg-type]
    writer = os.dup(output.stdout)
    output.start(lambda: None)
    data = memoryview(bytes(limit + 1))
    while data:
        data = data[os.write(writer, data) :]
    os.close(writer)
    output.finish()
    output.close()
    assert b"[output clipped after " + text + b": " in runtime.shown(1)


def test_only_the_end_of_a_long_output_is_kept():
    assert len(written(Runtime(), *[(1, bytes(60_000))] * 4)) == 1 << 16


def test_a_sink_that_fails_stops_the_process_and_its_error_is_raised():
    stopped = threading.Event()
    runtime = Runtime()

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    runtime.log = fail  # type: ignore[method-assign]
    output = StepOutput(runtime, RUN)  # type: ignore[arg-type]
    writer = os.dup(output.stdout)
    output.start(stopped.set)
    os.write(writer, b"x")
    assert stopped.wait(5)
    os.close(writer)
    with pytest.raises(ZeroDivisionError):
        output.finish()
    output.close()


def test_output_that_nobody_began_leaves_no_descriptors():
    before = set(os.listdir("/proc/self/fd"))
    output = StepOutput(Runtime(), RUN)  # type: ignore[arg-type]
    assert output.finish() == b""
    output.close()
    assert set(os.listdir("/proc/self/fd")) == before
