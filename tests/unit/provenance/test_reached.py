"""Which files of stages, and of their bases, files of the image came from."""

from __future__ import annotations

from jettison.provenance.reached import ReachedFiles
from unit.provenance.test_chain_and_totals import PROVENANCE


def test_files_of_stages_and_of_their_bases_under_all_their_names() -> None:
    reached = ReachedFiles(PROVENANCE)
    assert reached.paths(0) == {"/usr/go", "/out/app", "/out/link"}
    assert reached.paths(1) == {"/m/app", "/m/link"}
    # What a RUN of the last stage wrote again was of this one, and is not any more.
    assert reached.paths(2) == {"/bin/app", "/bin/again", "/bin/go"}
    assert reached.paths(3) == {"/bin/app", "/bin/again", "/bin/go", "/etc/old"}
