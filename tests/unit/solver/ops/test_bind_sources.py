"""What the mounts of a RUN select."""

from __future__ import annotations

from pathlib import Path

import pytest

from copy_rig import fill
from jettison.copier.select import select
from jettison.errors import ContextError
from jettison.fs.host_tree import HostTree
from jettison.plan.op import ExecMount, MountType
from jettison.solver.ops.bind_sources import bind_source, selected_path, selecting
from jettison.solver.result import TreeResult


@pytest.fixture
def tree(tmp_path: Path) -> HostTree:
    files = {"d/a": "1", "d/b": "2", "link": "-> d", "out": "-> ../../etc"}
    return HostTree(fill(tmp_path / "root", files), context=True)


@pytest.mark.parametrize(
    ("source", "path"), [("/", "/"), ("/d/a", "/d/a"), ("/link/a", "/d/a"), ("/link", "/d")]
)
def test_a_source_is_found_through_links(tree, source, path):
    assert selected_path(tree, source) == path


@pytest.mark.parametrize("source", ["/none", "/out", "/d/a/x"])
def test_a_source_that_is_not_there_or_leads_out_is_an_error(tree, source):
    with pytest.raises(ContextError) as caught:
        selected_path(tree, source)
    assert caught.value.message == f'failed to compute cache key: "{source}": not found'


def test_the_digest_is_of_what_is_selected_only(tree, tmp_path):
    def digest(source: str) -> str:
        tree = HostTree(tmp_path / "root", context=True)  # which remembers digests
        mount = ExecMount(MountType.BIND, "/m", source=source, input=0)
        found = bind_source(mount, TreeResult(tree), None, lambda *_: None, fetch=False)  # type: ignore[arg-type]
        assert found is not None
        assert found.selection is not None
        return found.digest

    before = {source: digest(source) for source in ("/d/a", "/d", "/")}
    assert digest("/d/a") == select(selecting("/d/a"), (tree,)).digest()
    (tmp_path / "root/d/b").write_text("3")
    after = {source: digest(source) for source in before}
    assert [before[each] == after[each] for each in before] == [True, False, False]
