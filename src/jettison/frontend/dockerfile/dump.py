"""Dumps of the syntax tree: S-expressions and JSON.

In:  nodes or a ``Dockerfile``.
Out: text for ``jettison debug parse``.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from jettison.frontend.dockerfile.syntax import Dockerfile, Node
from jettison.frontend.dockerfile.text import SPACES, quote


def to_sexpr(nodes: Iterable[Node]) -> str:
    """Return one S-expression a line: name, flags in brackets, quoted arguments."""
    return "".join(f"({_node(node)})\n" for node in nodes)


def _node(node: Node) -> str:
    parts = [node.keyword.lower()]
    if node.flags:
        parts.append(f"[{' '.join(map(quote, node.flags))}]")
    if node.child is not None:
        parts.append(f"({_node(node.child)})")
    parts.extend(map(quote, node.args))
    return " ".join(parts).strip(SPACES)


def to_json(dockerfile: Dockerfile) -> str:
    """Return the typed tree as indented JSON: one object an instruction, named by ``name``."""
    document = {
        "filename": dockerfile.filename,
        "escape": dockerfile.escape,
        "directives": dockerfile.directives,
        "instructions": [
            {"name": each.name, **msgspec.structs.asdict(each)} for each in dockerfile.instructions
        ],
        "warnings": dockerfile.warnings,
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"
