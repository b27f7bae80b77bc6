"""Which bucket, at which server, with which credentials: attributes, variables, files."""

from __future__ import annotations

from pathlib import Path

import pytest

from jettison.errors import UsageError
from jettison.remote.aws import S3Place, s3_credentials, s3_endpoint, s3_place, s3_source
from jettison.remote.place import CachePlace, Secrets


def at(name: str = "main", **details: str) -> CachePlace:
    return CachePlace("s3", name, details=tuple(sorted(details.items())))


def test_attributes_hold_over_variables() -> None:
    environ = {
        "AWS_REGION": "r1",
        "AWS_BUCKET": "bucket1",
        "AWS_ENDPOINT_URL": "https://s3.example",
    }
    assert s3_place(at(), environ) == S3Place(
        "bucket1", "r1", "https://s3.example", index="manifests/main", blobs="blobs/"
    )
    given = at(
        "a/b",
        bucket="bucket2",
        region="r2",
        endpoint_url="http://127.0.0.1:9000/",
        prefix="ci/",
        blobs_prefix="layers/",
        manifests_prefix="indexes/",
        use_path_style="true",
        retry_max_attempts="7",
    )
    assert s3_place(given, environ) == S3Place(
        "bucket2", "r2", "http://127.0.0.1:9000", True, "ci/indexes/a/b", "ci/layers/", 7
    )


@pytest.mark.parametrize(
    ("endpoint", "path_style", "wanted"),
    [
        ("", False, ("", False)),
        ("", True, ("", True)),
        ("https://s3.example", False, ("https://bucket1.s3.example", False)),
        ("https://s3.example/below", False, ("https://bucket1.s3.example/below", False)),
        ("https://s3.example", True, ("https://s3.example", True)),
        ("http://localhost:9000", False, ("http://localhost:9000", True)),
        ("http://10.0.0.1:9000", False, ("http://10.0.0.1:9000", True)),
        ("http://[2001:db8::1]:9000", False, ("http://[2001:db8::1]:9000", True)),
    ],
)
def test_the_bucket_is_in_the_name_of_the_host_where_that_can_be(
    endpoint: str, path_style: bool, wanted: tuple[str, bool]
) -> None:
    assert s3_endpoint(S3Place("bucket1", "r", endpoint, path_style)) == wanted


def test_a_source_says_where_blobs_are_and_no_credentials() -> None:
    given = at(bucket="bucket1", region="r1", endpoint_url="https://s3.example", prefix="x/")
    made = s3_place(given, {"AWS_SECRET_ACCESS_KEY": "s3cret"})
    assert made.source == "s3://bucket1/x/blobs/?region=r1&endpoint_url=https%3A%2F%2Fs3.example"
    back = s3_source(made.source)
    assert (back.bucket, back.region, back.endpoint, back.blobs) == (
        "bucket1",
        "r1",
        "https://s3.example",
        "x/blobs/",
    )


@pytest.mark.parametrize(
    ("details", "said"),
    [
        ({"region": "r"}, "needs a bucket"),
        ({"bucket": "bucket1"}, "needs a region"),
        ({"bucket": "a b", "region": "r"}, "no name of a bucket"),
        ({"bucket": "bucket1", "region": "r", "prefix": "../"}, "cannot be a key"),
        ({"bucket": "bucket1", "region": "r", "prefix": "a//b/./"}, "cannot be a key"),
        ({"bucket": "bucket1", "region": "r", "endpoint_url": "s3.example"}, "is no URL"),
        ({"bucket": "bucket1", "region": "r", "endpoint_url": "https://me:pw@x"}, "is no URL"),
    ],
)
def test_what_is_missing_or_odd_is_an_error(details: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said) as raised:
        s3_place(at(**details), {"HOME": "/nonexistent"})
    assert "pw" not in raised.value.message


def test_credentials_come_from_attributes_variables_and_files(tmp_path: Path) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/credentials").write_text(
        "[default]\naws_access_key_id = A1\naws_secret_access_key = S1\n"
        "[ci]\naws_access_key_id=A2\naws_secret_access_key=S2\naws_session_token=T2\n"
    )
    (tmp_path / ".aws/config").write_text("[default]\nregion = here\n[profile ci]\nregion=there\n")
    home = {"HOME": str(tmp_path)}
    assert s3_credentials(at(), home) == {"access_key_id": "A1", "secret_access_key": "S1"}
    ci = {**home, "AWS_PROFILE": "ci"}
    assert s3_credentials(at(), ci)["session_token"] == "T2"
    assert s3_place(at(bucket="bucket1"), ci).region == "there"
    assert s3_place(at(bucket="bucket1"), home).region == "here"
    environ = {**home, "AWS_ACCESS_KEY_ID": "A3", "AWS_SECRET_ACCESS_KEY": "S3"}
    assert s3_credentials(at(), environ) == {"access_key_id": "A3", "secret_access_key": "S3"}
    given = CachePlace(
        "s3", secrets=Secrets((("access_key_id", "A4"), ("secret_access_key", "S4")))
    )
    assert s3_credentials(given, environ)["access_key_id"] == "A4"
    assert s3_credentials(at(), {**home, "AWS_WEB_IDENTITY_TOKEN_FILE": "/token"}) == {}
    assert s3_credentials(None, {"HOME": "/nonexistent"}) == {}


@pytest.mark.parametrize(
    "text", ["", "[", "no = section", "[default]\nx", "\x00", "[default]\n" * 9]
)
def test_files_of_credentials_that_are_none_are_as_if_they_were_not_there(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "credentials"
    path.write_text(text)
    environ = {"AWS_SHARED_CREDENTIALS_FILE": str(path), "HOME": str(tmp_path)}
    assert s3_credentials(at(), environ) == {}
    path.write_bytes(b"[default]\naws_access_key_id=\xff\xfe")
    assert s3_credentials(at(), environ) == {}
