"""``rpmdb.sqlite``: the form that RPM has written since 4.16.

In:  the path of a database on the host.
Out: headers.

Source: RPM, ``lib/backend/sqlite.c`` for the table.

Security: the database is opened read-only, its schema is not trusted (no views, triggers or
functions of it take effect), and statements end after a number of steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from jettison.analysis.packages.rpm.header import MAX_HEADER

_STEPS = 200_000_000
_STEPS_AT_ONCE = 1_000_000


def sqlite_headers(path: Path) -> Iterator[bytes]:
    """Yield the headers of a database.

    Raises:
        ValueError: it is damaged.
    """
    import sqlite3  # few images have it

    steps = 0

    def count() -> bool:
        nonlocal steps
        steps += _STEPS_AT_ONCE
        return steps > _STEPS

    try:
        uri = f"file:{quote(str(path))}?mode=ro&immutable=1"
        with closing(sqlite3.connect(uri, uri=True)) as database:
            database.execute("PRAGMA trusted_schema=OFF")
            database.execute("PRAGMA cell_size_check=ON")
            database.set_progress_handler(count, _STEPS_AT_ONCE)
            kinds = database.execute("SELECT type FROM sqlite_schema WHERE name = 'Packages'")
            if kinds.fetchall() != [("table",)]:
                raise ValueError("it has no table of packages")
            rows = database.execute(
                "SELECT blob FROM Packages WHERE length(blob) <= ?", (MAX_HEADER,)
            )
            for (blob,) in rows:
                if isinstance(blob, bytes):
                    yield blob
    except sqlite3.Error as error:
        raise ValueError(str(error)) from error
