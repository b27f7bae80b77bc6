"""Content that looks like a secret is found; what only resembles one is not."""

from __future__ import annotations

import random
import re
import string
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jettison.analysis.files import open_below
from jettison.analysis.secrets import content, patterns
from jettison.analysis.secrets.content import SecretFile, secret_files
from jettison.analysis.secrets.entropy import entropy
from jettison.analysis.secrets.files import find_credentials, may_hold_credentials
from jettison.analysis.secrets.patterns import find_secrets, may_have_secrets
from jettison.analysis.secrets.runs import LEAST, long_runs
from jettison.fs.listing import Listing
from unit.analysis.tree_rig import files_of

_RANDOM = random.Random(5)
_ALNUM = string.ascii_letters + string.digits


def chars(count: int, alphabet: str = _ALNUM) -> str:
    return "".join(_RANDOM.choice(alphabet) for _ in range(count))


HEX = "0123456789abcdef"
DIGITS = "987654321"
KEY = f"-----BEGIN RSA PRIVATE KEY-----\n{chars(64)}\n{chars(64)}\n-----END RSA PRIVATE KEY-----\n"
TOKENS = {
    "private key": KEY,
    "encrypted private key": KEY.replace("RSA", "ENCRYPTED"),
    "AWS secret access key": f"aws_secret_access_key = {chars(40)}",
    "AWS access key ID": "AKIA" + chars(16, string.ascii_uppercase),
    "Google API key": "AIza" + chars(35),
    "GitHub token": "ghp_" + chars(36),
    "GitLab token": "glpat-" + chars(20),
    "Slack token": f"xoxb-{chars(11, DIGITS)}-{chars(12, DIGITS)}-{chars(24)}",
    "Slack webhook": f"https://hooks.slack.com/services/T{chars(9, 'ABCDEF')}/B{chars(9, 'GHIJKL')}/{chars(24)}",
    "npm token": "npm_" + chars(36),
    "PyPI token": "pypi-AgEIcHlwaS5vcmc" + chars(80),
    "Stripe key": "sk_live_" + chars(24),
    "SendGrid key": f"SG.{chars(22)}.{chars(43)}",
    "Docker Hub token": "dckr_pat_" + chars(27),
    "Hugging Face token": "hf_" + chars(34, string.ascii_letters),
    "OpenAI key": f"sk-proj-{chars(30)}T3BlbkFJ{chars(30)}",
    "Anthropic key": f"sk-ant-api03-{chars(95)}",
    "DigitalOcean token": "dop_v1_" + chars(64, HEX),
    "Azure storage key": f"DefaultEndpointsProtocol=https;AccountKey={chars(86)}==",
    "Shopify token": "shpat_" + chars(32, HEX),
    "Vault token": "hvs." + chars(95),
    "age key": "AGE-SECRET-KEY-1" + chars(58, "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"),
    "RubyGems key": "rubygems_" + chars(48, HEX),
    "Telegram bot token": f"{chars(9, DIGITS)}:AA{chars(33)}",
}
"""Made here, so that no text of this file is one."""


def found_in(root: Path, contents: Mapping[str, bytes | str]) -> tuple[SecretFile, ...]:
    """Write files, and look for secrets in them as in those of a layer."""
    entries = files_of(root, contents).entries
    modes = [st.mode for st in entries.values()]
    sizes = [st.size for st in entries.values()]
    none = [0] * len(modes)
    return secret_files(
        Listing(list(entries), modes, none, none, sizes), partial(open_below, str(root))
    )


@pytest.mark.parametrize("what", TOKENS)
def test_each_form_is_found_in_a_file_of_the_application(tmp_path: Path, what: str) -> None:
    text = TOKENS[what]
    found = found_in(tmp_path, {"/app/settings.py": f"# one\nvalue = '{text}'\n"})
    assert [(each.path, each.what, each.line) for each in found] == [
        ("/app/settings.py", what, 3 if "private key" in what else 2)
    ]
    assert text not in repr(found)


@pytest.mark.parametrize(
    "text",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "ghp_" + "x" * 36,
        "token = '<your token here>'",
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
        'if "-----BEGIN RSA PRIVATE KEY-----" in text: # the header of a key, as OpenSSL writes it',
        "-----BEGIN PUBLIC KEY-----\n" + KEY.split("\n")[1] * 2 + "\n-----END PUBLIC KEY-----",
        "sk_test_" + TOKENS["Stripe key"][8:],
        "sha256:" + chars(64, HEX),
        "my_ghp_" + chars(36) + "_and_more",
        "AIza" + "A" * 35,
        "npm_config_registry = https://registry.example/with/a/long/path/to/it",
    ],
)
def test_what_resembles_a_secret_is_none(text: str) -> None:
    assert list(find_secrets(text.encode())) == []


def test_a_key_in_json_is_found_with_its_line_breaks_escaped() -> None:
    data = '{{"type": "service_account", "private_key": "{}"}}'.format(KEY.replace("\n", "\\n"))
    assert [each.what for each in find_secrets(data.encode())] == ["private key"]


@pytest.mark.parametrize("name", ["AWS_SECRET_ACCESS_KEY", "awsSecretAccessKey", "SECRET-KEY"])
def test_the_name_of_a_key_is_written_in_any_case(name: str) -> None:
    found = [each.what for each in find_secrets(f'{name}="{chars(40)}"'.encode())]
    assert found == (["AWS secret access key"] if "-" not in name else [])


CREDENTIALS = {
    "/app/.env": "DEBUG=1\nDB_PASSWORD='s3cr3t-Pa55'\n",
    "/app/.env.production": "export STRIPE_API_KEY=abcd1234efgh\n",
    "/srv/.env": "DATABASE_URL=postgres://app:hunt3r2@db/app\n",
    "/root/.npmrc": "//registry.example/:_authToken=0fe1c2d3-aa41-4bb2-9cc3-1d2e3f405162\n",
    "/root/.pypirc": "[pypi]\nusername = me\npassword = s3cr3t-Pa55\n",
    "/root/.netrc": "machine h.example\n  login me\n  password s3cr3t-Pa55\n",
    "/root/.git-credentials": "https://me:s3cr3t-Pa55@git.example\n",
    "/src/.git/config": '[remote "origin"]\n\turl = https://ci:s3cr3t-Pa55@git.example/x.git\n',
    "/root/.docker/config.json": '{"auths": {"r.example": {"auth": "bWU6czNjcjN0LVBhNTU="}}}',
    "/root/.aws/credentials": "[default]\naws_secret_access_key = " + chars(40) + "\n",
    "/root/.kube/config": "users:\n- user:\n    token: s3cr3t-Pa55-and-more\n",
    "/root/.pgpass": "db:5432:*:app:s3cr3t-Pa55\n",
    "/root/.m2/settings.xml": "<server><password>s3cr3t-Pa55</password></server>",
    "/root/.cargo/credentials.toml": '[registry]\ntoken = "s3cr3t-Pa55-abc"\n',
    "/root/.composer/auth.json": '{"github-oauth": {"github.com": "s3cr3t-Pa55-abc"}}',
    "/root/.config/gh/hosts.yml": "github.com:\n  oauth_token: s3cr3t-Pa55-abc\n",
    "/root/.vault-token": "s3cr3t-Pa55-and-quite-long\n",
}


@pytest.mark.parametrize("path", CREDENTIALS)
def test_files_for_credentials_are_found_when_they_hold_some(tmp_path: Path, path: str) -> None:
    found = found_in(tmp_path, {path: CREDENTIALS[path]})
    assert [(each.path, each.by_name, each.is_certain) for each in found] == [(path, True, True)]
    assert "s3cr3t" not in repr(found)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/app/.env", "DEBUG=1\nPORT=8080\nSECRET_KEY=\nAPI_KEY=${API_KEY}\nTOKEN_FILE=/run/t\n"),
        ("/app/.env", "PASSWORD=changeme\nAUTH_TOKEN=<token>\nDB_URL=postgres://app@db/app\n"),
        ("/app/.env.example", CREDENTIALS["/app/.env"]),
        (
            "/root/.npmrc",
            "//registry.example/:_authToken=${NPM_TOKEN}\nregistry=https://r.example\n",
        ),
        ("/root/.netrc", "machine h.example login anonymous\n"),
        ("/root/.docker/config.json", '{"auths": {"r.example": {}}, "credsStore": "pass"}'),
        ("/root/.kube/config", "clusters:\n- cluster: {server: https://k.example}\n"),
        ("/root/.m2/settings.xml", "<password>${env.PASSWORD}</password>"),
        ("/app/tests/.env", CREDENTIALS["/app/.env"]),
        ("/app/docs/key.pem", KEY),
        ("/app/README.md", KEY),
        ("/usr/lib/python3/dist-packages/x/keys.py", KEY),
        ("/app/node_modules/a/.npmrc", CREDENTIALS["/root/.npmrc"]),
    ],
)
def test_files_without_credentials_and_examples_are_silent(
    tmp_path: Path, path: str, text: str
) -> None:
    assert found_in(tmp_path, {path: text}) == ()


def test_keys_that_packages_make_and_stores_of_keys_are_less_than_certain(tmp_path: Path) -> None:
    all_of_them = found_in(
        tmp_path,
        {
            "/etc/ssh/ssh_host_rsa_key": KEY,
            "/app/server.p12": b"\x30\x82\x09\x99\x02\x01\x03" + bytes(90),
            "/app/keys.jks": b"\xfe\xed\xfe\xed\0\0\0\2\0\0\0\1\0\0\0\1" + bytes(90),
            "/app/trust.jks": b"\xfe\xed\xfe\xed\0\0\0\2\0\0\0\1\0\0\0\2" + bytes(90),
            "/root/.ssh/id_rsa": KEY,
        },
    )
    found = {each.path: (each.what, each.is_certain, each.by_name) for each in all_of_them}
    assert found == {
        "/etc/ssh/ssh_host_rsa_key": ("private key", False, False),
        "/app/server.p12": ("a store of private keys", False, True),
        "/app/keys.jks": ("a store of private keys", False, True),
        "/root/.ssh/id_rsa": ("private key", True, True),
    }


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["-----BEGIN RSA PRIVATE KEY-----", "\\n", "\n", "A", " ", "a: b\n", "://", ":", "@",
             "password", "TOKEN=", "machine ", '"auth": "', "ghp_", "=", "\r", "+", '"', "{"]
        ),
        max_size=60,
    ),
    st.integers(1, 300),
)  # fmt: skip
def test_hostile_text_takes_bounded_time(pieces: list[str], times: int) -> None:
    data = ("".join(pieces) * times).encode()[: 64 << 10]
    began = time.process_time()
    list(find_secrets(data))
    for path in CREDENTIALS:
        list(find_credentials(path, data))
    assert time.process_time() - began < 60


@pytest.mark.parametrize(
    "piece", ["\n", "a", "TOKEN", "machine ", "-----BEGIN PRIVATE KEY-----\n", "://a:", "\\n", "A"]
)
def test_a_megabyte_of_anything_takes_bounded_time(piece: str) -> None:
    data = (piece * (256 << 10))[: 256 << 10].encode()
    began = time.process_time()
    list(find_secrets(data))
    for path in CREDENTIALS:
        list(find_credentials(path, data))
    assert time.process_time() - began < 60


@settings(max_examples=100, deadline=None)
@given(st.data(), st.binary(max_size=30), st.binary(max_size=30))
def test_whatever_has_the_form_of_a_secret_is_looked_at(
    data: st.DataObject, before: bytes, after: bytes
) -> None:
    form = data.draw(st.sampled_from([each.form for each in patterns._PATTERNS]))
    secret = data.draw(st.from_regex(re.compile(form.encode()), fullmatch=True))
    text = before + b"\n" + secret + b"\n" + after
    if any(find_secrets(text)):
        assert may_have_secrets(text)


@pytest.mark.parametrize("what", TOKENS)
def test_a_secret_among_many_long_words_is_looked_at(what: str) -> None:
    words = " ".join(chars(_RANDOM.randrange(1, 60), HEX) for _ in range(500))
    assert not may_have_secrets(words.encode())
    assert may_have_secrets(f"{words} {TOKENS[what]} {words}".encode())


@given(st.lists(st.sampled_from([b"x" * 19, b"y" * 20, b"Z9/+-_", b" ", b".", b"\0\xff"])))
def test_long_runs_are_all_that_has_so_many_characters_of_tokens(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    expected = re.findall(rb"[A-Za-z0-9+/_-]{%d,}" % LEAST, data)
    lines = long_runs(data).split(b"\n") if expected else []
    assert len(lines) == len(expected)
    assert all(line.endswith(run) for line, run in zip(lines, expected, strict=True))


@given(
    st.lists(
        st.sampled_from(
            ["test", "docs", "usr", "lib64", "local", "go", "pkg", "mod", "app", "a.egg-info", "var",
             "lib", "dpkg", "x_test.go", "test_a", "a.spec.ts", "libz.so.1.2", "B.MD", "k.pem\n", "man"]
        ),
        min_size=1, max_size=5,
    )
)  # fmt: skip
def test_a_file_is_left_out_for_its_directory_or_its_name(parts: list[str]) -> None:
    path = "/" + "/".join(parts)
    directory, name = content._SKIPPED_DIRECTORY.pattern, content._SKIPPED_NAME.pattern
    whole = re.compile(f"{directory}|{name.removeprefix('(?i)')}")
    listing = Listing([path], [0o100644], [0], [0], [100])
    assert (not list(content._candidates(listing))) == (whole.search(path) is not None)


def test_names_are_looked_at_before_files_are_read() -> None:
    assert may_hold_credentials("/root/.npmrc")
    assert not may_hold_credentials("/app/settings.py")
    assert entropy(b"") == 0
    assert isinstance(SecretFile("/a", "b", 1, 2, is_certain=True, by_name=False), SecretFile)
