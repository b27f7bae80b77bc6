"""``--cache-from`` and ``--cache-to`` as buildx spells them."""

from __future__ import annotations

import os

import pytest

from jettison.cli.cache_flags import cache_exports, cache_imports
from jettison.errors import UsageError
from jettison.remote.options import CacheExport, CacheImport
from jettison.remote.place import CachePlace


def imported(*texts: str) -> tuple[CacheImport, ...]:
    return cache_imports({"cache_from": texts})


def exported(*texts: str) -> tuple[CacheExport, ...]:
    return cache_exports({"cache_to": texts})


def test_a_bare_name_is_a_registry_s() -> None:
    assert imported("user/app:cache") == imported("type=registry,ref=user/app:cache")
    assert exported("user/app:cache")[0].at == CachePlace("registry", "user/app:cache")


def test_attributes_are_read() -> None:
    (found,) = exported(
        "type=registry,ref=a/b:c,mode=max,ignore-error=true,timeout=1m30s,max-size=2g,"
        "compression=zstd,compression-level=5,image-manifest=true,oci-mediatypes=true"
    )
    assert found == CacheExport(CachePlace("registry", "a/b:c"), True, True, 90, 2 << 30, "zstd", 5)
    (local,) = exported("type=local,dest=x/y,tag=main,reset=true")
    assert local.at == CachePlace("local", os.path.abspath("x/y"), "main")
    assert local.reset
    assert imported("type=local,src=z")[0].at.place == os.path.abspath("z")
    assert exported("type=inline")[0].at.kind == "inline"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("type=tape,dest=x", "`type=tape` is unknown"),
        ("type=registry", "needs `ref=`"),
        ("type=local", "needs `dest=`"),
        ("type=local,dest=x,colour=red", "`colour` is no attribute"),
        ("type=registry,ref=a,mode=medium", "`mode=medium`"),
        ("type=registry,ref=a,ignore-error=perhaps", "neither true nor false"),
        ("type=registry,ref=a,timeout=soon", "no duration"),
        ("type=registry,ref=a,compression=lzma", "`compression=lzma`"),
        ("type=registry,ref=a,compression-level=3", "needs `compression=`"),
        ("type=registry,ref=a,force-compression=true", "not supported"),
        ("type=registry,ref=a,registry.insecure=true", "setting of the host"),
        ("type=inline,mode=max", "no `mode=max`"),
        ("type=s3,colour=red", "`colour` is no attribute of type=s3"),
        ("type=s3,upload_parallelism=0", "no number of at least 1"),
        ("type=s3,upload_parallelism=many", "no number of at least 1"),
        ("type=s3,touch_refresh=often", "no duration"),
        ("type=s3,use_path_style=maybe", "neither true nor false"),
        ("type=s3,retry_mode=wild", "`retry_mode`"),
        ("type=s3,retry_max_attempts=-1", "no number of at least 1"),
        ("type=s3,access_key_id=a", "go together"),
        ("type=gha,version=1", "version 2 only"),
        ("type=gha,bucket=x", "`bucket` is no attribute of type=gha"),
        ("type=gha,scope=x#1", "`scope=x#1`"),
    ],
)
def test_what_cannot_be_done_is_an_error_before_anything_is_built(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as raised:
        exported(text)
    assert "--cache-to" in raised.value.message


def test_what_buildx_has_and_we_lack_is_said_and_left_out(capsys) -> None:
    assert exported("type=azblob,name=x") == ()
    assert "azblob" in capsys.readouterr().err


def test_a_bucket_is_named_as_for_buildx() -> None:
    (made,) = exported(
        "type=s3,bucket=b,region=r,name=main,prefix=p/,endpoint_url=https://x,use_path_style=true,"
        "access_key_id=A,secret_access_key=s3cret,session_token=t0ken,touch_refresh=12h,"
        "upload_parallelism=8,mode=max,retry_mode=standard,disable_accept_encoding=true"
    )
    assert (made.refresh_seconds, made.uploads, made.everything) == (12 * 3600, 8, True)
    assert made.at.kind == "s3"
    assert made.at.title == "s3 cache `main`"
    assert made.at.detail("endpoint_url") == "https://x"
    assert made.at.secrets.get("secret_access_key") == "s3cret"
    assert "s3cret" not in repr(made)
    assert "t0ken" not in repr(made)


def test_reading_and_writing_one_bucket_is_one_place() -> None:
    (read,) = imported("type=s3,bucket=b,region=r,use_path_style=false")
    (written,) = exported("type=s3,region=r,bucket=b,mode=max,touch_refresh=1h")
    assert read.at == written.at
    assert read.at.place == "buildkit"


def test_several_names_are_several_caches() -> None:
    assert [each.at.place for each in imported("type=s3,bucket=b,region=r,name=a;b")] == ["a", "b"]
    assert [each.at.place for each in exported("type=s3,bucket=b,region=r,name=a;b;")] == ["a", "b"]


def test_github_s_cache_is_named_as_for_buildx() -> None:
    (made,) = exported(
        "type=gha,scope=main,url=https://a,url_v2=https://b,token=t0ken,timeout=5m,version=2,"
        "repository=me/it,ghtoken=t0ken,mode=max,ignore-error=true"
    )
    assert (made.at.place, made.seconds, made.ignore_error) == ("main", 300, True)
    assert made.at.detail("url_v2") == "https://b"
    assert "t0ken" not in repr(made)
    assert (
        imported("type=gha,scope=main,url=https://a,url_v2=https://b,token=t0ken")[0].at == made.at
    )


@pytest.mark.parametrize(
    "text",
    [
        "type=s3,secret_access_key=s3cret,oops",
        "type=s3,secret_access_key=s3,cret",
        'type=s3,"secret_access_key=s3cret',
        'type=s3,"secret_access_key=s3cret"x"',
        "type=gha,token=s3cret,mode",
        "type=gha,ghtoken=s3cret,mode",
        "type=s3,session_token=s3cret,mode=medium",
        "type=s3,secret_access_key=s3cret,colour=red",
    ],
)
def test_errors_quote_no_credentials(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        exported(text)
    said = f"{raised.value.message} {raised.value.hint}"
    assert "s3cret" not in said
    assert "cret" not in said.replace("secret", "")
