from __future__ import annotations

import hashlib

import pytest

from jettison.analysis.caches import CacheLeft, caches_left
from jettison.analysis.duplicates import DuplicateFiles, duplicate_files
from jettison.fs.visible import visible
from listing_rig import listing


def test_equal_files_are_found_by_their_digest_and_names_of_one_are_not() -> None:
    shown = visible(
        [
            listing({"/a": b"same", "/b": b"same", "/c": "=/a", "/o": b"othr", "/e": b""}),
            listing({"/d": b"same", "/f": b""}),
        ]
    )
    digest = hashlib.sha256(b"same").digest()
    found = duplicate_files(shown)
    assert found == [DuplicateFiles(digest, 4, 3, ("/a", "/b", "/d"))]
    assert found[0].extra_bytes == 8
    assert duplicate_files(shown, lambda _seen: b"") == []


@pytest.mark.parametrize(
    ("path", "manager", "place"),
    [
        ("/var/lib/apt/lists/deb_main_Packages", "apt", "/var/lib/apt/lists"),
        ("/var/cache/apt/archives/a.deb", "apt", "/var/cache/apt"),
        ("/root/.cache/pip/http/a/b", "pip", "/root/.cache/pip"),
        ("/home/x/.npm/_cacache/content-v2/a", "npm", "/home/x/.npm/_cacache"),
        ("/root/.cache/go-build/00/f", "go", "/root/.cache/go-build"),
        ("/go/pkg/mod/cache/download/x", "go", "/go/pkg/mod/cache"),
        ("/usr/local/cargo/registry/cache/x", "cargo", "/usr/local/cargo/registry"),
        ("/root/.m2/repository/a.jar", "maven", "/root/.m2/repository"),
    ],
)
def test_caches_are_known_by_their_place(path, manager, place) -> None:
    assert caches_left([(path.rpartition("/")[0], [7])]) == [CacheLeft(manager, place, 7, 1)]


@pytest.mark.parametrize(
    "path",
    ["/var/lib/apt/extended_states", "/app/pip/x", "/srv/var/cache/apk/x", "/x.cache/pip/y"],
)
def test_other_files_are_no_caches(path) -> None:
    assert caches_left([(path.rpartition("/")[0], [7])]) == []


def test_a_cache_is_one_row_and_the_largest_is_first() -> None:
    found = caches_left([("/var/cache/apk", [1]), ("/r/.cache/uv", [2]), ("/r/.cache/uv/b", [3])])
    assert found == [
        CacheLeft("uv", "/r/.cache/uv", 5, 2),
        CacheLeft("apk", "/var/cache/apk", 1, 1),
    ]
