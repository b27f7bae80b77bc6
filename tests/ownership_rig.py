"""How this process keeps owners, for tests that are about something else."""

from __future__ import annotations

from jettison.fs.ownership import process_ownership

OWNERSHIP = process_ownership()
