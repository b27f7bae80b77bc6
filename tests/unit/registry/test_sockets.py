"""Sockets that an interrupt shuts."""

from __future__ import annotations

import gc
import os
import socket
import threading

import pytest
import urllib3

from jettison.registry import sockets
from jettison.registry.sockets import Sockets
from server_rig import accepting


def test_whoever_waits_for_a_silent_server_is_woken():
    known = Sockets()
    ours, theirs = socket.socketpair()
    known.watch(ours)
    found: list[bytes] = []
    waiting = threading.Thread(target=lambda: found.append(ours.recv(1)))
    waiting.start()
    known.shut()
    waiting.join(5)
    assert found == [b""]
    assert theirs.recv(1) == b""
    ours.close()
    theirs.close()


def test_sockets_that_are_closed_or_gone_are_no_trouble():
    known = Sockets()
    ours, theirs = socket.socketpair()
    known.watch(ours)
    ours.close()
    known.watch(theirs)
    os.close(theirs.detach())
    del theirs
    gc.collect()
    with socket.socket() as unconnected:
        known.watch(unconnected)
        known.shut()
        known.shut()


def test_connections_of_a_pool_are_known():
    known = Sockets()
    begun = threading.Event()
    with accepting(
        lambda client: (client.recv(1), begun.set(), client.recv(1 << 16), client.close())
    ) as port:
        pool = urllib3.HTTPConnectionPool("127.0.0.1", port, retries=False)
        known.watch_connections(pool)
        failed: list[Exception] = []

        def ask() -> None:
            try:
                pool.urlopen("GET", "/")
            except urllib3.exceptions.HTTPError as error:
                failed.append(error)

        asking = threading.Thread(target=ask)
        asking.start()
        assert begun.wait(5)
        known.shut()
        asking.join(5)
        assert not asking.is_alive()
        pool.close()
    assert len(failed) == 1


def test_a_head_that_drips_for_too_long_is_an_error(monkeypatch):
    monkeypatch.setattr(sockets, "HEAD_SECONDS", 0.2)
    done = threading.Event()

    def drip(client: socket.socket) -> None:
        with client:
            client.sendall(b"HTTP/1.1 200 OK\r\n")
            number = 0
            try:
                while not done.wait(0.02):
                    client.sendall(b"X-%d: x\r\n" % (number % 10))
                    number += 1
            except OSError:
                return

    with accepting(drip) as port:
        pool = urllib3.HTTPConnectionPool("127.0.0.1", port, retries=False)
        Sockets().watch_connections(pool)
        try:
            with pytest.raises((urllib3.exceptions.HTTPError, TimeoutError)):
                pool.urlopen("GET", "/")
        finally:
            done.set()
            pool.close()
