"""Contexts that know when they were made."""

from __future__ import annotations

from pathlib import Path

import pytest

from jettison.api.compile import compile_arguments
from jettison.api.credentials import access_of
from jettison.api.request import BuildRequest
from jettison.api.session import Session
from jettison.errors import ContextError
from jettison.settings import Settings
from jettison.source.access import Access
from jettison.source.context import (
    DirectorySource,
    DownloadSource,
    ImageSource,
    open_context,
    parse_named_context,
)
from jettison.source.times import time_of_source
from jettison.store.store import Store
from unit.source.conftest import Server

MODIFIED = "Sun, 09 Sep 2001 01:46:40 GMT"


def times(store: Store, context: str, **fields: object) -> dict[str, int]:
    request = BuildRequest(context=context, **fields)  # type: ignore[arg-type]
    session = Session(Settings(), {}, store)
    with open_context(request, store, access_of(session, request)) as opened:
        return dict(compile_arguments(session, request, opened).source_times)


@pytest.fixture
def context(tmp_path: Path) -> str:
    place = tmp_path / "context"
    place.mkdir()
    (place / "Dockerfile").write_text("FROM scratch\n")
    return str(place)


def test_a_directory_has_no_time(store: Store, context: str) -> None:
    assert times(store, context) == {}


def test_a_download_has_the_time_that_its_server_says(store: Store, server: Server) -> None:
    server.give("/Dockerfile", b"FROM scratch\n", Last_Modified=MODIFIED)
    assert times(store, f"{server.url}/Dockerfile") == {"context": 1_000_000_000}


def test_a_download_without_a_time_has_none(store: Store, server: Server) -> None:
    server.give("/Dockerfile", b"FROM scratch\n")
    assert times(store, f"{server.url}/Dockerfile") == {}


def test_a_named_context_is_asked_only_when_the_epoch_names_it(
    store: Store, server: Server, context: str
) -> None:
    server.give("/a.tar", b"", Last_Modified=MODIFIED)
    contexts = {"data": f"{server.url}/a.tar"}
    assert times(store, context, contexts=contexts) == {}
    assert server.asked == []
    args = {"SOURCE_DATE_EPOCH": "data"}
    assert times(store, context, contexts=contexts, build_args=args) == {"data": 1_000_000_000}


STAGE = """ARG SOURCE_DATE_EPOCH=Dated
FROM scratch AS dated
ARG HOST
ADD {source} /
FROM scratch
COPY --from=dated / /
"""


def test_a_stage_of_one_download_has_its_time(store: Store, server: Server, context: str) -> None:
    server.give("/a.tar", b"", Last_Modified=MODIFIED)
    Path(context, "Dockerfile").write_text(STAGE.format(source="${HOST}/a.tar"))
    args = {"HOST": server.url}
    assert times(store, context, build_args=args) == {"Dated": 1_000_000_000}
    asked = len(server.asked)
    number = {**args, "SOURCE_DATE_EPOCH": "7"}
    assert times(store, context, build_args=number) == {}
    assert len(server.asked) == asked


@pytest.mark.parametrize(
    "text",
    [
        STAGE.format(source="file"),
        STAGE.format(source="https://host.invalid/a https://host.invalid/b"),
        STAGE.format(source="https://host.invalid/a /\nRUN true\nADD https://host.invalid/b"),
        STAGE.format(source="https://host.invalid/a").replace("FROM scratch AS", "FROM x AS"),
        STAGE.format(source="https://host.invalid/${A:?}"),
        "FRUM SOURCE_DATE_EPOCH",
    ],
)
def test_other_stages_have_no_time(store: Store, context: str, text: str) -> None:
    Path(context, "Dockerfile").write_text(text)
    assert times(store, context) == {}


def test_a_named_repository_cannot_be_asked_offline(store: Store, context: str) -> None:
    contexts = {"repo": "https://host.invalid/a.git"}
    args = {"SOURCE_DATE_EPOCH": "repo"}
    with pytest.raises(ContextError, match="--offline"):
        times(store, context, contexts=contexts, build_args=args, offline=True)


def test_a_wrong_query_of_a_named_repository_is_an_error_without_credentials() -> None:
    with pytest.raises(ContextError, match="unexpected query") as caught:
        parse_named_context("repo", "https://me:secret@host/a.git?x=1")
    assert "secret" not in caught.value.message


def test_only_repositories_and_downloads_have_a_time(store: Store, server: Server) -> None:
    server.give("/dated", b"x", Last_Modified=MODIFIED)
    server.give("/undated", b"x")
    access = Access({"no_proxy": "*"})
    found = [
        time_of_source(each, store, access)
        for each in (
            DownloadSource(f"{server.url}/dated"),
            DownloadSource(f"{server.url}/undated"),
            DirectorySource("."),
            ImageSource("alpine"),
        )
    ]
    assert found == [1_000_000_000, None, None, None]
