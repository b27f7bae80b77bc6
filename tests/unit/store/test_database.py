"""The state database: many processes, clear failures."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from jettison.errors import StorageError
from jettison.store import database as module
from jettison.store.database import SCHEMA_VERSION, Database

SOURCE = os.fspath(Path(__file__).parents[3] / "src")
INSERT = "INSERT INTO tag VALUES (?, ?)"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


def test_a_new_database_has_every_table(path: Path) -> None:
    database = Database(path)
    names = {name for (name,) in database.query("SELECT name FROM sqlite_master")}
    assert names >= {
        "meta", "record", "selection", "file_memo", "layer", "packed", "remote_layer",
        "image", "tag", "resolved", "lease",
    }  # fmt: skip
    assert database.query("SELECT version FROM meta") == [(SCHEMA_VERSION,)]
    assert database.query("PRAGMA journal_mode") == [("wal",)]
    database.close()
    assert os.listdir(path.parent) == ["state.db"]


def test_nothing_is_opened_before_the_first_statement(path: Path) -> None:
    database = Database(path)
    assert not path.exists()
    database.close()


def test_rows_survive_closing(path: Path) -> None:
    database = Database(path)
    assert database.execute(INSERT, ("a", "1")) == 1
    database.close()
    assert database.query("SELECT * FROM tag") == [("a", "1")]
    database.close()


def test_a_transaction_is_all_or_nothing(path: Path) -> None:
    database = Database(path)

    def fail() -> None:
        with database.transaction():
            database.execute(INSERT, ("a", "1"))
            with database.transaction():
                database.execute(INSERT, ("b", "2"))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert database.query("SELECT * FROM tag") == []
    with database.transaction():
        database.execute(INSERT, ("a", "1"))
    assert database.query("SELECT name FROM tag") == [("a",)]
    database.close()


def test_threads_share_a_database(path: Path) -> None:
    database = Database(path)

    def work(number: int) -> None:
        with database.transaction():
            database.execute(INSERT, (f"{number}a", "1"))
            database.execute(INSERT, (f"{number}b", "1"))
        assert len(database.query("SELECT * FROM tag WHERE name LIKE ?", (f"{number}_",))) == 2

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(10, 60)))
    assert database.query("SELECT count(*) FROM tag") == [(100,)]
    database.close()


def test_processes_may_make_and_use_it_at_the_same_time(path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from jettison.store.database import Database\n"
        "database = Database(Path(sys.argv[1]))\n"
        "for number in range(30):\n"
        "    with database.transaction():\n"
        "        rows = database.query('SELECT count(*) FROM tag')\n"
        "        database.execute('INSERT INTO tag VALUES (?, ?)', (str(rows[0][0]), sys.argv[2]))\n"
        "database.close()\n"
    )
    environment = {**os.environ, "PYTHONPATH": SOURCE}
    started = [
        subprocess.Popen([sys.executable, "-c", script, os.fspath(path), name], env=environment)
        for name in "abcd"
    ]
    assert [process.wait(60) for process in started] == [0, 0, 0, 0]
    database = Database(path)
    assert database.query("SELECT count(*) FROM tag") == [(120,)]
    database.close()


def test_a_killed_process_loses_no_commit(path: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path\n"
        "from jettison.store.database import Database\n"
        "database = Database(Path(sys.argv[1]))\n"
        "database.execute('INSERT INTO tag VALUES (?, ?)', ('kept', '1'))\n"
        "with database.transaction():\n"
        "    database.execute('INSERT INTO tag VALUES (?, ?)', ('lost', '1'))\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    command = [sys.executable, "-c", script, os.fspath(path)]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": SOURCE}, check=False)
    assert done.returncode == -9
    database = Database(path)
    assert database.query("SELECT name FROM tag") == [("kept",)]
    database.close()


def test_a_process_killed_while_it_made_the_schema_does_no_harm(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()
    (path.parent / "state.db.lock").touch()
    database = Database(path)
    assert database.query("SELECT count(*) FROM tag") == [(0,)]
    database.close()


@pytest.mark.parametrize("damage", [b"this is no database" * 300, None])
def test_a_damaged_file_is_told_and_left_alone(path: Path, damage: bytes | None) -> None:
    database = Database(path)
    database.execute_many(INSERT, [(f"name {number}", "x" * 100) for number in range(500)])
    database.close()
    data = path.read_bytes()
    damaged = damage if damage is not None else data[:4096] + b"\xa5" * (len(data) - 4096)
    path.write_bytes(damaged)
    with pytest.raises(StorageError, match="is damaged") as caught:
        database.query("SELECT * FROM tag")
    assert caught.value.hint is not None
    assert "move it" in caught.value.hint
    database.close()
    assert path.read_bytes() == damaged


def test_a_database_of_a_newer_version_is_refused(path: Path) -> None:
    database = Database(path)
    database.execute("UPDATE meta SET version = ?", (SCHEMA_VERSION + 1,))
    database.close()
    with pytest.raises(StorageError, match="newer version"):
        database.query("SELECT * FROM tag")
    database.close()


def test_an_older_schema_is_brought_up_to_date(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = Database(path)
    old.execute(INSERT, ("a", "1"))
    old.close()
    step = ("ALTER TABLE tag ADD COLUMN note TEXT NOT NULL DEFAULT 'none'",)
    monkeypatch.setitem(module._MIGRATIONS, SCHEMA_VERSION, step)
    monkeypatch.setattr(module, "SCHEMA_VERSION", SCHEMA_VERSION + 1)
    for _ in range(2):
        database = Database(path)
        assert database.query("SELECT * FROM tag") == [("a", "1", "none")]
        assert database.query("SELECT version FROM meta") == [(SCHEMA_VERSION + 1,)]
        database.close()


def test_records_of_layers_that_were_digested_otherwise_go(path: Path) -> None:
    with closing(sqlite3.connect(path)) as old:
        for version in range(4):
            for statement in module._MIGRATIONS[version]:
                old.execute(statement)
        old.execute("UPDATE meta SET version = 4")
        old.execute("INSERT INTO record VALUES ('key', 'layer', 'v', 'RUN make', 1, 2, x'90', '')")
        old.commit()
    database = Database(path)
    assert database.query("SELECT name, duration_ns FROM record") == []
    database.close()


def test_a_database_that_another_process_holds_too_long_is_told(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BUSY_SECONDS", 0.05)
    first, second = Database(path), Database(path)
    with first.transaction():
        first.execute(INSERT, ("a", "1"))
        with pytest.raises(StorageError, match="is locked by another process"):
            second.execute(INSERT, ("b", "1"))
        assert second.query("SELECT * FROM tag") == [], "reading does not wait"
    first.close()
    second.close()


def test_a_transaction_keeps_other_threads_out(path: Path) -> None:
    database = Database(path)
    inside, order = threading.Event(), []

    def other() -> None:
        inside.wait(10)
        database.execute(INSERT, ("other", "1"))
        order.append("other")

    thread = threading.Thread(target=other)
    thread.start()
    with database.transaction():
        inside.set()
        database.execute(INSERT, ("mine", "1"))
        order.append("mine")
    thread.join(10)
    assert order == ["mine", "other"]
    database.close()


def test_mistakes_in_sql_are_not_blamed_on_the_disk(path: Path) -> None:
    database = Database(path)
    with pytest.raises(sqlite3.OperationalError):
        database.query("SELECT nonsense FROM nowhere")
    database.close()


@pytest.mark.needs_root
def test_a_full_disk_is_told_and_the_rows_stay(small_disk: Path) -> None:
    database = Database(small_disk / "state.db")
    database.execute(INSERT, ("kept", "1"))
    with pytest.raises(StorageError, match="is full"):
        database.execute("INSERT INTO file_memo VALUES ('x', zeroblob(?))", (16 << 20,))
    assert database.query("SELECT name FROM tag") == [("kept",)]
    assert database.query("SELECT count(*) FROM file_memo") == [(0,)]
    database.close()


def test_file_memos_are_kept_by_directory(path: Path) -> None:
    database = Database(path)
    assert database.file_memo("/a") is None
    database.set_file_memo("/a", b"1")
    database.set_file_memo("/a", b"2")
    assert database.file_memo("/a") == b"2"
    database.close()


def test_a_second_connection_of_a_process_leaves_the_first_one_its_locks(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with closing(Database(path)) as first, closing(Database(path)) as second:
        assert first.query("SELECT version FROM meta")
        assert second.query("SELECT version FROM meta")
        program = (
            "import sqlite3, sys\n"
            "other = sqlite3.connect(sys.argv[1])\n"
            "other.execute('UPDATE meta SET version = version')\n"
            "other.commit()\n"
            "other.close()"
        )
        subprocess.run([sys.executable, "-c", program, path], check=True)
        # Who closes the last connection, by the locks, removes the log under the others.
        assert path.with_name("state.db-wal").exists()
