"""Facts of images as docker's flags ask for them."""

from __future__ import annotations

import pytest

from jettison.oci.times import epoch


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:01Z", 1.0),
        ("1970-01-01T02:00:01+02:00", 1.0),
        ("1970-01-01T00:00:01.123456789Z", 1.123456),
        ("1970-01-01T00:00:01", 1.0),
        ("", 0.0),
        ("yesterday", 0.0),
    ],
)
def test_times_of_images_are_read(text: str, seconds: float):
    assert epoch(text) == seconds
