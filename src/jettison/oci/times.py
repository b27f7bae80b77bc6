"""Times as documents of images have them.

In:  RFC 3339 texts.
Out: seconds since the epoch.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime


def epoch(created: str) -> float:
    """Return seconds since the epoch of an RFC 3339 time; 0 for one that cannot be read."""
    try:
        # Python reads microseconds at most, images write nanoseconds.
        text = re.sub(r"(\.\d{6})\d+", r"\1", created)
        time = datetime.fromisoformat(text)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    except ValueError:
        return 0.0
