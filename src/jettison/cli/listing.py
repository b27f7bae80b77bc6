"""Lists of things as ``--format`` asks for: a table, JSON or a template.

In:  columns, rows, the value of ``--format``.
Out: text, in docker's shape.

Source: docker's ``formatter`` package (``table``, headings, escapes, JSON with sorted names).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from jettison.cli.table import aligned
from jettison.console.terminal import safe_json
from jettison.linux.text import printable

if TYPE_CHECKING:
    from jettison.console.template.values import Row

_HTML = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


class Listing:
    """How one kind of things is listed.

    Args:
        type_name: What errors of templates call a row.
        headings: Title of each field, by name.
        shown: Names of the fields of the usual table.
    """

    def __init__(self, type_name: str, headings: Mapping[str, str], shown: Sequence[str]) -> None:
        self._type_name = type_name
        self._headings = headings
        self._shown = shown

    def render(self, form: str, rows: Iterable[Mapping[str, object]]) -> str:
        """Return the text of a list, ending in a newline, for ``console.terminal.out``.

        Args:
            form: Empty or ``table``, ``json``, ``table TEMPLATE`` or a template.
            rows: Values by name; those of texts may be anybody's.

        Raises:
            UsageError: the template is none, or asks for a field that there is not.
        """
        form = form.strip().replace("\\t", "\t").replace("\\n", "\n")
        if form in {"", "table"}:
            titles = "\t".join(self._headings[name] for name in self._shown)
            lines = ["\t".join(printable(str(row[name])) for name in self._shown) for row in rows]
            return aligned([titles, *lines])
        if form == "json":
            return "".join(f"{_json(row)}\n" for row in rows)
        from jettison.console.template.evaluate import Template

        head, found, rest = form.partition(" ")
        if found and head == "table":
            template = Template(rest.strip())
            heading = template.render(self._row(self._headings), heading=True)
            lines = [template.render(self._row(row)) for row in rows]
            return aligned([heading, *(printable(line, keep="\n") for line in lines)])
        template = Template(form)
        return "".join(f"{template.render(self._row(row))}\n" for row in rows)

    def _row(self, fields: Mapping[str, object]) -> Row:
        from jettison.console.template.values import Row

        return Row(self._type_name, fields)


def rendered(form: str, document: object) -> str:
    """Return a template's text for one document, ending in a newline.

    Raises:
        UsageError: the template is none, or asks for a field that there is not.
    """
    from jettison.console.template.evaluate import Template

    return Template(form.strip().replace("\\t", "\t").replace("\\n", "\n")).render(document) + "\n"


def _json(row: Mapping[str, object]) -> str:
    text = json.dumps(row, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return safe_json(text.translate(_HTML))
