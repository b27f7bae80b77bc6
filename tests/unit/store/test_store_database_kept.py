"""A process that says so leaves the database's log to the next one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from jettison.store.database import Database

SCRIPT = """
import os, sys
from pathlib import Path
from jettison.store.database import Database, keep_open
if "keep" in sys.argv:
    keep_open()
for root in ("one", "two"):
    database = Database(Path(sys.argv[1]))
    database.set_file_memo(root, root.encode())
    database.close()
    del database
os._exit(0) if "killed" in sys.argv else sys.exit(0)
"""


def write(path: Path, *how: str) -> bool:
    """Write rows in a process; return whether it left a log."""
    subprocess.run([sys.executable, "-c", SCRIPT, str(path), *how], check=True)
    log = path.with_name(f"{path.name}-wal")
    return log.exists() and log.stat().st_size > 0


def test_the_log_stays_and_the_next_process_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    assert write(path, "keep", "killed")
    database = Database(path)
    assert (database.file_memo("one"), database.file_memo("two")) == (b"one", b"two")
    database.close()
    assert not os.path.exists(f"{path}-wal")


def test_it_is_removed_by_a_process_that_closes_or_ends_in_order(tmp_path: Path) -> None:
    assert not write(tmp_path / "closed.db", "killed")
    assert not write(tmp_path / "ended.db", "keep")
