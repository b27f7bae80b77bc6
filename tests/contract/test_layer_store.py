"""What every layer store promises, run over all of them and as root and as nobody."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jettison.fs.overlay_form import make_opaque, make_whiteout
from jettison.oci.digest import Digest, sha256_digest
from jettison.snapshot.base import ActiveSnapshot, Change, LayerInfo, LayerStore
from jettison.snapshot.overlay import OverlayLayerStore
from jettison.store.layer import LayerId, image_layer_id
from jettison.store.store import Store
from ownership_rig import OWNERSHIP

CATALOG: dict[str, Callable[[Store], LayerStore]] = {
    "overlay": lambda store: OverlayLayerStore(store, OWNERSHIP)
}

ROOT = Path(__file__).parents[2]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store") as opened:
        yield opened


@pytest.fixture(params=sorted(CATALOG))
def layer_store(request: pytest.FixtureRequest, store: Store) -> LayerStore:
    return CATALOG[request.param](store)


def fill(active: ActiveSnapshot, text: str = "hello", *, seconds: int = 1) -> None:
    (active.upper / "etc").mkdir()
    (active.upper / "etc/motd").write_text(text)
    (active.upper / "etc/issue").hardlink_to(active.upper / "etc/motd")
    (active.upper / "link").symlink_to("etc/motd")
    make_whiteout(os.fspath(active.upper / "gone"))
    make_opaque(os.fspath(active.upper / "etc"))
    for path in active.upper.rglob("*"):
        os.utime(path, (seconds, seconds), follow_symlinks=False)


def in_progress(store: Store) -> list[Path]:
    return [path for path in (store.root / "tmp").glob("*/*") if path.is_dir()]


def test_an_active_snapshot_is_empty_and_on_one_file_system(layer_store: LayerStore) -> None:
    active = layer_store.prepare()
    assert os.listdir(active.upper) == os.listdir(active.work) == []
    assert active.upper.stat().st_dev == active.work.stat().st_dev
    assert active.upper.stat().st_mode & 0o7777 == 0o755


def test_a_committed_layer_is_the_upper_directory_under_its_name(layer_store: LayerStore) -> None:
    active = layer_store.prepare()
    fill(active)
    inode = (active.upper / "etc/motd").stat().st_ino
    info = layer_store.commit(active)
    directory = layer_store.directory(info.id)
    assert (directory / "etc/motd").stat().st_ino == inode, "renamed, not copied"
    assert (directory / "etc/motd").read_text() == "hello"
    assert info.id.startswith("content:sha256:")
    assert (info.size_bytes, info.entries) == (5, 5)
    assert layer_store.info(info.id) == info
    assert not active.path.exists()


def test_an_equal_change_is_the_earlier_layer(layer_store: LayerStore, store: Store) -> None:
    first, second = layer_store.prepare(), layer_store.prepare()
    fill(first)
    fill(second)
    info = layer_store.commit(first)
    inode = (layer_store.directory(info.id) / "etc/motd").stat().st_ino
    assert layer_store.commit(second) == info
    assert (layer_store.directory(info.id) / "etc/motd").stat().st_ino == inode
    assert in_progress(store) == []


def test_equal_bytes_with_other_times_are_another_layer(layer_store: LayerStore) -> None:
    first, second = layer_store.prepare(), layer_store.prepare()
    fill(first)
    fill(second, seconds=2)
    infos = [layer_store.commit(active) for active in (first, second)]
    times = [(layer_store.directory(each.id) / "etc/motd").stat().st_mtime for each in infos]
    assert times == [1, 2]
    assert infos[0].content == infos[1].content


def test_what_the_same_step_made_earlier_stands_in(layer_store: LayerStore, store: Store) -> None:
    first, second, third = (layer_store.prepare() for _ in range(3))
    fill(first)
    fill(second, seconds=2)
    fill(third, "other")
    made = layer_store.commit(first)

    def previous(content: Digest) -> LayerInfo | None:
        return made if content == made.content else None

    assert layer_store.commit(second, Change(previous=previous)) == made
    assert layer_store.commit(third, Change(previous=previous)) != made
    assert len(layer_store.all()) == 2
    assert in_progress(store) == []


def test_another_change_is_another_layer(layer_store: LayerStore) -> None:
    first, second = layer_store.prepare(), layer_store.prepare()
    fill(first)
    fill(second, "other")
    assert layer_store.commit(first).id != layer_store.commit(second).id


def test_the_empty_change_is_one_layer_without_entries(layer_store: LayerStore) -> None:
    first = layer_store.commit(layer_store.prepare())
    assert (first.size_bytes, first.entries) == (0, 0)
    assert layer_store.commit(layer_store.prepare()) == first


def test_a_layer_can_be_given_a_name(layer_store: LayerStore, store: Store) -> None:
    name = image_layer_id(sha256_digest(b"tar"))
    active = layer_store.prepare()
    fill(active)
    info = layer_store.commit_as(active, name)
    assert (info.id, info.size_bytes, info.entries) == (name, 5, 5)
    assert layer_store.info(name) == info
    again = layer_store.prepare()
    assert layer_store.commit_as(again, name) == info, "the first one stays"
    assert (layer_store.directory(name) / "etc/motd").exists()
    facts = store.layers.find(name).facts
    assert facts is not None
    assert (facts.size_bytes, facts.entries) == (5, 5)


def test_a_diff_id_never_names_a_change_made_here(layer_store: LayerStore) -> None:
    made = layer_store.commit(layer_store.prepare())
    same_hex = LayerId(made.id.replace("content:", "diff:"))
    assert layer_store.info(same_hex) is None
    assert layer_store.directory(same_hex) != layer_store.directory(made.id)


def test_discarding_leaves_nothing_in_progress(layer_store: LayerStore, store: Store) -> None:
    active = layer_store.prepare()
    fill(active)
    layer_store.discard(active)
    assert in_progress(store) == []
    layer_store.discard(active)


def test_a_removed_layer_is_gone_and_can_be_made_again(layer_store: LayerStore) -> None:
    active = layer_store.prepare()
    fill(active)
    info = layer_store.commit(active)
    layer_store.remove(info.id)
    assert layer_store.info(info.id) is None
    assert not layer_store.directory(info.id).exists()
    layer_store.remove(info.id)
    again = layer_store.prepare()
    fill(again)
    assert layer_store.commit(again) == info


def test_an_unknown_layer_has_no_facts(layer_store: LayerStore) -> None:
    assert layer_store.info(image_layer_id(sha256_digest(b"unknown"))) is None


def test_of_many_equal_commits_at_once_one_wins_and_all_get_it(layer_store: LayerStore) -> None:
    actives = [layer_store.prepare() for _ in range(16)]
    for active in actives:
        fill(active)
    with ThreadPoolExecutor(8) as pool:
        infos = list(pool.map(layer_store.commit, actives))
    assert len({info.id for info in infos}) == 1
    assert (layer_store.directory(infos[0].id) / "etc/motd").read_text() == "hello"
    assert not any(active.path.exists() for active in actives)


def test_the_root_directory_of_the_stack_below_is_taken_over(layer_store: LayerStore) -> None:
    below, plain = layer_store.prepare(), layer_store.prepare()
    below.upper.chmod(0o1711)
    os.setxattr(below.upper, "user.a", b"1")
    stack = (layer_store.commit(below).id, layer_store.commit(plain).id)
    upper = layer_store.prepare(stack).upper
    assert upper.stat().st_mode & 0o7777 == 0o1711
    assert os.getxattr(upper, "user.a") == b"1"
    assert layer_store.prepare().upper.stat().st_mode & 0o7777 == 0o755


def test_a_layer_survives_its_store_being_closed(tmp_path: Path) -> None:
    for make in CATALOG.values():
        with Store.open(tmp_path / "again") as store:
            layer_store = make(store)
            active = layer_store.prepare()
            fill(active)
            info = layer_store.commit(active)
        with Store.open(tmp_path / "again") as store:
            assert make(store).info(info.id) == info


@pytest.mark.skipif(
    not os.access(sys.executable, os.X_OK), reason="this user may not start the interpreter"
)
def test_a_killed_process_leaves_nothing_half_made(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from jettison.store.store import Store\n"
        "from jettison.fs.ownership import process_ownership\n"
        "from jettison.snapshot.overlay import OverlayLayerStore\n"
        "layer_store = OverlayLayerStore(Store.open(Path(sys.argv[1])), process_ownership())\n"
        "active = layer_store.prepare()\n"
        "(active.upper / 'half').write_text('made')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    root = tmp_path / "store"
    command = [sys.executable, "-c", script, os.fspath(root)]
    environment = {**os.environ, "PYTHONPATH": os.fspath(ROOT / "src")}
    assert subprocess.run(command, env=environment, check=False).returncode == -9
    assert list((root / "tmp").glob("*/*/fs/half"))
    with Store.open(root) as store:
        assert list((root / "tmp").glob("*.owner")) == []
        assert in_progress(store) == []
        assert OverlayLayerStore(store, OWNERSHIP).all() == []


@pytest.mark.needs_root
@pytest.mark.skipif(os.geteuid() != 0, reason="changes the user")
def test_the_contract_holds_for_a_user_without_any_privilege() -> None:
    if shutil.which("setpriv") is None:
        if os.environ.get("CI"):
            pytest.fail("setpriv is not installed")
        pytest.skip("setpriv is not installed")
    nobody = 65534
    with tempfile.TemporaryDirectory(prefix="jettison-nobody-") as scratch:
        os.chown(scratch, nobody, nobody)
        command = [
            "setpriv", f"--reuid={nobody}", f"--regid={nobody}", "--clear-groups",
            "--bounding-set=-all", "--inh-caps=-all",
            sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
            f"--rootdir={ROOT}", "-c", os.fspath(ROOT / "pyproject.toml"),
            f"--basetemp={scratch}/tmp", os.fspath(Path(__file__)),
        ]  # fmt: skip
        environment = {
            **os.environ, "HOME": scratch, "PYTHONDONTWRITEBYTECODE": "1",
            "HYPOTHESIS_STORAGE_DIRECTORY": f"{scratch}/hypothesis",
        }  # fmt: skip
        environment.pop("PYTEST_XDIST_WORKER", None)
        done = subprocess.run(
            command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "passed" in done.stdout
