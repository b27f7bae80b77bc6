"""Programs are read once a file, by layer where somebody keeps them."""

from __future__ import annotations

import os
from pathlib import Path

from jettison.analysis.files import Files, may_be_program
from jettison.analysis.programs import (
    LayerPrograms,
    Programs,
    decode_programs,
    encode_programs,
    scan_layer,
)
from jettison.analysis.rootfs import Rootfs
from jettison.analysis.shebang import Script
from jettison.fs.listed_tree import ListedTree
from jettison.fs.listing import Listing
from jettison.fs.visible import visible
from unit.analysis.tree_rig import ELF, files_of

FILES = {"bin/app": ELF, "run": "#!/bin/sh -e\n", "lib/x.so.1": ELF, "data": "text", "deep/a": ELF}
MODES = {"bin/app": 0o755, "run": 0o755, "data": 0o755}


def test_programs_are_executable_or_libraries(tmp_path: Path) -> None:
    programs = Rootfs(files_of(tmp_path, FILES, MODES)).programs
    assert list(programs.elves) == ["/bin/app", "/lib/x.so.1"]
    assert programs.scripts == {"/run": Script("/bin/sh", "-e")}
    assert programs.find("/data") is programs.find("/none") is programs.elf("/run") is None
    assert programs.script("/bin/app") is None
    assert not may_be_program("/bin", 0o040755)


def test_a_layer_s_programs_are_asked_for_once(tmp_path: Path) -> None:
    files_of(tmp_path, FILES, MODES)
    listing = Listing(
        ["/bin", "/bin/app", "/bin/name", "/run"], [0o40755, 0o100755, 0o100755, 0o100755],
        [0] * 4, [0] * 4, [0, 64, 64, 12], links={2: 1},
    )  # fmt: skip
    opened = []

    def open_file(path: str) -> int | None:
        opened.append(path)
        return os.open(f"{tmp_path}{path}", os.O_RDONLY)

    found = scan_layer(listing, open_file)
    assert opened == ["/bin/app", "/run"]
    assert decode_programs(encode_programs(found)) == found
    assert decode_programs(b"damaged") is None

    asked = []

    def find_layer(number: int) -> LayerPrograms:
        asked.append(number)
        return found

    tree = ListedTree(visible([listing]), [tmp_path])
    programs = Programs(Files(tree, tree.entries), find_layer)
    assert list(programs.elves) == ["/bin/app", "/bin/name"]
    assert list(programs.scripts) == ["/run"]
    assert asked == [0]


def test_paths_are_found_by_their_last_component_and_kind(tmp_path: Path) -> None:
    files = files_of(tmp_path, {**FILES, "x/app": "", "link": "->run"}, MODES)
    assert files.named("app") == ["/bin/app", "/x/app"]
    assert files.named("none") == []
    assert files.symlinks == ["/link"]
    assert files.programs == ["/data", "/run", "/bin/app", "/lib/x.so.1"]
