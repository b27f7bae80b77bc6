"""Which images a filter means."""

from __future__ import annotations

import pytest

from jettison.api.filters import ImageFilter, LabelFilter
from jettison.oci.codec import encode
from jettison.oci.config import ContainerConfig, ImageConfig
from jettison.oci.digest import Digest
from jettison.store.image import StoredImage

CONFIG = ImageConfig(
    "amd64",
    "linux",
    config=ContainerConfig(labels={"stage": "test", "empty": ""}),
    created="1970-01-01T00:01:40Z",
)
IMAGE = StoredImage(Digest("sha256:" + "0" * 64), encode(CONFIG), ())


@pytest.mark.parametrize(
    ("label", "fits"),
    [
        (LabelFilter("stage"), True),
        (LabelFilter("stage", "test"), True),
        (LabelFilter("stage", ""), False),
        (LabelFilter("empty", ""), True),
        (LabelFilter("other"), False),
        (LabelFilter("other", absent=True), True),
        (LabelFilter("stage", "other", absent=True), True),
        (LabelFilter("stage", "test", absent=True), False),
    ],
)
def test_labels_are_there_or_not(label: LabelFilter, fits: bool) -> None:
    assert ImageFilter(labels=(label,)).fits(IMAGE) is fits
    assert ImageFilter(labels=(label, LabelFilter("nobody"))).fits(IMAGE) is False


@pytest.mark.parametrize(
    ("until", "before", "since", "fits"),
    [
        (None, None, None, True),
        (101.0, None, None, True),
        (100.0, None, None, False),
        (None, 100.0, None, False),
        (None, 101.0, 99.0, True),
        (None, None, 100.0, False),
    ],
)
def test_times_are_bounds(
    until: float | None, before: float | None, since: float | None, fits: bool
) -> None:
    assert ImageFilter(until=until).fits(IMAGE, before=before, since=since) is fits


def test_names_fit_one_of_the_patterns() -> None:
    wanted = ImageFilter(references=("app*", "other:1"))
    assert [
        wanted.fits_name(*each) for each in (("app2", "x"), ("other", "1"), ("other", "2"))
    ] == [
        True,
        True,
        False,
    ]
    assert not wanted.fits_name("<none>", "<none>")
    assert ImageFilter().fits_name("<none>", "<none>")
