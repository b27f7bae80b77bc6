from __future__ import annotations

from pathlib import Path

from jettison.oci.digest import Digest
from jettison.provenance.store import BuildStore, KeptBuild
from jettison.store.image import StoredImage
from jettison.store.store import Store

IMAGE = Digest("sha256:" + "1" * 64)


def test_a_build_is_kept_with_its_origins_and_goes_with_its_image(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store") as store:
        builds = BuildStore(store.database)
        assert (builds.find(IMAGE), builds.digest(IMAGE)) == (None, "")
        builds.keep(IMAGE, "one", KeptBuild(b"record", {"name": b"rules"}))
        assert builds.find(IMAGE) == KeptBuild(b"record", {"name": b"rules"})
        assert builds.digest(IMAGE) == "one"
        builds.keep(IMAGE, "two", KeptBuild(b"other", {}))
        assert builds.digest(IMAGE) == "two"
        store.images.add(StoredImage(IMAGE, b"{}", ()))
        store.images.remove(IMAGE)
        assert builds.find(IMAGE) is None


def test_old_origins_go_unless_a_build_used_them(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store") as store:
        builds = BuildStore(store.database)
        for name in ("used", "unused"):
            builds.origins.keep(name, name.encode())
        store.database.execute("UPDATE origins SET used_ns = 1")
        builds.keep(IMAGE, "one", KeptBuild(b"record", {"used": b"used"}))
        assert builds.origins.find(["used", "unused", "other"]) == {"used": b"used"}
        assert builds.origins.find([]) == {}
