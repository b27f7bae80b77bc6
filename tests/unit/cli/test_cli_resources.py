"""``--resource`` beside ``--memory`` and ``--cpus``."""

from __future__ import annotations

import pytest

from jettison.cli.resources import parse_resources
from jettison.errors import UsageError
from jettison.linux.resources import Resources


def parsed(*given: str, memory: str = "", cpus: float = 0.0) -> Resources:
    return parse_resources(given, flags={"memory": memory}, cpus=cpus)


def test_every_key_of_docker_s_is_known():
    assert parsed(
        "memory=2g",
        "memory-swap=4g",
        "cpu-shares=512",
        "cpu-period=50000",
        "cpu-quota=25000",
        "cpuset-cpus=0-3,5",
        "cpuset-mems=0,1",
    ) == Resources(
        memory_bytes=2 << 30,
        swap_bytes=4 << 30,
        cpus=0.5,
        cpu_period_us=50_000,
        cpu_shares=512,
        cpuset_cpus="0-3,5",
        cpuset_mems="0,1",
    )
    assert parsed("memory-swap=-1", memory="1m", cpus=2) == Resources(1 << 20, -1, 2)
    assert parsed() == Resources()


@pytest.mark.parametrize("quota", [1000, 33_333, 99_999, 123_457])
@pytest.mark.parametrize("period", [1000, 99_991, 1_000_000])
def test_quotas_arrive_as_they_are_given(quota: int, period: int):
    found = parsed(f"cpu-quota={quota}", f"cpu-period={period}")
    assert (found.quota_us, found.period_us) == (quota, period)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["memroy=1g"], "--resource `memroy` is not known"),
        (["memory"], "--resource `memory` has no value"),
        (["memory="], "--resource `memory` has no value"),
        (["memory=1g", "memory=1g"], "--resource `memory` is given twice"),
        (["memory=0"], "must be more than 0"),
        (["memory=99999999t"], "is more than there can be"),
        (["memory=-1"], "is not a size"),
        (["memory=nan"], "is not a size"),
        (["memory-swap=1g"], "needs a limit of memory, too"),
        (["memory=2g", "memory-swap=1g"], "is less than the limit of memory"),
        (["cpu-shares=0"], "must be a whole number of more than 0"),
        (["cpu-shares=1.5"], "must be a whole number of more than 0"),
        (["cpu-shares=" + "9" * 5000], "must be a whole number of more than 0"),
        (["cpu-shares=\u0663"], "must be a whole number of more than 0"),
        (["cpu-period=999"], "must be 1000 to 1000000 microseconds"),
        (["cpu-quota=999"], "must be 1000 microseconds or more"),
        (["cpuset-cpus=all"], "is not a list"),
        (["cpuset-mems=0\n"], "is not a list"),
    ],
)
def test_wrong_limits_are_told(given: list[str], message: str):
    with pytest.raises(UsageError) as caught:
        parsed(*given)
    assert message in caught.value.message


def test_a_limit_has_one_flag():
    with pytest.raises(UsageError, match="--resource `memory` and `--memory` are given"):
        parsed("memory=1g", memory="1g")
    with pytest.raises(UsageError, match="--resource `cpu-quota` and `--cpus` are given"):
        parsed("cpu-quota=1000", cpus=1.0)


def test_a_near_miss_is_guessed():
    with pytest.raises(UsageError) as caught:
        parsed("cpuset-cpu=0")
    assert caught.value.hint == "did you mean `cpuset-cpus`?"


def test_docker_s_own_flags_are_resources_of_the_same_name():
    flags = {
        "memory": "1g",
        "memory-swap": "2g",
        "cpu-shares": "512",
        "cpu-period": "50000",
        "cpu-quota": "25000",
        "cpuset-cpus": "0",
        "cpuset-mems": "0-1",
    }
    assert parse_resources([], flags=flags, cpus=0) == parsed(
        *(f"{key}={value}" for key, value in flags.items())
    )
    nothing = dict.fromkeys(("memory", "memory-swap", "cpu-shares", "cpu-quota"), "0")
    assert parse_resources([], flags=nothing, cpus=0) == Resources()
    with pytest.raises(UsageError, match="--cpu-quota and `--cpus` are given"):
        parse_resources([], flags={"cpu-quota": "5000"}, cpus=1)
