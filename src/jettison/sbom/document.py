"""What documents of both formats have in common: names that follow from what they say, lines.

In:  a ``Bom``.
Out: a UUID; JSON as pieces of bytes.

Documents are written piece by piece, each element of a list on a line: they may be many times as
large as what is kept of them, and two of them can be compared by lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any

import msgspec

from jettison.sbom.model import Bom, Component


def document_uuid(bom: Bom, form: str) -> str:
    """Return a UUID (RFC 9562, version 8) that follows from all that a document says.

    Args:
        bom: What it says.
        form: Its format.
    """
    digest = sha256(form.encode())
    encoder = msgspec.msgpack.Encoder()
    digest.update(encoder.encode((bom.name, bom.created, bom.version)))
    for subject in bom.subjects:
        digest.update(encoder.encode(msgspec.structs.replace(subject, components=())))
        for component in subject.components:
            digest.update(encoder.encode(_stable(component)))
    text = digest.hexdigest()
    variant = "89ab"[int(text[16], 16) & 3]
    return f"{text[:8]}-{text[8:12]}-8{text[13:16]}-{variant}{text[17:20]}-{text[20:32]}"


def _stable(component: Component) -> Component:
    """Return what documents say of a component; a path of a file that stands for all is not."""
    owned = component.record.owned._replace(sample="")
    record = msgspec.structs.replace(component.record, owned=owned)
    return msgspec.structs.replace(component, record=record)


def json_lines(parts: Iterable[tuple[str, Any]]) -> Iterator[bytes]:
    """Yield a JSON object of members; of an iterator as value, each element is on a line."""
    yield from _object(parts)
    yield b"\n"


def _object(parts: Iterable[tuple[str, Any]]) -> Iterator[bytes]:
    encode = msgspec.json.encode
    before = b"{\n"
    for name, value in parts:
        yield before + encode(name) + b": "
        before = b",\n"
        if isinstance(value, Iterator):
            yield from _list(value)
        else:
            yield encode(value)
    yield b"\n}"


def _list(elements: Iterator[Any]) -> Iterator[bytes]:
    before = b"[\n"
    for each in elements:
        yield before
        before = b",\n"
        if isinstance(each, dict) and any(isinstance(one, Iterator) for one in each.values()):
            yield from _object(each.items())
        else:
            yield msgspec.json.encode(each)
    yield b"[]" if before == b"[\n" else b"\n]"
