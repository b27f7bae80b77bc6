from __future__ import annotations

import pytest

from jettison.api.diff import ConfigChange, config_changes


def config(**fields: object) -> dict[str, object]:
    return {"os": "linux", "created": "now", "config": fields}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {}, []),
        ({"User": ""}, {}, []),
        ({"Cmd": ["a"]}, {"Cmd": ["b"]}, [ConfigChange("Cmd", ["a"], ["b"])]),
        ({"Env": ["A=1", "B=2"]}, {"Env": ["B=2", "A=3="]}, [ConfigChange("Env.A", "1", "3=")]),
        ({"Labels": {"x": "1"}}, {"Labels": None}, [ConfigChange("Labels.x", "1", None)]),
        ({}, {"ExposedPorts": {"80/tcp": {}}}, [ConfigChange("ExposedPorts.80/tcp", None, True)]),
    ],
)
def test_fields_that_differ(before, after, expected) -> None:
    assert list(config_changes(config(**before), config(**after))) == expected


def test_a_platform_is_a_field_and_a_time_is_none() -> None:
    found = config_changes({"os": "linux", "created": "a"}, {"os": "other", "created": "b"})
    assert list(found) == [ConfigChange("os", "linux", "other")]
