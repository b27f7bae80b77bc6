"""Files of a build that are in no image."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from copy_rig import fill
from jettison.api.request import BuildRequest
from jettison.api.sources import ContextSources
from jettison.errors import DigestMismatchError, SourceError
from jettison.events import no_progress
from jettison.oci.digest import sha256_digest
from jettison.plan.op import HttpOp
from jettison.source.access import Access
from jettison.source.context import MAIN, open_context
from jettison.store.store import Store
from unit.source.conftest import Server


@pytest.fixture
def sources(tmp_path: Path):
    context = fill(tmp_path / "context", {"Dockerfile": "FROM scratch\n", "a": "1"})
    other = fill(tmp_path / "other", {"b": "22"})
    request = BuildRequest(context=str(context), contexts={"o": str(other)})
    with ExitStack() as resources:
        store = resources.enter_context(Store.open(tmp_path / "store"))
        access = Access({"no_proxy": "*"})
        opened = resources.enter_context(open_context(request, store, access))
        yield ContextSources(opened, store, resources=resources)


@pytest.fixture
def server():
    running = Server()
    yield running
    running.close()


def test_contexts_are_found_by_their_names(sources):
    assert sources.local(MAIN).lstat("/a").size == 1
    assert sources.local("o").names("/") == ["b"]


def test_a_download_is_a_file_under_its_name(sources, server):
    server.give("/x", b"data", Last_Modified="Sun, 09 Sep 2001 01:46:40 GMT")
    tree = sources.http(HttpOp(f"{server.url}/x", name="file"), no_progress)
    assert tree.names("/") == ["file"]
    st = tree.lstat("/file")
    assert (st.size, st.mtime_ns) == (4, 10**18)
    assert Path(tree.host_path("/file")).read_bytes() == b"data"


def test_a_download_of_another_digest_or_none_is_an_error(sources, server):
    server.give("/x", b"data")
    wanted = HttpOp(f"{server.url}/x", name="file", checksum=sha256_digest(b"other"))
    with pytest.raises(DigestMismatchError):
        sources.http(wanted, no_progress)
    with pytest.raises(SourceError):
        sources.http(HttpOp(f"{server.url}/missing", name="file"), no_progress)
