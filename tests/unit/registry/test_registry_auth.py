"""Challenges, refusals and what must not be in messages."""

from __future__ import annotations

import pytest

from jettison.errors import AuthenticationError, RegistryError, RegistryUnavailableError
from jettison.oci.url import Url
from jettison.registry.error import refusal
from jettison.registry.headers import Challenge, parse_challenges
from jettison.registry.transport import Transport


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('Basic realm="x"', [Challenge("basic", {"realm": "x"})]),
        (
            'Bearer realm="https://a/t?x=1,2",service="s", scope="repository:a/b:pull,push"',
            [
                Challenge(
                    "bearer",
                    {
                        "realm": "https://a/t?x=1,2",
                        "service": "s",
                        "scope": "repository:a/b:pull,push",
                    },
                )
            ],
        ),
        (
            'bearer Realm = "a\\"b" , Basic realm=plain',
            [Challenge("bearer", {"realm": 'a"b'}), Challenge("basic", {"realm": "plain"})],
        ),
        (
            "Negotiate, Basic realm=x",
            [Challenge("negotiate", {}), Challenge("basic", {"realm": "x"})],
        ),
        ("Negotiate", [Challenge("negotiate", {})]),
        ("", []),
        ('realm="lost"', []),
        ("===", []),
    ],
)
def test_challenges_are_read(text, expected):
    assert parse_challenges([text]) == expected


def test_long_hostile_challenges_take_no_time():
    assert parse_challenges(['Bearer realm="' + "\\" * 10_000])[0].parameters == {}


@pytest.mark.parametrize(
    ("status", "kind", "hint"),
    [
        (401, AuthenticationError, "run `jettison login r.example`"),
        (403, AuthenticationError, "run `jettison login r.example` as a user who may"),
        (429, RegistryError, "wait, or run `jettison login r.example` for a higher limit"),
        (500, RegistryUnavailableError, "try again later"),
        (418, RegistryError, None),
    ],
)
def test_refusals_say_what_to_do(status, kind, hint):
    error = refusal(status, b"", doing="pull `x`", registry="r.example")
    assert type(error) is kind
    assert error.hint == hint
    assert error.status == status


def test_a_limit_of_pulls_is_a_cause_that_programs_find():
    cause = refusal(429, b"", doing="pull `x`", registry="r.example").cause
    assert cause is not None
    assert cause.id == "rate-limit"
    assert cause.fix == "wait, or run `jettison login r.example` for a higher limit"
    assert refusal(403, b"", doing="pull `x`", registry="r.example").cause is None


def test_a_refusal_repeats_printable_bounded_text_only():
    body = b'{"errors":[{"code":"DENIED","message":"no\\u001b[2J' + b"x" * 5000 + b'"}]}'
    text = str(refusal(403, body, doing="pull `x`", registry="r"))
    assert "no[2Jxxx" in text
    assert len(text) < 500
    assert "\x1b" not in text


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[1]", b'{"errors":null}', b'{"errors":[1]}', b"[" * 100_000]
)
def test_bodies_of_any_form_are_survived(body):
    assert "refuses to pull" in str(refusal(404, body, doing="pull `x`", registry="r"))


@pytest.mark.parametrize("granted", ["Bearer s3cr3t-token", "Basic dXNlcjpzM2NyM3QtdG9rZW4="])
def test_a_refusal_does_not_repeat_the_credentials_that_were_sent(granted):
    body = f'{{"errors":[{{"message":"{"x" * 390} {granted} s3cr3t-token"}}]}}'.encode()
    text = str(refusal(401, body, doing="pull `x`", registry="r", granted=granted))
    assert "does not accept" in text
    for private in ("s3cr3t", "dXNlcjpz"):
        assert private not in text


def test_a_token_that_no_header_can_hold_is_not_quoted():
    url = Url.parse("http://127.0.0.1:1/v2/")
    with pytest.raises(RegistryUnavailableError) as told:
        Transport({}).send("GET", url, headers={"Authorization": "Bearer s3cr3t\nX: y"}, attempts=1)
    assert "s3cr3t" not in f"{told.value}{told.value.__cause__}"
