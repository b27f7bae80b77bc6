"""What formats of findings share: places, and JSON for people to read.

In:  spans, documents.
Out: their forms.
"""

from __future__ import annotations

import base64
from typing import Any

import msgspec

from jettison.errors import Span
from jettison.findings.source import Source

Json = dict[str, Any]


def without_empty(fields: Json) -> Json:
    """Return an object without the keys that have nothing to say."""
    return {name: value for name, value in fields.items() if value}


def location(span: Span | None) -> Json | None:
    """Return a place as docker writes it, None without one."""
    if span is None:
        return None
    return {"ranges": [{"start": {"line": span.line}, "end": {"line": end_line(span)}}]}


def end_line(span: Span) -> int:
    """Return the last line of a place."""
    return max(span.line, span.end_line)


def encoded(source: Source) -> str:
    """Return a Dockerfile's text in base64."""
    return base64.b64encode(source.text.encode()).decode()


def indented(document: Json) -> str:
    """Return a document as JSON, with a line break at the end."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"
