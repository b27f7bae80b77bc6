"""``--ulimit`` as text."""

from __future__ import annotations

import resource

import pytest

from jettison.errors import UsageError
from jettison.linux.rlimits import limit_number, parse_limit


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("nofile=1024", ("nofile", 1024, 1024)),
        ("nofile=1024:2048", ("nofile", 1024, 2048)),
        ("core=0:-1", ("core", 0, -1)),
        ("memlock=-1", ("memlock", -1, -1)),
        (f"as={2**63 - 1}", ("as", 2**63 - 1, 2**63 - 1)),
    ],
)
def test_a_limit_is_a_name_and_one_or_two_numbers(text, limit):
    assert parse_limit(text) == limit


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nofile", "--ulimit `nofile` is malformed"),
        ("=1", "--ulimit `=1` is malformed"),
        ("nosuch=1", "unknown resource limit `nosuch`"),
        ("NOFILE=1", "unknown resource limit `NOFILE`"),
        ("infinity=1", "unknown resource limit `infinity`"),
        ("nofile=", "--ulimit `nofile=`: `` is no limit"),
        ("nofile=1:2:3", "--ulimit `nofile=1:2:3`: `1:2:3` is no limit"),
        ("nofile=-2", "--ulimit `nofile=-2`: `-2` is no limit"),
        ("nofile= 1", "--ulimit `nofile= 1`: ` 1` is no limit"),
        (f"nofile={2**63}", f"--ulimit `nofile={2**63}`: `{2**63}` is no limit"),
        ("nofile=2:1", "--ulimit `nofile=2:1`: the soft limit is above the hard one"),
        ("nofile=-1:1", "--ulimit `nofile=-1:1`: the soft limit is above the hard one"),
    ],
)
def test_what_is_no_limit_is_an_error(text, message):
    with pytest.raises(UsageError) as caught:
        parse_limit(text)
    assert caught.value.message == message


def test_numbers_are_the_kernel_s():
    assert limit_number("nofile") == resource.RLIMIT_NOFILE
    assert limit_number("rtprio") == resource.RLIMIT_RTPRIO
