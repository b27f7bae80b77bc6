"""How varied bytes are.

In:  bytes.
Out: bits.
"""

from __future__ import annotations

import math
from collections import Counter

_LOOKED_AT = 1 << 10


def entropy(data: bytes) -> float:
    """Return the bits of entropy in each byte, by how often bytes are in the first kilobyte.

    >>> entropy(b"aabb")
    1.0
    """
    data = data[:_LOOKED_AT]
    total = len(data)
    return -sum(n / total * math.log2(n / total) for n in Counter(data).values())
