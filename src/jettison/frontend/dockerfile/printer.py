r"""The printer: nodes back to the text of a Dockerfile.

In:  nodes, the escape character.
Out: text that parses to equal nodes; only spans and the spelling of blanks are lost.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from jettison.frontend.dockerfile.lines import MAX_LINE_BYTES
from jettison.frontend.dockerfile.syntax import Node
from jettison.frontend.dockerfile.text import SPACES
from jettison.frontend.dockerfile.words import DEFAULT_ESCAPE

_MAX_CHARS = MAX_LINE_BYTES // 4 - 16


def print_nodes(nodes: Iterable[Node], escape: str = DEFAULT_ESCAPE) -> str:
    r"""Return a file with these instructions.

    >>> from jettison.frontend.dockerfile.parser import parse_nodes
    >>> print(print_nodes(parse_nodes(b"from  a\nCMD [ \"x\" ]")), end="")
    from a
    CMD ["x"]
    """
    out = [] if escape == DEFAULT_ESCAPE else [f"# escape={escape}\n\n"]
    for node in nodes:
        out.extend(f"# {comment}\n" for comment in node.comments)
        out.append(_folded(_line(node), escape))
        out.extend(f"{each.content}{each.name}\n" for each in node.heredocs)
    return "".join(out)


def _line(node: Node) -> str:
    parts = [node.keyword, *map(_flag, node.flags)]
    if node.child is not None:
        parts.append(_line(node.child))
    elif node.is_json and node.keyword.upper() == "HEALTHCHECK":
        parts += (node.args[0], _json(node.args[1:]))
    elif node.is_json:
        parts.append(_json(node.args))
    elif node.keyword.upper() in {"ENV", "LABEL"}:
        triples = zip(node.args[::3], node.args[1::3], node.args[2::3], strict=True)
        parts.extend(f"{key}{separator or ' '}{value}" for key, value, separator in triples)
    else:
        # Without flags a first argument could be taken for one: a lone `--` says that it is none.
        if node.args and node.args[0].startswith("--"):
            parts.append("--")
        parts.extend(node.args)
    return " ".join(parts)


def _json(args: tuple[str, ...]) -> str:
    return msgspec.json.format(msgspec.json.encode(args), indent=0).decode()


def _flag(flag: str) -> str:
    return "".join(f"\\{char}" if char in SPACES or char in "'\"\\" else char for char in flag)


def _folded(line: str, escape: str) -> str:
    """Return a line with its newline, continued on further lines where it is too long."""
    pieces: list[str] = []
    line = line.rstrip(" \t")
    while len(line) > _MAX_CHARS:
        cut = _MAX_CHARS
        while cut > 1 and (line[cut] in SPACES or line[cut] == "#" or line[cut - 1] == escape):
            cut -= 1
        pieces.append(f"{line[:cut]}{escape}\n")
        line = line[cut:]
    if line.endswith(escape) and not line.endswith(escape * 2):
        line += "\f"  # white space, but none that an escape character may stand before
    return "".join([*pieces, line, "\n"])
