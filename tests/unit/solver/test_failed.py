"""Failed steps that are kept: what of them, and for how long."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from jettison.copier.passwd import UserIds
from jettison.fs.lock import FileLock
from jettison.plan.op import ExecOp
from jettison.sandbox.spec import BindMount, FileMount, TmpfsMount
from jettison.snapshot.overlay import OverlayLayerStore
from jettison.solver.failed import FailedStep, forget, keep, kept_steps
from jettison.store.layer import LayerId
from jettison.store.store import Store
from ownership_rig import OWNERSHIP

STEP = FailedStep(
    vertex="sha256:" + "ab" * 32,
    name="[1/2] RUN make",
    exit_code=2,
    op=ExecOp(argv=("make",), env=("A=1",), cwd="/"),
    base=(LayerId("sha256:" + "1" * 64),),
    user=UserIds(7, 8, (8,)),
    mounts=(TmpfsMount("/t"), FileMount("/f", b"\xff"), BindMount(Path("/cache"), "/c")),
)

NO_SECRETS: dict[str, bytes] = {}


@pytest.fixture
def store(tmp_path: Path):
    with Store.open(tmp_path / "store") as opened:
        yield opened


def kept(store: Store, step: FailedStep = STEP, secrets=NO_SECRETS, content: str = "half") -> None:
    active = OverlayLayerStore(store, OWNERSHIP).prepare()
    (active.upper / "made").write_text(content)
    keep(store.failed, step, active, secrets)


def test_a_step_is_kept_whole_with_its_files(store):
    kept(store)
    (found,) = kept_steps(store.failed)
    assert found.step == STEP
    assert (found.upper / "made").read_text() == "half"
    assert found.work.is_dir()
    assert found.directory.stat().st_mode & 0o077 == 0


def test_the_last_one_comes_first(store):
    for number in range(3):
        kept(store, content=str(number))
    assert [(each.upper / "made").read_text() for each in kept_steps(store.failed)] == [*"210"]


def test_a_step_whose_files_hold_a_secret_is_not_kept(store):
    kept(store, secrets={"id": b"s3cret-value"}, content="has s3cret-value in it")
    assert kept_steps(store.failed) == []
    kept(store, secrets={"id": b"s3cret-value"})
    assert len(kept_steps(store.failed)) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"user": UserIds(7, 8, (8,), "/home/\udcff")},
        {"mounts": (BindMount(Path("/\udcff"), "/c"),)},
    ],
    ids=["home", "path"],
)
def test_a_step_with_bytes_that_are_no_text_is_not_kept_and_that_is_no_error(store, fields):
    kept(store, msgspec.structs.replace(STEP, **fields))
    assert kept_steps(store.failed) == []


@pytest.mark.parametrize("data", [None, b"", b"\xff", b"\x80"])
def test_what_cannot_be_read_is_passed_over(store, data):
    kept(store)
    (found,) = kept_steps(store.failed)
    if data is None:
        (found.directory / "step").unlink()
    else:
        (found.directory / "step").write_bytes(data)
    assert kept_steps(store.failed) == []


def test_what_nobody_looks_at_is_forgotten(store):
    kept(store, content="seen")
    kept(store, content="unseen")
    (seen,) = (e for e in kept_steps(store.failed) if (e.upper / "made").read_text() == "seen")
    with seen.lock():
        forget(store)
        assert [each.directory for each in kept_steps(store.failed)] == [seen.directory]
    forget(store)
    assert list(store.failed.iterdir()) == []
    forget(store)


def test_a_lock_is_beside_its_step_and_is_none(store):
    kept(store)
    (found,) = kept_steps(store.failed)
    assert isinstance(found.lock(), FileLock)
    with found.lock():
        assert len(kept_steps(store.failed)) == 1
