"""The wire format between builder and helper, by messages and bytes of all kinds."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jettison.errors import SandboxUnavailableError
from jettison.linux.namespace import NEWNS, NEWPID
from jettison.sandbox import wire
from jettison.sandbox.helper import client
from jettison.sandbox.wire_codec import KINDS, MAGIC, Message, WireError, decode, encode

NUMBERS = st.integers(-(1 << 63), (1 << 63) - 1)
PLAIN = {
    "int": NUMBERS,
    "bool": st.booleans(),
    "bytes": st.binary(max_size=9),
    "str": st.text(st.characters(exclude_categories=()), max_size=9),
}
WRONG = st.one_of(
    *[NUMBERS, st.booleans(), st.binary(max_size=3), st.text(max_size=3), st.floats(), st.none()],
    *[st.lists(st.none(), max_size=2), st.just(1 << 80), st.just(wire.Exited(code=1)), st.just({})],
)


def of(declared: str) -> st.SearchStrategy[object]:
    """Return values of an annotation."""
    if declared in PLAIN:
        return PLAIN[declared]
    if declared.endswith(" | None"):
        return st.none() | of(declared.removesuffix(" | None"))
    if declared.startswith("list["):
        return st.lists(of(declared[5:-1]), max_size=3)
    return st.one_of(*map(message, map(vars(wire).__getitem__, declared.split(" | "))))


def message(kind: type[Message]) -> st.SearchStrategy[Message]:
    """Return messages of a class."""
    return st.builds(kind, **{name: of(each) for name, each in kind.__annotations__.items()})


def attempt(do, value) -> tuple[object, str]:
    """Return what comes of a value, and what the error says if there is one."""
    try:
        return do(value), ""
    except WireError as error:
        return None, str(error)


MESSAGES = st.sampled_from(KINDS).flatmap(message)


@given(MESSAGES)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_message_comes_out_as_it_went_in(sent: Message) -> None:
    assert decode(encode(sent)) == sent


@given(MESSAGES, st.data())
@settings(max_examples=66, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_cut_off_or_goes_on_is_refused(sent: Message, data: st.DataObject) -> None:
    encoded = encode(sent)
    end = data.draw(st.integers(0, len(encoded) - 1))
    for wrong in (encoded[:end], encoded + encoded[end:]):
        with pytest.raises(WireError):
            decode(wrong)


@given(MESSAGES, st.data())
@settings(max_examples=166, deadline=1000, suppress_health_check=[HealthCheck.too_slow])
def test_changed_bytes_are_refused_or_are_another_message(
    sent: Message, data: st.DataObject
) -> None:
    changed = bytearray(encode(sent))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(changed) - 1))
        changed[at : at + data.draw(st.integers(0, 5))] = data.draw(st.binary(max_size=5))
        if not changed:
            break
    received, problem = attempt(decode, bytes(changed))
    assert (received is None and 0 < len(problem) < 1000) or encode(received) == bytes(changed)


@given(st.binary(max_size=200), st.booleans())
@settings(max_examples=100, deadline=1000)
def test_bytes_of_all_kinds_are_refused(noise: bytes, begins: bool) -> None:
    start = encode(wire.Exited(code=0))[: len(MAGIC) + 2] if begins else b""
    received, problem = attempt(decode, start + noise)
    assert (received is None and problem) or encode(received) == start + noise


@given(MESSAGES.filter(lambda each: bool(each.__slots__)), st.data())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_field_of_another_type_is_refused(sent: Message, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(sent.__annotations__)))
    wrong = data.draw(WRONG)
    setattr(sent, name, wrong)
    encoded, problem = attempt(encode, sent)
    if encoded is None:
        assert f"`{type(sent).__name__}.{name}`" in problem
    else:  # it was no other type
        assert getattr(decode(encoded), name) == wrong


@pytest.fixture(scope="module")
def helper() -> Iterator[client.Helper]:
    helper = client.Helper()
    yield helper
    helper.close()


def deliver(helper: client.Helper, start: bytes, spec: bytes) -> client.RunningContainer:
    """Have the helper start what bytes say."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(60)
    null, file = os.open(os.devnull, os.O_RDWR), os.memfd_create("spec")
    try:
        os.write(file, spec)
        with helper._lock:
            helper._send(start, [null, null, null, theirs.fileno(), file])
    finally:
        for descriptor in (null, file):
            os.close(descriptor)
        theirs.close()
    return client.RunningContainer(ours, helper)


GOOD_START = encode(wire.Start(namespaces=NEWNS | NEWPID, supervised=False))
NOTHING = encode(wire.Network(command=[b"/nothing"], shown_at=b"/nothing", tells=False))


@pytest.mark.needs_root
@pytest.mark.parametrize(
    ("start", "spec", "problem"),
    [
        (b"2 0", NOTHING, "read what to start: no message"),
        (GOOD_START[:-1], NOTHING, "read what to start: `Start.supervised`"),
        (NOTHING, NOTHING, "read what to start: a `Network` is nothing to start"),
        (GOOD_START, b"", "read what to run: no message"),
        (GOOD_START, NOTHING[:-1], "read what to run: `Network.tells`"),
        (GOOD_START, GOOD_START, "read what to run: a `Start` is nothing to run"),
        (GOOD_START, MAGIC + b"\xff\xff" + NOTHING[len(MAGIC) + 2 :], "of version 65535, where"),
    ],
    ids=["old", "cut", "other", "empty", "cut-spec", "other-spec", "version"],
)
def test_the_helper_refuses_it_and_goes_on(
    helper: client.Helper, start: bytes, spec: bytes, problem: str
) -> None:
    with pytest.raises(SandboxUnavailableError) as raised:
        deliver(helper, start, spec).wait()
    assert problem in str(raised.value)
    with pytest.raises(SandboxUnavailableError, match="connect the network: mount: No such file"):
        deliver(helper, GOOD_START, NOTHING).wait()


@pytest.mark.parametrize(
    "said", [b"exit", encode(wire.Signal(number=9)), NOTHING[:-1]], ids=["old", "other", "cut"]
)
def test_the_builder_refuses_what_a_container_does_not_say(
    helper: client.Helper, said: bytes
) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    theirs.send(said)
    container = client.RunningContainer(ours, helper)
    with pytest.raises(SandboxUnavailableError, match="does not speak as this builder does"):
        container.wait()
    container.close()
    theirs.close()


def test_what_a_container_said_is_read_although_it_left_a_signal_unread(
    helper: client.Helper,
) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    container = client.RunningContainer(ours, helper)
    theirs.send(encode(wire.Exited(code=3)))
    container.signal(15)
    theirs.close()
    assert container.wait() == 3
