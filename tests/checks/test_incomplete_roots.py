"""A root file system of which not all is known is none: what is missing there says nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.rig import Checked
from jettison.api.roots import Roots
from jettison.image.names import find_image

pytestmark = pytest.mark.xdist_group("checks")


def test_a_layer_without_a_listing_makes_nothing_missing(checked: Checked, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY file /\n")
    tag, built = checked.build(tmp_path, checks="none")
    listing = checked.session.layer_store.directory(built.layers[0]).parent / "listing"
    listing.unlink(missing_ok=True)  # of a build that an older version made, none was kept
    image = find_image(checked.session.store, tag)
    assert Roots(checked.session, image, read=False).image() is None
    root = Roots(checked.session, image, read=True).image()
    assert root is not None
    assert "/file" in root.files.entries


def test_files_are_read_in_their_own_layer_where_equal_layers_come_twice(
    checked: Checked, tmp_path: Path
) -> None:
    for name in ("first", "second"):
        (tmp_path / name).write_text(f"#!/bin/{name}\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "Dockerfile").write_text(
        "FROM box\nRUN true\nCOPY first /\nRUN true && true\nCOPY second /\nRUN true ; true\n"
    )
    tag, built = checked.build(tmp_path, checks="none")
    assert len(set(built.layers)) == len(built.layers) - 2
    root = Roots(checked.session, find_image(checked.session.store, tag), read=True).image()
    assert root is not None
    found = {path: script.interpreter for path, script in root.programs.scripts.items()}
    assert found["/first"] == "/bin/first"
    assert found["/second"] == "/bin/second"
