"""Queries of names, and a name server in another network."""

from __future__ import annotations

import pytest

from jettison.container.relay import Relay, query_for, socket_in
from jettison.errors import HostError


def test_a_query_is_a_message_with_one_question():
    query = query_for("a.example.org")
    flags, counts, question = query[2:4], query[4:12], query[12:]
    assert flags == b"\x01\x00"  # recursion is desired
    assert counts == b"\0\1" + b"\0" * 6
    assert question == b"\x01a\x07example\x03org\0" + b"\0\1\0\1"
    assert len({query_for("a")[:2] for _ in range(20)}) > 1


def test_a_namespace_that_is_not_there_is_told(tmp_path):
    with pytest.raises(HostError) as caught:
        Relay(f"{tmp_path}/missing", ["192.0.2.1"])
    assert caught.value.message == (
        "cannot pass on names to the container: No such file or directory"
    )


def test_what_is_no_network_cannot_be_entered(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(
        HostError, match="cannot pass on names to the container: setns: Invalid argument"
    ):
        socket_in(f"{tmp_path}/file", 1, ("127.0.0.1", 0))
