"""Records are found by key, kept with what the key was made of, and noted when they are used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jettison.cache.key import CacheKey, copy_key, exec_key
from jettison.cache.preimage import PreimageStore
from jettison.cache.record import Record, RecordStore, SelectionMemo
from jettison.oci.digest import raw, sha256_digest
from jettison.plan.op import CopyOp, ExecOp
from jettison.store.database import Database
from jettison.store.layer import LayerId

ONE_DIGEST = sha256_digest(b"1")
ONE, TWO = (LayerId(f"content:{sha256_digest(name)}") for name in (b"1", b"2"))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "state.db")
    yield opened
    opened.close()


def key(command: str, *base: LayerId) -> CacheKey:
    return exec_key(ExecOp(argv=(command,), env=(), cwd="/"), base, ())


def test_a_record_is_found_by_its_key_and_by_nothing_else(database: Database) -> None:
    records = RecordStore(database)
    records.keep(key("make"), Record(ONE, 5, "v", "RUN make", duration_ns=7))
    assert records.find(key("make").digest) == Record(ONE, 5, "v", "RUN make", duration_ns=7)
    assert records.find(key("test").digest) is None


def test_a_later_record_of_a_key_takes_the_place_of_the_earlier(database: Database) -> None:
    records = RecordStore(database)
    records.keep(key("make"), Record(ONE, 5, "v"))
    records.keep(key("make"), Record(TWO, 6, "v"))
    assert records.find(key("make").digest) == Record(TWO, 6, "v")
    assert database.query("SELECT count(*) FROM record") == [(1,)]


def test_the_last_layer_of_a_definition_is_known_whatever_its_key(database: Database) -> None:
    records = RecordStore(database)
    records.keep(key("make", ONE), Record(ONE, 5, "v"))
    records.keep(key("make", TWO), Record(TWO, 6, "v"))
    assert records.latest("v") == TWO
    assert records.latest("other") is None


def test_how_long_a_step_took_is_known_by_its_definition_else_by_its_name(
    database: Database,
) -> None:
    records = RecordStore(database)
    assert records.expected_ns("v", "RUN make") == 0
    records.keep(key("make"), Record(ONE, 5, "v", "RUN make", duration_ns=7))
    records.keep(key("again"), Record(ONE, 6, "v", "RUN make", duration_ns=0))
    records.keep(key("later"), Record(ONE, 7, "w", "RUN make", duration_ns=9))
    assert records.expected_ns("v", "RUN other") == 7
    assert records.expected_ns("changed", "RUN make") == 9
    assert records.expected_ns("changed", "RUN other") == 0


def test_what_digests_in_keys_are_of_is_kept_with_the_record(database: Database) -> None:
    made = copy_key(CopyOp(sources=(), dest="/"), ONE_DIGEST, ONE_DIGEST, {b"1": b"files"})
    RecordStore(database).keep(made, Record(ONE, 5, "v"))
    assert PreimageStore(database).find(b"1") == b"files"
    assert dict(made.components)["selected files"] == raw(ONE_DIGEST)


def test_a_use_is_noted_once_an_hour(database: Database) -> None:
    records = RecordStore(database)
    for command in ("old", "young"):
        records.keep(key(command), Record(ONE, 5))
    database.execute("UPDATE record SET used_ns = 7 WHERE key = ?", (key("old").digest,))
    before: dict[str, int] = dict(database.query("SELECT key, used_ns FROM record"))
    for command in ("old", "young"):
        records.find(key(command).digest)
    records.note_used()
    noted: dict[str, int] = dict(database.query("SELECT key, used_ns FROM record"))
    assert noted[key("old").digest] >= before[key("young").digest]
    assert noted[key("young").digest] == before[key("young").digest]


def test_answers_about_a_stack_belong_to_the_question(database: Database) -> None:
    memo = SelectionMemo(database)
    stack, one, other = (sha256_digest(name) for name in (b"s", b"1", b"2"))
    memo.keep(stack, one, sha256_digest(b"answer"))
    assert memo.find(stack, one) == sha256_digest(b"answer")
    assert memo.find(stack, other) is None
    assert memo.find(one, one) is None
