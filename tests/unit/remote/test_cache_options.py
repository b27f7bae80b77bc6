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
    ],
)
def test_what_cannot_be_done_is_an_error_before_anything_is_built(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as raised:
        exported(text)
    assert "--cache-to" in raised.value.message


def test_what_buildx_has_and_we_lack_is_said_and_left_out(capsys) -> None:
    assert exported("type=azblob,name=x") == ()
    assert "azblob" in capsys.readouterr().err
