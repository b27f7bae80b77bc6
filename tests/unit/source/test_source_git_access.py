"""Remotes of git, and who gets their credentials."""

from __future__ import annotations

import base64

import pytest

from jettison.errors import ContextError
from jettison.oci.url import Url
from jettison.source.git_access import GitRemote, basic, git_remote, moved, secret_header


def with_secrets(**secrets: bytes):
    named = {name.replace("__", "."): value for name, value in secrets.items()}
    return named.get


@pytest.mark.parametrize(
    ("text", "remote"),
    [
        ("https://h/x.git", "https://h/x.git"),
        ("ssh://me:pw@h:22/x", "ssh://me@h:22/x"),
        ("git://me:pw@h/x", "git://h/x"),
        ("git@h:x/y.git", "git@h:x/y.git"),
    ],
)
def test_a_remote_has_no_credentials_in_it(text, remote):
    assert git_remote(text) == GitRemote(remote)


@pytest.mark.parametrize(
    ("text", "pair", "secrets"),
    [
        ("https://me:p%40w@h:444/x", "me:p@w", ("p@w",)),
        ("http://0123456789abcdef@h/x", "0123456789abcdef:", ("0123456789abcdef",)),
    ],
)
def test_a_user_in_the_url_is_a_header_for_its_origin(text, pair, secrets):
    remote = git_remote(text)
    ((origin, header),) = remote.headers
    assert base64.b64decode(header.removeprefix("Basic ")).decode() == pair
    assert "@" not in origin + remote.text
    assert remote.secrets == (*secrets, header.removeprefix("Basic "))
    assert pair.split(":")[1] not in repr(remote) or not pair.split(":")[1]


@pytest.mark.parametrize(
    "text",
    ["/x", "file:///x", "ext::sh -c id", "-u", "https://-h/x", "git@-h:x", "https://h/a b",
     "https://h/a\nb", "git@h://x", "", "ftp://u:pw@h/x", "https://" + "h" * 10_000],
)  # fmt: skip
def test_what_is_no_remote_is_an_error_without_credentials(text):
    with pytest.raises(ContextError) as caught:
        git_remote(text)
    assert "is no git remote" in caught.value.message
    assert "pw" not in caught.value.message


def test_paths_of_this_host_are_remotes_only_where_that_is_allowed():
    assert git_remote("/x", allow_files=True) == GitRemote("/x")
    assert git_remote("file:///x", allow_files=True) == GitRemote("file:///x")


def test_a_secret_token_opens_a_remote_without_a_user():
    remote = git_remote("https://h/x", with_secrets(GIT_AUTH_TOKEN=b"T\n"))
    assert remote.headers == (("https://h", basic("x-access-token", "T")),)
    assert "T" in remote.secrets
    own = git_remote("https://me:pw@h/x", with_secrets(GIT_AUTH_TOKEN=b"T"))
    assert own.headers == (("https://h", basic("me", "pw")),)


def test_the_nearest_secret_counts():
    url = Url.parse("https://h:444/x")
    given = {"A": b"all", "A.h": b"host", "A.h:444": b"port", "B.h:444": b"token"}

    def found(*names: str):
        return secret_header(url, "A", "B", {n: given[n] for n in names}.get, separator=".")

    assert found("A", "A.h", "A.h:444", "B.h:444") == ("A.h:444", "port")
    assert found("A", "A.h", "B.h:444") == ("A.h", "host")
    assert found("A", "B.h:444") == ("A", "all")
    assert found("B.h:444") == ("B.h:444", "token")
    assert found() is None


@pytest.mark.parametrize("value", [b"", b" \n", b"a\nb", b"\xff", b"a\x00b"])
def test_a_secret_that_no_header_can_hold_is_an_error(value):
    with pytest.raises(ContextError) as caught:
        git_remote("https://h/x", with_secrets(GIT_AUTH_HEADER__h=value))
    assert caught.value.message == (
        "the secret `GIT_AUTH_HEADER.h` cannot be sent: it is no line of ASCII"
    )


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_remote_that_moved_to_another_origin_loses_its_credentials(server, elsewhere):
    probe = "/info/refs?service=git-upload-pack"
    host = server.url.replace("127.0.0.1", "localhost") if elsewhere else server.url
    server.give(f"/old.git{probe}", b"", 301, Location=f"{host}/new.git{probe}")
    server.give(f"/new.git{probe}", b"refs")
    remote = GitRemote(f"{server.url}/old.git", ((server.url, "Basic x"),), ("x",))
    found = moved(remote, {"no_proxy": "*"})
    assert found == GitRemote(f"{host}/new.git", () if elsewhere else remote.headers, ("x",))
    sent = [headers.get("authorization") for _, headers in server.asked]
    assert sent == ["Basic x", None if elsewhere else "Basic x"]


def test_a_remote_that_moved_to_no_repository_stays(server):
    server.give("/a.git/info/refs?service=git-upload-pack", b"", 302, Location="/login")
    server.give("/login", b"")
    remote = GitRemote(f"{server.url}/a.git")
    assert moved(remote, {"no_proxy": "*"}) == remote
