"""What a build is compared with: reports in files, and what is different."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from jettison.api.baseline import against, report_file
from jettison.errors import UsageError
from jettison.report.model import Report
from jettison.report.verdict import Delta

SAMPLE = msgspec.json.decode(
    (Path(__file__).parents[1] / "report" / "go-scratch.json").read_bytes(), type=Report
)
replace = msgspec.structs.replace


def test_a_report_is_read_from_its_file_and_a_name_of_none_is_none(tmp_path: Path) -> None:
    path = tmp_path / "main.json"
    path.write_bytes(msgspec.json.encode(SAMPLE))
    assert report_file(str(path)) == SAMPLE
    assert report_file(str(tmp_path / "app:main")) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[" * 100_000,
        '{"image": 5}',
        msgspec.json.encode(replace(SAMPLE, schema="report/v9")).decode(),
    ],
)
def test_a_file_that_is_no_report_is_an_error_that_names_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "main.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"--baseline: `.*main\.json` is no report: "):
        report_file(str(path))


def test_a_pipe_or_a_file_without_end_holds_nobody_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "large").open("wb") as file:
        file.truncate(1 << 40)
    for name in ("pipe", "large", "."):
        with pytest.raises(UsageError, match="--baseline: cannot read"):
            report_file(str(tmp_path / name))


def test_the_difference_is_this_build_less_the_other_one() -> None:
    image = replace(SAMPLE.image, shipped=SAMPLE.image.shipped + 10, files=3, wasted=2)
    layers = (*image.layers, replace(image.layers[0], diff_id="sha256:x"))
    packages = (*SAMPLE.packages, replace(SAMPLE.packages[1], name="other"))
    report = replace(
        SAMPLE, image=replace(image, layers=layers, compressed=None), packages=packages
    )
    found = against(report, SAMPLE, "app:main")
    assert found.delta == Delta(10, None, 2, 2, 1, 1)
    assert (found.ref, found.shipped) == ("app:main", SAMPLE.image.shipped)
    assert found.layers == (SAMPLE.image.layers[0].diff_id,)
    packed = replace(report, image=replace(report.image, compressed=5_000_000))
    assert against(packed, SAMPLE, "x").delta.compressed == 900_000
