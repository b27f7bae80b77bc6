"""Answers are kept between processes, and forgotten after a long time."""

from __future__ import annotations

from pathlib import Path

from jettison.cache.record import AnswerMemo
from jettison.oci.digest import sha256_digest
from jettison.store.database import Database

QUESTION = sha256_digest(b"question")


def test_an_answer_is_there_for_the_next_process(tmp_path: Path) -> None:
    database = Database(tmp_path / "state.db")
    memo = AnswerMemo(database)
    assert memo.find(QUESTION) is None
    memo.keep(QUESTION, b"one")
    memo.keep(QUESTION, b"two")
    database.close()
    again = Database(tmp_path / "state.db")
    assert AnswerMemo(again).find(QUESTION) == b"two"
    again.close()


def test_an_old_answer_goes_when_another_one_is_kept(tmp_path: Path) -> None:
    database = Database(tmp_path / "state.db")
    memo = AnswerMemo(database)
    memo.keep(QUESTION, b"old")
    database.execute("UPDATE answer SET used_ns = 1")
    memo.keep(sha256_digest(b"other"), b"new")
    assert memo.find(QUESTION) is None
    database.close()
