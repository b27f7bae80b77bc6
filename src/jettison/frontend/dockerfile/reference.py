"""The reference: which version of the language is spoken here, and whose behaviour is followed.

``docs/dockerfile.md`` has every instruction and flag with its version there and its state here.
"""

from __future__ import annotations

DOCKERFILE_VERSION = "1.29"
"""Of the Dockerfile syntax."""

BUILDKIT_VERSION = "0.35.1"
"""Of BuildKit: its messages, its history texts, its defaults."""
