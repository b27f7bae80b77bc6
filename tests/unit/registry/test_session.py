"""Requests with the authorisation that they need, and to nobody else."""

from __future__ import annotations

import threading

import pytest

from jettison.errors import AuthenticationError, RegistryError, RegistryUnavailableError
from jettison.oci.url import Url
from jettison.registry.credentials import Credentials
from jettison.registry.endpoint import Endpoint, RegistryHosts
from jettison.registry.session import RegistrySession
from server_rig import serving

PATH = "GET /v2/a/tags/list"


@pytest.fixture
def session(transport):
    return RegistrySession(transport, lambda _: Credentials("me", "secret"))


@pytest.fixture
def endpoint(registry) -> Endpoint:
    return RegistryHosts().endpoint(registry.host)


def asked(session, endpoint, expected=(200,)) -> int:
    url = session.url(endpoint, "a/tags/list")
    response = session.request(endpoint, "GET", url, expected=expected)
    response.close()
    return response.status


def test_a_registry_of_this_machine_is_asked_in_http_and_probed_once(registry, session, endpoint):
    registry.give("GET /v2/", 200)
    assert str(session.url(endpoint, "a")) == f"http://{registry.host}/v2/a"
    assert str(session.url(endpoint, "b")) == f"http://{registry.host}/v2/b"
    assert registry.lines == ["GET /v2/"]


def test_others_are_asked_in_https_without_a_probe(session):
    endpoint = RegistryHosts().endpoint("r.example.org")
    assert str(session.url(endpoint, "a")) == "https://r.example.org/v2/a"


def test_a_server_that_nobody_is_at_is_told(session, transport):
    with pytest.raises(RegistryUnavailableError, match=r"127\.0\.0\.1:1"):
        session.url(RegistryHosts().endpoint("127.0.0.1:1"), "a")


def test_credentials_are_sent_when_they_are_asked_for(registry, session, endpoint):
    registry.give(PATH, 401, WWW_Authenticate="Basic realm=x")
    registry.give(PATH, 200)
    assert asked(session, endpoint) == 200
    assert asked(session, endpoint) == 200
    sent = [each.headers.get("authorization") for each in registry.asked if each.line == PATH]
    assert sent == [None, "Basic bWU6c2VjcmV0", "Basic bWU6c2VjcmV0"]


def test_credentials_that_are_refused_are_tried_once(registry, session, endpoint):
    registry.give(PATH, 401, WWW_Authenticate="Basic realm=x")
    with pytest.raises(AuthenticationError):
        asked(session, endpoint)
    assert registry.lines.count(PATH) == 2


def test_statuses_that_are_expected_are_answers(registry, session, endpoint):
    registry.give(PATH, 404)
    assert asked(session, endpoint, expected=(200, 404)) == 404
    with pytest.raises(RegistryError) as caught:
        asked(session, endpoint)
    assert caught.value.status == 404


def test_another_origin_gets_no_credentials_and_none_for_a_401(registry, session, transport):
    endpoint = Endpoint(host="r.example.org", repository="a", registry="r.example.org")
    registry.give("GET /elsewhere", 401, WWW_Authenticate="Basic realm=x")
    insecure = RegistrySession(
        transport, lambda _: Credentials("me", "secret"), insecure=[registry.host]
    )
    url = Url.parse(f"http://{registry.host}/elsewhere")
    with pytest.raises(AuthenticationError):
        insecure.request(endpoint, "GET", url, expected={200})
    assert [each.headers.get("authorization") for each in registry.asked] == [None]
    with pytest.raises(RegistryError, match="sends on from https to http"):
        session.request(endpoint, "GET", url, expected={200})
    assert len(registry.asked) == 1


def test_a_token_that_ended_is_replaced_once_for_all_who_were_refused(registry, session, endpoint):
    barrier = threading.Barrier(4, timeout=20)
    inner = registry.respond

    def respond(handler) -> None:
        if handler.headers.get("Authorization") == "Bearer old":
            barrier.wait()
        inner(handler)

    registry.respond = respond
    token = "GET /token?scope=repository%3Aa%3Apull&account=me"
    challenge = f'Bearer realm="http://{registry.host}/token"'
    registry.give(token, body=b'{"token":"old"}')
    registry.give(token, body=b'{"token":"new"}')
    registry.give(PATH, 401, WWW_Authenticate=challenge)
    registry.give(PATH, 200)
    scopes = ("repository:a:pull",)
    url = session.url(endpoint, "a/tags/list")

    def ask() -> None:
        session.request(endpoint, "GET", url, scopes=scopes, expected={200}).close()

    ask()
    registry.answers[PATH] = [(401, {"WWW-Authenticate": challenge}, b"")] * 4
    registry.give(PATH, 200)
    threads = [threading.Thread(target=ask) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert registry.lines.count(token) == 2
    sent = [each.headers.get("authorization") for each in registry.asked if each.line == PATH]
    assert sent[-4:] == ["Bearer new"] * 4


def test_who_challenges_after_a_redirect_gets_no_credentials_of_the_registry(
    registry, session, endpoint
):
    """Whoever holds the storage could ask for the registry's password otherwise."""
    collector = []
    with serving(lambda handler: _collect(handler, collector)) as elsewhere:
        registry.give(PATH, 307, Location=f"http://{elsewhere}/blob")
        with pytest.raises(RegistryUnavailableError, match="to which registry") as raised:
            asked(session, endpoint)
    assert raised.value.status == 401
    assert elsewhere in raised.value.message
    assert [headers.get("Authorization") for headers in collector] == [None]


def _collect(handler, collector: list) -> None:
    collector.append(handler.headers)
    handler.send_response(401)
    handler.send_header("WWW-Authenticate", f'Bearer realm="http://{handler.headers["Host"]}/t"')
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def test_what_the_registry_said_and_asks_to_wait_is_told(registry, session, endpoint):
    body = b'{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}'
    registry.give(PATH, 429, body, Retry_After="86400")
    with pytest.raises(RegistryError, match="TOOMANYREQUESTS: slow down") as raised:
        asked(session, endpoint)
    assert raised.value.wait_seconds == 86400
    assert raised.value.hint.startswith("wait 86400 seconds, or")
