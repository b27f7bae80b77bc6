"""Challenges answered: passwords, tokens, and token servers that are not to be trusted."""

from __future__ import annotations

import urllib.parse

import pytest

from jettison.errors import AuthenticationError, RegistryError
from jettison.registry.auth import Authorizer, doing
from jettison.registry.credentials import Credentials
from jettison.registry.endpoint import RegistryHosts

SCOPES = ("repository:a/b:pull",)
ORIGIN = "https://r.example"


@pytest.fixture
def answered(registry, transport):
    """Answer a challenge; return what the next request is authorised with."""

    def answer(
        challenge: str, credentials: Credentials | None = None, clock=lambda: 0.0
    ) -> Authorizer:
        authorizer = Authorizer(transport, lambda _: credentials, (), clock)
        endpoint = RegistryHosts().endpoint(registry.host)
        authorizer.answer(endpoint, ORIGIN, SCOPES, [challenge.replace("HOST", registry.host)])
        return authorizer

    return answer


BEARER = 'Bearer realm="http://HOST/token?x=1",service="s&t"'


def test_a_password_counts_for_the_whole_origin(answered):
    authorizer = answered("Basic realm=x", Credentials("me", "s:cret"))
    assert authorizer.header(ORIGIN, SCOPES) == "Basic bWU6czpjcmV0"
    assert authorizer.header(ORIGIN, ()) == "Basic bWU6czpjcmV0"
    assert authorizer.header("https://other.example", SCOPES) == ""
    authorizer.forget(ORIGIN, SCOPES)
    assert authorizer.header(ORIGIN, SCOPES) == ""


def test_a_token_is_asked_for_by_scope_and_account(registry, answered):
    credentials = Credentials("me", "secret")
    query = urllib.parse.urlencode([("service", "s&t"), ("scope", SCOPES[0]), ("account", "me")])
    registry.give(f"GET /token?x=1&{query}", body=b'{"token":"T"}')
    authorizer = answered(BEARER, credentials)
    assert authorizer.header(ORIGIN, SCOPES) == "Bearer T"
    assert authorizer.header(ORIGIN, ("repository:c:pull",)) == ""
    assert registry.asked[0].headers["authorization"] == "Basic bWU6c2VjcmV0"


def test_a_token_is_forgotten_before_it_ends(registry, answered):
    now = [0.0]
    query = urllib.parse.urlencode([("service", "s&t"), ("scope", SCOPES[0])])
    registry.give(f"GET /token?x=1&{query}", body=b'{"access_token":"T","expires_in":100}')
    authorizer = answered(BEARER, clock=lambda: now[0])
    now[0] = 89.0
    assert authorizer.header(ORIGIN, SCOPES) == "Bearer T"
    now[0] = 91.0
    assert authorizer.header(ORIGIN, SCOPES) == ""


def test_an_identity_token_buys_access(registry, answered):
    registry.give("POST /token?x=1", body=b'{"access_token":"T"}')
    authorizer = answered(BEARER, Credentials(identity_token="I D"))
    assert authorizer.header(ORIGIN, SCOPES) == "Bearer T"
    assert dict(urllib.parse.parse_qsl(registry.asked[0].body.decode())) == {
        "service": "s&t",
        "grant_type": "refresh_token",
        "refresh_token": "I D",
        "client_id": "jettison",
        "scope": SCOPES[0],
    }
    assert "authorization" not in registry.asked[0].headers


@pytest.mark.parametrize("challenge", [BEARER, "Basic realm=x"])
def test_a_registry_token_is_sent_as_it_is(registry, answered, challenge):
    authorizer = answered(challenge, Credentials(registry_token="R"))
    assert authorizer.header(ORIGIN, SCOPES) == "Bearer R"
    assert registry.asked == []


@pytest.mark.parametrize("challenge", ["Basic realm=x", "Negotiate", ""])
def test_without_credentials_that_fit_one_has_to_log_in(registry, answered, challenge):
    with pytest.raises(AuthenticationError) as caught:
        answered(challenge)
    assert caught.value.hint == f"run `jettison login {registry.host}`"


@pytest.mark.parametrize(
    ("realm", "message"),
    [
        ("", "names a token server that cannot be asked"),
        ("ftp://h/", "names a token server that cannot be asked"),
        ("http://token.example/", "names a token server that is not safe to ask"),
    ],
)
def test_credentials_go_to_no_unsafe_token_server(registry, answered, realm, message):
    with pytest.raises(AuthenticationError) as caught:
        answered(f'Bearer realm="{realm}"', Credentials("me", "secret"))
    assert f"registry `{registry.host}` {message}" in caught.value.message
    assert "secret" not in f"{caught.value.message}{caught.value.hint}"


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"token":""}', b'{"token":"a\\nb"}', b'{"token":1}', b"[" * 100_000],
    ids=["empty", "none", "blank", "line", "number", "deep"],
)  # fmt: skip
def test_an_answer_without_a_usable_token_is_an_error(registry, answered, body):
    query = urllib.parse.urlencode([("service", "s&t"), ("scope", SCOPES[0])])
    registry.give(f"GET /token?x=1&{query}", body=body)
    with pytest.raises(RegistryError) as caught:
        answered(BEARER)
    assert caught.value.message == f"the token server of `{registry.host}` gives no token"


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_token_server_that_refuses_does_not_make_us_show_the_secret(registry, answered, status):
    query = urllib.parse.urlencode([("service", "s&t"), ("scope", SCOPES[0]), ("account", "me")])
    said = b'{"errors":[{"message":"Basic bWU6c2VjcmV0 is wrong"}]}'
    registry.give(f"GET /token?x=1&{query}", status, said)
    with pytest.raises(AuthenticationError) as caught:
        answered(BEARER, Credentials("me", "secret"))
    assert "bWU6c2VjcmV0" not in caught.value.message
    assert "pull `a/b`" in caught.value.message


@pytest.mark.parametrize(
    ("scopes", "text"),
    [
        ((), "talk to it"),
        (("repository:a/b:pull",), "pull `a/b`"),
        (("repository:a/b:pull,push", "repository:c:pull"), "push to `a/b`"),
        (("odd",), "pull ``"),
    ],
)
def test_messages_say_what_was_tried(scopes, text):
    assert doing(scopes) == text


def test_scopes_of_a_challenge_are_asked_for_beside_ours(registry, answered):
    """A proxy of a registry may know the repository under another name."""
    scopes = "repository:a/b:pull,push repository:proxied/a/b:pull"
    query = urllib.parse.urlencode(
        [("service", "s&t"), ("scope", SCOPES[0]), ("scope", "repository:proxied/a/b:pull")]
    )
    registry.give(f"GET /token?x=1&{query}", body=b'{"token":"T"}')
    authorizer = answered(f'{BEARER},scope="{scopes}"')
    assert authorizer.header(ORIGIN, SCOPES) == "Bearer T"
