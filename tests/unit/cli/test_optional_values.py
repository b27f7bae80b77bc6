"""Flags that need not have a value take no path for one."""

from __future__ import annotations

import pytest

from jettison.cli.optional_values import with_values
from jettison.cli.report_flags import OPTIONAL_VALUES


@pytest.mark.parametrize(
    ("args", "wanted"),
    [
        (["--report", "."], ["--report=brief", "."]),
        (["--report", "full", "."], ["--report", "full", "."]),
        (
            ["--report", "json=x", "--report", "dir"],
            ["--report", "json=x", "--report=brief", "dir"],
        ),
        ([".", "--report"], [".", "--report=brief"]),
        (["--report=md", "."], ["--report=md", "."]),
        (["--", "--report"], ["--", "--report"]),
        (["--strict", "."], ["--strict=error", "."]),
        (["--strict", "warning", "."], ["--strict", "warning", "."]),
        (["--strict=warning"], ["--strict=warning"]),
        (["--probe", "."], ["--probe=3s", "."]),
        (["--probe", "10s", "."], ["--probe", "10s", "."]),
        (["--probe", "http://:80/x", "."], ["--probe", "http://:80/x", "."]),
        (
            ["--probe", "https://example.com/app.git"],
            ["--probe=3s", "https://example.com/app.git"],
        ),
        (["--probe=shop ping", "."], ["--probe=shop ping", "."]),
        (["--probe=", "."], ["--probe=3s", "."]),  # an empty variable of a script
        (["--strict=", "."], ["--strict=error", "."]),
    ],
)
def test_a_flag_without_a_value_takes_no_path_for_one(args: list[str], wanted: list[str]) -> None:
    assert with_values(args, OPTIONAL_VALUES) == wanted
