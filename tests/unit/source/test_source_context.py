"""Contexts of every kind."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest

from copy_rig import fill
from jettison.api.request import BuildRequest
from jettison.errors import ContextError, JettisonError, UsageError
from jettison.fs.zstd import ZstdCompressor
from jettison.source.access import Access
from jettison.source.context import (
    BuildContext,
    DirectorySource,
    DownloadSource,
    ImageSource,
    NamedSource,
    RepositorySource,
    open_context,
    parse_named_context,
)
from jettison.store.store import Store

FILES = {
    "Dockerfile": "FROM one\n",
    "docker/other": "FROM two\n",
    "docker/other.dockerignore": "b\n",
    ".dockerignore": "a\n",
    "a": "a",
    "b": "b",
}


def tar_of(files: dict[str, str]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo("./" + name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    return stream.getvalue()


def zstd(data: bytes) -> bytes:
    return ZstdCompressor().compress(data, ZstdCompressor.FLUSH_FRAME)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    fill(tmp_path / "cwd", {"here.Dockerfile": "FROM cwd\n"})
    monkeypatch.chdir(tmp_path / "cwd")
    return fill(tmp_path / "context", FILES)


def opened(store: Store, context: object, **fields: Any) -> BuildContext:
    return open_context(BuildRequest(context=str(context), **fields), store, Access({}))


def seen(context: BuildContext) -> tuple[bytes, str, list[str]]:
    with context:
        return context.dockerfile, context.filename, context.tree("context").names("/")


def test_a_directory_has_its_dockerfile_and_ignore_file(store: Store, root: Path) -> None:
    names = [".dockerignore", "Dockerfile", "b", "docker"]
    assert seen(opened(store, root)) == (b"FROM one\n", "Dockerfile", names)


def test_another_dockerfile_brings_its_own_ignore_file(store: Store, root: Path) -> None:
    names = [".dockerignore", "Dockerfile", "a", "docker"]
    given = str(root / "docker/other")
    assert seen(opened(store, root, dockerfile=given)) == (b"FROM two\n", given, names)
    assert seen(opened(store, root, dockerfile="docker/other"))[2] == names


def test_a_dockerfile_may_be_outside_the_context(store: Store, root: Path) -> None:
    assert seen(opened(store, root, dockerfile="here.Dockerfile"))[0] == b"FROM cwd\n"


def test_a_dockerfile_may_come_from_standard_input(store: Store, root: Path) -> None:
    text, filename, names = seen(opened(store, root, dockerfile="-", stdin=b"FROM stdin\n"))
    assert (text, filename) == (b"FROM stdin\n", "-")
    assert "a" not in names


def test_a_dockerfile_in_lower_case_is_found(store: Store, tmp_path: Path) -> None:
    root = fill(tmp_path / "lower", {"dockerfile": "FROM lower\n"})
    assert seen(opened(store, root))[:2] == (b"FROM lower\n", "dockerfile")


def test_an_ignored_dockerfile_is_read_all_the_same(store: Store, tmp_path: Path) -> None:
    root = fill(tmp_path / "x", {"Dockerfile": "FROM x\n", ".dockerignore": "*\n"})
    assert seen(opened(store, root)) == (b"FROM x\n", "Dockerfile", [])


@pytest.mark.parametrize(
    ("files", "given", "hint"),
    [
        ({}, "", "choose the Dockerfile with `-f`"),
        ({"docker/Dockerfile": ""}, "", "choose the Dockerfile with `-f`"),
        (
            {"app.Dockerfile": "", "Dockerfile.dev": ""},
            "",
            "did you mean `-f Dockerfile.dev` or `-f app.Dockerfile`?",
        ),
        ({"Dockerfile": ""}, "dockerfile.prod", "did you mean `-f Dockerfile`?"),
    ],
)
def test_a_missing_dockerfile_tells_what_may_be_meant(
    store: Store, tmp_path: Path, files: dict[str, str], given: str, hint: str
) -> None:
    root = fill(tmp_path / "x", files)
    with pytest.raises(ContextError, match="failed to read dockerfile: open") as caught:
        opened(store, root, dockerfile=given)
    assert caught.value.hint == hint


def test_a_dockerfile_that_leads_out_of_the_context_is_not_there(
    store: Store, tmp_path: Path
) -> None:
    fill(tmp_path, {"secret": "s"})
    root = fill(tmp_path / "x", {"Dockerfile": "-> ../secret"})
    with pytest.raises(ContextError, match="failed to read dockerfile"):
        opened(store, root)


def test_a_dockerfile_that_is_a_directory_is_an_error(store: Store, tmp_path: Path) -> None:
    root = fill(tmp_path / "x", {"Dockerfile": None})
    with pytest.raises(ContextError, match="is a directory, no regular file"):
        opened(store, root)
    with pytest.raises(ContextError, match="failed to read dockerfile"):
        opened(store, root, dockerfile=str(root / "Dockerfile"))


@pytest.mark.parametrize("compress", [lambda data: data, gzip.compress, zstd])
def test_standard_input_may_be_a_tar(store: Store, compress: Any) -> None:
    stdin = compress(tar_of(FILES))
    names = [".dockerignore", "Dockerfile", "a", "b", "docker"]
    assert seen(opened(store, "-", stdin=stdin)) == (b"FROM one\n", "Dockerfile", names)
    assert seen(opened(store, "-", stdin=stdin, dockerfile="docker/other"))[0] == b"FROM two\n"


def test_standard_input_may_be_a_dockerfile_without_context(store: Store) -> None:
    assert seen(opened(store, "-", stdin=b"FROM stdin\n")) == (b"FROM stdin\n", "-", [])


def test_standard_input_cannot_be_two_things(store: Store) -> None:
    with pytest.raises(UsageError, match="standard input"):
        opened(store, "-", dockerfile="-")
    with pytest.raises(ContextError, match="is no archive"):
        opened(store, "-", stdin=b"FROM x\n", dockerfile="x")


def test_a_url_may_be_a_tar_or_a_dockerfile(store: Store, root: Path, server: Any) -> None:
    server.give("/t.tgz", gzip.compress(tar_of(FILES)))
    server.give("/t.tar.zst", zstd(tar_of(FILES)))
    assert seen(opened(store, server.url + "/t.tar.zst"))[0] == b"FROM one\n"
    server.give("/Dockerfile", b"FROM url\n")
    assert seen(opened(store, server.url + "/t.tgz"))[0] == b"FROM one\n"
    url = server.url + "/Dockerfile"
    assert seen(opened(store, url)) == (b"FROM url\n", url, [])
    assert seen(opened(store, root, dockerfile=url))[:2] == (b"FROM url\n", url)


def test_what_was_unpacked_is_thrown_away(store: Store) -> None:
    context = opened(store, "-", stdin=tar_of(FILES))
    place = context.tree("context").root
    assert place.is_dir()
    with context:
        pass
    assert not place.exists()


def test_named_contexts_have_their_own_ignore_files(
    store: Store, root: Path, tmp_path: Path
) -> None:
    fill(tmp_path / "named", {"x": "x", "y": "y", ".dockerignore": "y\n"})
    with opened(store, root, contexts={"n": str(tmp_path / "named")}) as context:
        assert context.named == {"n": DirectorySource(str(tmp_path / "named"))}
        assert context.tree("n").names("/") == [".dockerignore", "x"]
        assert context.tree("n").ignored_by("/y") == "y"
        assert context.tree("context").ignored_by("/a") == "a"
        with pytest.raises(ContextError, match="no context `m`"):
            context.tree("m")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("docker-image://alpine", ImageSource("docker.io/library/alpine:latest")),
        ("oci-layout:///x/y:tag", ImageSource("oci-layout:///x/y:tag")),
        ("https://h/a.git#main", RepositorySource("https://h/a.git#main")),
        ("https://h/a.tar", DownloadSource("https://h/a.tar")),
        ("../dir", DirectorySource("../dir")),
    ],
)
def test_a_named_context_may_be_anything(text: str, expected: NamedSource) -> None:
    assert parse_named_context("n", text) == expected


@pytest.mark.parametrize("text", ["target:x", "input:x", "docker-image://UPPER"])
def test_other_named_contexts_are_an_error(text: str) -> None:
    with pytest.raises(JettisonError):
        parse_named_context("n", text)


def test_digests_are_remembered_between_builds(store: Store, root: Path) -> None:
    for name in ("a", "b"):
        os.utime(root / name, ns=(1, 1))
    with opened(store, root) as context:
        first = context.tree("context").file_digest("/b")
    with opened(store, root) as context:
        assert context.tree("context").file_digest("/b") == first
