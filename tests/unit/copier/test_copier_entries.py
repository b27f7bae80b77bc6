"""A planned layer is sorted by how its files are made, and each is made in one way only."""

from __future__ import annotations

import os
from pathlib import Path

from copy_rig import Bench, copy_op
from jettison.copier.entries import LayerEntries, layer_entries
from jettison.copier.layer_writer import LayerWriter
from jettison.copier.links import link_copies
from jettison.copier.passwd import Owner
from jettison.copier.planned import ArchiveMember, InlineFile
from jettison.fs.tree import Tree
from ownership_rig import OWNERSHIP


def sorted_files(bench: Bench, *trees: Tree, owner: Owner | None = None) -> LayerEntries:
    _, destination = bench.plan(copy_op(".", "/x/"), trees)
    return layer_entries(destination.files.items(), owner)


def test_files_are_sorted_by_how_they_are_made(bench: Bench) -> None:
    stage = bench.stage({"a": "1", "d/b": "2", "link": "-> a"})
    os.link(stage.host_path("/a"), stage.host_path("/d") + "/same")
    os.mkfifo(stage.host_path("/d") + "/pipe")
    found = sorted_files(bench, stage)
    assert [copy.path for copy in found.copies] == ["/x/a", "/x/d/b"]
    assert found.names == [("/x/a", "/x/d/same")]
    assert [copy.path for copy in found.special] == ["/x/d/pipe", "/x/link"]
    assert (found.inline, found.members) == ([], {})


def test_each_copy_has_its_owner_and_all_that_is_needed_to_make_it(bench: Bench) -> None:
    context = bench.context({"a": "1"})
    (kept,) = sorted_files(bench, context).copies
    (given,) = sorted_files(bench, context, owner=Owner(5, 6)).copies
    assert (kept.owner, given.owner) == ((0, 0), (5, 6))  # a context's files are root's
    assert Path(given.tree.host_path(given.entry.origin)).read_text() == "1"


def test_bytes_of_a_dockerfile_belong_to_root_and_members_are_found_by_archive() -> None:
    inline = InlineFile(0, 0o100644, b"text")
    members = [ArchiveMember(1, 7, 0o100644), ArchiveMember(1, 7, 0o100644)]
    files = {"/a": inline, "/b": members[0], "/c": members[1], "/d": ArchiveMember(2, -1, 0o100644)}
    found = layer_entries(files.items(), None)
    assert found.inline == [("/a", inline, (0, 0))]
    assert found.members == {1: {7: ["/b", "/c"]}, 2: {-1: ["/d"]}}


def test_files_of_committed_layers_are_linked_and_the_rest_is_left(bench: Bench) -> None:
    stage, context = bench.stage({"a": "1"}), bench.context({"b": "2"})
    copies = [*sorted_files(bench, stage).copies, *sorted_files(bench, context).copies]
    upper = bench.tmp / "upper"
    (upper / "x").mkdir(parents=True)
    with LayerWriter(upper, OWNERSHIP, 0) as writer:
        assert link_copies(copies, writer, None, to_layers=False) == ({}, copies)
        digests, left = link_copies(copies, writer, None, to_layers=True)
    assert (upper / "x/a").samefile(stage.host_path("/a"))
    assert list(digests) == ["x/a"]
    assert [copy.path for copy in left] == ["/x/b"]
