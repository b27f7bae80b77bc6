"""What a worker tells arrives as it was."""

from __future__ import annotations

import socket
import struct
import threading

import pytest

from jettison import errors
from jettison.api.request import BuildRequest, BuildResult
from jettison.api.session import NamespaceRequired
from jettison.container.request import RunRequest
from jettison.events import Outcome, VertexEnded, VertexLog
from jettison.exporter.outputs import OciOutput, TarOutput
from jettison.oci.digest import Digest
from jettison.python.channel import Channel
from jettison.python.job import Done, Failed, Job, Reply
from jettison.settings import Settings

MESSAGES = [
    Done(BuildResult(image_id=Digest("sha256:" + "0" * 64), tags=("a",), executed=1)),
    Done(exit_code=3),
    VertexEnded(1, "v", "RUN x", Outcome.DONE),
    VertexLog(1, "v", 1, b"\xff\0"),
    Failed("ExecError", "no", facts={"exit_code": 3, "log_tail": "x"}),
]


def carried(message: object, kind: object) -> object:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        sender = threading.Thread(target=lambda: Channel(ours).send(message))
        sender.start()
        received = next(Channel(theirs).receive(kind))
        sender.join()
    return received


@pytest.mark.parametrize("message", MESSAGES, ids=lambda each: type(each).__name__)
def test_a_message_arrives(message: object) -> None:
    assert carried(message, Reply) == message


def test_a_job_arrives() -> None:
    outputs = (OciOutput("a", names=("b",)), TarOutput("-"))
    build = BuildRequest(context="-", stdin=b"\xff", allow=frozenset({"device"}), outputs=outputs)
    job = Job(Settings(jobs=2), build=build, run=RunRequest("a"), streams=(3, 4, 5))
    assert carried(job, Job) == job


def every_error() -> list[errors.JettisonError]:
    kinds = [errors.JettisonError]
    for kind in kinds:
        kinds += [each for each in kind.__subclasses__() if each.__module__ == errors.__name__]
    found: list[errors.JettisonError] = []
    for kind in kinds:
        facts = {"exit_code": 7} if kind is errors.ExecError else {}
        error = kind("what", hint="do", span=errors.Span(1, 2, 3, 4), **facts)
        error.source = ("Dockerfile", "FROM a\n")
        error.add_note("also")
        found.append(error)
    return found


@pytest.mark.parametrize("error", every_error(), ids=lambda each: type(each).__name__)
def test_every_error_arrives_with_all_it_says(error: errors.JettisonError) -> None:
    message = carried(Failed.of(error), Reply)
    assert isinstance(message, Failed)
    again = message.error()
    assert type(again) is type(error)
    assert vars(again) == vars(error)
    assert again.args == error.args


def test_an_error_that_is_not_public_arrives_as_what_it_is_a_kind_of() -> None:
    again = Failed.of(NamespaceRequired("no")).error()
    assert type(again) is errors.JettisonError
    assert again.message == "no"


def test_text_that_is_no_utf_8_is_refused_by_name() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(errors.UsageError, match="is not UTF-8"):
        Channel(ours).send(Job(Settings(), build=BuildRequest(context="a\udcff")))


@pytest.mark.parametrize(
    "data",
    [struct.pack("!I", 1 << 31), struct.pack("!I", 3) + b"abc", struct.pack("!I", 1) + b"\xc1"],
    ids=["long", "wrong", "none"],
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(data)
        with pytest.raises(errors.InternalError, match="a worker sent"):
            next(Channel(theirs).receive(Reply))


@pytest.mark.parametrize("data", [b"", b"\0\0", struct.pack("!I", 3) + b"a"])
def test_a_broken_off_message_is_none(data: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(data)
        ours.shutdown(socket.SHUT_WR)
        received = Channel(theirs).receive(Reply)
        if len(data) > 4:
            with pytest.raises(errors.InternalError):
                next(received)
        else:
            assert list(received) == []
