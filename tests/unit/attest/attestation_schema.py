"""JSON schemas of what attestations are, written from the public specifications.

Source: in-toto attestation framework v1 (statement, resource descriptor); SLSA provenance v1.
"""

from __future__ import annotations

from typing import Any

import jsonschema

_TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
_DIGESTS = {
    "type": "object",
    "additionalProperties": {"type": "string", "pattern": "^[0-9a-f]{40,128}$"},
    "propertyNames": {"enum": ["sha256", "sha384", "sha512", "sha1", "gitCommit"]},
}
_RESOURCE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "uri": {"type": "string", "format": "uri", "pattern": "^[a-z][a-z0-9+.-]*:"},
        "digest": _DIGESTS,
        "name": {"type": "string"},
        "downloadLocation": {"type": "string"},
        "mediaType": {"type": "string"},
        "content": {"type": "string"},
        "annotations": {"type": "object"},
    },
    "additionalProperties": False,
    "anyOf": [{"required": ["uri"]}, {"required": ["digest"]}, {"required": ["content"]}],
}
_TIME = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"}

PROVENANCE: dict[str, Any] = {
    "type": "object",
    "required": ["buildDefinition", "runDetails"],
    "additionalProperties": False,
    "properties": {
        "buildDefinition": {
            "type": "object",
            "required": ["buildType", "externalParameters"],
            "additionalProperties": False,
            "properties": {
                "buildType": {"type": "string", "pattern": "^[a-z][a-z0-9+.-]*:"},
                "externalParameters": {"type": "object"},
                "internalParameters": {"type": "object"},
                "resolvedDependencies": {"type": "array", "items": _RESOURCE},
            },
        },
        "runDetails": {
            "type": "object",
            "required": ["builder"],
            "additionalProperties": False,
            "properties": {
                "builder": {
                    "type": "object",
                    "required": ["id"],
                    "additionalProperties": False,
                    "properties": {
                        "id": {"type": "string", "pattern": "^[a-z][a-z0-9+.-]*:"},
                        "version": _TEXTS,
                        "builderDependencies": {"type": "array", "items": _RESOURCE},
                    },
                },
                "metadata": {
                    "type": "object",
                    "properties": {
                        "invocationId": {"type": "string"},
                        "startedOn": _TIME,
                        "finishedOn": _TIME,
                    },
                    # Extensions have names with the producer's before them.
                    "patternProperties": {"^buildkit_[a-z]+$": {}},
                    "additionalProperties": False,
                },
                "byproducts": {"type": "array", "items": _RESOURCE},
            },
        },
    },
}

STATEMENT: dict[str, Any] = {
    "type": "object",
    "required": ["_type", "subject", "predicateType", "predicate"],
    "additionalProperties": False,
    "properties": {
        "_type": {"const": "https://in-toto.io/Statement/v1"},
        "subject": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["name", "digest"],
                "properties": {
                    "name": {"type": "string"},
                    "digest": {**_DIGESTS, "minProperties": 1},
                },
            },
        },
        "predicateType": {"type": "string", "pattern": "^https://"},
        "predicate": {"type": "object"},
    },
}


def check(schema: dict[str, Any], document: Any) -> None:
    jsonschema.Draft202012Validator(schema).validate(document)
