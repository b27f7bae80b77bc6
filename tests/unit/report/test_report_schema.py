"""The published schema: it is that of the code, and says what a report must have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from report_schema import PLACE, documents

from jettison.report.schema import schema

SAMPLE = json.loads(Path(__file__).with_name("go-scratch.json").read_bytes())
VALIDATOR = jsonschema.Draft202012Validator(schema())


def test_the_published_files_are_those_of_the_code() -> None:
    for name, data in documents().items():
        assert (PLACE / name).read_bytes() == data, "run scripts/report_schema.py"


def test_the_schema_is_a_schema_and_a_report_fits_it() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    VALIDATOR.validate(SAMPLE)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda report: report["image"].pop("shipped"),
        lambda report: report["stages"][0].update(added=1.5),
        lambda report: report["stages"][0].update(added="1"),
        lambda report: report["cache"].pop("hits"),
        lambda report: report["crossings"][0].pop("from"),
        lambda report: report.update(findings=[{"id": "x"}]),
    ],
)
def test_a_report_that_lacks_a_key_or_has_another_type_does_not_fit(spoil: Any) -> None:
    report = json.loads(json.dumps(SAMPLE))
    spoil(report)
    assert list(VALIDATOR.iter_errors(report))


def test_what_numbers_mean_is_described() -> None:
    definitions = schema()["$defs"]
    assert all(each["description"] for each in definitions.values())
    obvious = {"name", "layers"}
    missing = [
        f"{name}.{key}"
        for name in (
            "Image",
            "Stage",
            "Step",
            "Layer",
            "Counterfactual",
            "Surface",
            "Cache",
            "Gate",
        )
        for key, value in definitions[name]["properties"].items()
        if "description" not in value and key not in obvious
    ]
    assert missing == []


def test_bytes_are_integers() -> None:
    kinds = {
        (key, value.get("type", "or null"))
        for definition in schema()["$defs"].values()
        for key, value in definition["properties"].items()
        if key in {"bytes", "shipped", "visible", "added", "reached", "left", "wasted", "produced"}
    }
    assert {key for key, _ in kinds} >= {"bytes", "shipped", "left"}
    assert {kind for _, kind in kinds} == {"integer", "or null"}
    cause = schema()["$defs"]["Cause"]["properties"]["bytes"]
    assert cause["anyOf"] == [{"type": "integer"}, {"type": "null"}]
