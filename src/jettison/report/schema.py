"""The JSON Schema of a report, from the docstrings and types of ``report.model``.

In:  nothing.
Out: a schema of draft 2020-12, and the page that describes its keys.

All keys of this version are required, since all are written; unknown ones are allowed, since a
later version may have more.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from typing import Any

import msgspec

from jettison.report import contents, model, verdict
from jettison.report.model import SCHEMA, Report

_FIELD = re.compile(r"^(?:    )?(\w+(?:, \w+)*): (.*(?:\n(?: {4,}.*))*)", re.MULTILINE)
_DEFINITIONS = "$defs"

Schema = dict[str, Any]


def schema() -> Schema:
    """Return the JSON Schema."""
    (root,), definitions = msgspec.json.schema_components(
        [Report], ref_template=f"#/{_DEFINITIONS}/{{name}}"
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:jettison:{SCHEMA}",
        "title": "Report of a build",
        **root,
        _DEFINITIONS: {name: _described(name, definitions[name]) for name in sorted(definitions)},
    }


def page() -> str:
    """Return the page that lists all keys, as Markdown."""
    definitions = schema()[_DEFINITIONS]
    order = ["Report", *(name for name in _structs() if name in definitions and name != "Report")]
    lines = [_HEAD]
    for name in order:
        definition = definitions[name]
        lines += [f"## {name}", "", definition["description"], "", "| key | type | meaning |"]
        lines.append("|---|---|---|")
        for key, value in definition["properties"].items():
            about = value.get("description", "").replace("``", "`").replace("|", "\\|")
            lines.append(f"| `{key}` | {_type(value)} | {about} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _described(name: str, definition: Schema) -> Schema:
    """Return a definition with all its keys required, and what they mean."""
    struct = _structs()[name]
    text = inspect.cleandoc(struct.__doc__ or "")
    summary, _, arguments = text.partition("\n\nArgs:\n")
    about = _meanings(arguments)
    encoded = {field.encode_name: field.name for field in msgspec.structs.fields(struct)}
    properties = {
        key: {**value, **({"description": about[encoded[key]]} if encoded[key] in about else {})}
        for key, value in definition["properties"].items()
    }
    return {
        **{key: value for key, value in definition.items() if key != "title"},
        "description": " ".join(summary.replace("``", "`").split()),
        "properties": {key: _plain(value) for key, value in properties.items()},
        "required": list(properties),
    }


def _plain(value: Schema) -> Schema:
    return {key: each for key, each in value.items() if key != "default"}


def _meanings(arguments: str) -> dict[str, str]:
    found = {}
    for match in _FIELD.finditer(textwrap.dedent(arguments)):
        text = " ".join(match[2].split()).removesuffix(".").replace("None", "null")
        for name in match[1].split(", "):
            found[name] = text
    return found


def _structs() -> dict[str, type]:
    """Return the structs by name, the wholes before their parts."""
    return {
        name: each
        for module in (model, contents, verdict)
        for name, each in reversed(vars(module).items())
        if isinstance(each, type) and issubclass(each, msgspec.Struct)
    }


def _type(value: Schema) -> str:
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in value:
        return " or ".join(_type(each) for each in value["anyOf"])
    if value.get("type") == "array":
        return f"list of {_type(value['items'])}"
    if value.get("type") == "object":
        inner = value.get("additionalProperties")
        return f"object of {_type(inner)}" if isinstance(inner, dict) else "object"
    return str(value.get("type", "any"))


_HEAD = f"""# The report as JSON

`jettison build --report json=FILE` writes it, and `jettison report --report json IMAGE` writes it
again. This page and the [schema](report.schema.json) (JSON Schema, draft 2020-12) are made from
`jettison.report.model`. `schema` is `{SCHEMA}` until a key is removed or means something else;
keys may be added, so a reader should not mind those that it does not know. Bytes are integers, of
regular files with hard links once; seconds are numbers. What is not known is null.
"""
