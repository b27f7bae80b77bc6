"""Traces of builds: what steps were keyed by, kept for the next build to compare itself with.

In:  bytes that ``why.trace`` makes.
Out: the same, the last ones of a project first.

Concurrency: as the database.
"""

from __future__ import annotations

import msgspec

from jettison.store.database import Database

_OF_A_PROJECT = 5
_IN_ALL = 200


class KeptTrace(msgspec.Struct, frozen=True):
    """A trace.

    Args:
        project: Digest of what tells one build definition from another.
        name: Of the image, without a tag; empty without one.
        image: Id of the image; empty if there is none.
        built_ns: When the build ended, nanoseconds since the epoch.
        content: It.
        id: Its number, later ones are greater; 0 is not kept as yet.
    """

    project: str
    name: str
    image: str
    built_ns: int
    content: bytes
    id: int = 0


_COLUMNS = "project, name, image, built_ns, content, id"


class TraceStore:
    """The last traces of each project."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, trace: KeptTrace) -> KeptTrace:
        """Keep a trace; the oldest go for it. Return it with its number."""
        with self._database.transaction():
            self._database.execute(
                "INSERT INTO trace (project, name, image, built_ns, content)"
                " VALUES (?, ?, ?, ?, ?)",
                (trace.project, trace.name, trace.image, trace.built_ns, trace.content),
            )
            number = int(self._database.query("SELECT max(id) FROM trace")[0][0])
            self._database.execute(
                "DELETE FROM trace WHERE project = ? AND id NOT IN"
                " (SELECT id FROM trace WHERE project = ? ORDER BY id DESC LIMIT ?)",
                (trace.project, trace.project, _OF_A_PROJECT),
            )
            self._database.execute(
                "DELETE FROM trace WHERE id NOT IN (SELECT id FROM trace ORDER BY id DESC LIMIT ?)",
                (_IN_ALL,),
            )
        return msgspec.structs.replace(trace, id=number)

    def knows(self, image: str, project: str) -> bool:
        """Tell whether there is a trace of an image as the result of a project."""
        rows = self._database.query(
            "SELECT 1 FROM trace WHERE image = ? AND project = ? LIMIT 1", (image, project)
        )
        return bool(rows)

    def before(self, trace: KeptTrace) -> list[KeptTrace]:
        """Return earlier traces of the same project, else of images of the same name; last first.

        Checkouts of one project are in other directories on other machines of a CI.
        """
        earlier = trace.id or (1 << 62)
        for column, value in (("project", trace.project), ("name", trace.name)):
            if value:
                found = self._select(f"{column} = ? AND id < ?", value, earlier)
                if found:
                    return found
        return []

    def of_image(self, image: str) -> KeptTrace | None:
        """Return the last trace of an image."""
        return next(iter(self._select("image = ?", image)), None)

    def last(self) -> KeptTrace | None:
        """Return the trace of the last build that ran something."""
        return next(iter(self._select("1")), None)

    def all(self) -> list[KeptTrace]:
        """Return all traces, the last one first."""
        return self._select("1", limit=_IN_ALL)

    def _select(
        self, where: str, *values: str | int, limit: int = _OF_A_PROJECT
    ) -> list[KeptTrace]:
        rows = self._database.query(
            f"SELECT {_COLUMNS} FROM trace WHERE {where} ORDER BY id DESC LIMIT ?",  # noqa: S608
            (*values, limit),
        )
        return [KeptTrace(*row) for row in rows]
