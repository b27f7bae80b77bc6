"""Values of ``--filter``: docker's times and labels, and errors for all else."""

from __future__ import annotations

import time

import pytest

from jettison.api.filters import ImageFilter, LabelFilter
from jettison.cli.filters import image_filter, parse_filters, parse_time
from jettison.cli.main import run
from jettison.errors import UsageError


def test_filters_become_what_an_image_must_be() -> None:
    given = ["label=a", "label=b=c=d", "label!=e", "reference=x", "dangling=TRUE", "until=60"]
    found = parse_filters(given, ("label", "reference", "dangling", "until"), command="images")
    assert image_filter(found, pattern="y") == ImageFilter(
        references=("x", "y"),
        dangling=True,
        labels=(LabelFilter("a"), LabelFilter("b", "c=d"), LabelFilter("e", absent=True)),
        until=60.0,
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("1.25", 1.25), ("1970-01-01T01:00:00+01:00", 0), ("1970-01-02T00:00:00Z", 86400)],
)
def test_times_are_numbers_or_dates(text: str, seconds: float) -> None:
    assert parse_time(text) == seconds


def test_times_are_so_long_ago() -> None:
    assert parse_time("1h30m") == pytest.approx(time.time() - 5400, abs=5)


@pytest.mark.parametrize("text", ["soon", "", "12:00", "1970-13-01", "99999999999999999", "1 day"])
def test_what_is_no_time_is_an_error(text: str) -> None:
    with pytest.raises(UsageError, match="is no time"):
        parse_time(text)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("image prune --filter dangling", "invalid argument `dangling` for `--filter`"),
        ("image prune --filter color=red", "`image prune` has no filter `color`"),
        ("image prune --filter until!=1h", "`image prune` has no filter `until!`"),
        ("system prune --filter until=soon", "`soon` is no time"),
        ("system prune --filter until=1h --filter until=2h", "more than one `until` filter"),
        ("builder prune --filter label=a", "`builder prune` has no filter `label`"),
        ("builder prune --max-used-space lots", "--max-used-space `lots` is not a size"),
        ("prune --max-size lots", "--max-size `lots` is not a size"),
        ("prune --keep-storage lots", "--keep-storage `lots` is not a size"),
        (
            "prune --max-size 1g --max-used-space 2g",
            "`--max-used-space` and `--max-size` are the same",
        ),
        ("buildx du --filter label=a", "`buildx du` has no filter `label`"),
        ("images --filter dangling=maybe", "invalid filter `dangling=maybe`"),
        ("system prune --volumes --filter until=1h", 'the "until" filter is not supported'),
        ("inspect --type volume x", "--type `volume` is not known"),
        ("pull --all-tags x:1", "tag can't be used with --all-tags/-a"),
        ("push --all-tags x@sha256:" + "0" * 64, "tag can't be used with --all-tags/-a"),
    ],
)
def test_filters_that_are_none_are_errors(
    line: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(line.split()) == 125
    assert said in capsys.readouterr().err
