"""``--resource``, ``--memory`` and ``--cpus`` of builds: what each RUN step may use.

In:  texts as written on a command line.
Out: ``Resources``; ``UsageError`` says which flag and how it is written.

Source: docker buildx build, ``--resource``; BuildKit's checks of the values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

import msgspec

from jettison.errors import UsageError
from jettison.linux.resources import DEFAULT_PERIOD_US, Resources
from jettison.settings import parse_size

_PERIODS_US = range(1_000, 1_000_001)
_MIN_QUOTA_US = 1_000
_MAX_DIGITS = 15
_LISTS = frozenset({"cpuset-cpus", "cpuset-mems"})
_LIST = re.compile(r"[0-9]{1,5}(?:-[0-9]{1,5})?(?:,[0-9]{1,5}(?:-[0-9]{1,5})?)*")


def parse_resources(
    given: Iterable[str], *, flags: Mapping[str, str], cpus: float, pids: int = 0
) -> Resources:
    """Return the limits of each RUN step.

    Args:
        given: ``--resource KEY=VALUE``.
        flags: Those of docker's that have the name of a key: ``--memory``, ``--cpu-shares``.
        cpus: ``--cpus``.
        pids: ``--pids-limit``.

    Raises:
        UsageError: A key is unknown or comes twice, a value is wrong, or limits contradict.

    >>> parse_resources(["cpu-quota=50000", "cpuset-cpus=0-1"], flags={"memory": "1k"}, cpus=0).cpus
    0.5
    """
    texts: dict[str, str] = {}
    for each in given:
        key, equals, value = each.partition("=")
        if key not in _READERS:
            from jettison.spelling import near_misses  # only for messages

            near = near_misses(key, _READERS)
            hint = f"did you mean `{near[0]}`?" if near else f"use one of {', '.join(_READERS)}"
            raise UsageError(f"--resource `{key}` is not known", hint=hint)
        if not equals or not value:
            raise UsageError(f"--resource `{key}` has no value", hint=f"write it as {key}=VALUE")
        if key in texts:
            raise UsageError(f"--resource `{key}` is given twice")
        texts[key] = value
    for key, value in flags.items():
        if not value or (value == "0" and key not in _LISTS):  # docker's way to say no limit
            continue
        if key in texts:
            raise UsageError(f"--resource `{key}` and `--{key}` are given", hint="leave one out")
        texts[key] = value
    if "cpu-quota" in texts and cpus:
        name = "--cpu-quota" if flags.get("cpu-quota") else "--resource `cpu-quota`"
        raise UsageError(f"{name} and `--cpus` are given", hint="leave one out")
    numbers = {key: reader(key, texts[key]) for key, reader in _READERS.items() if key in texts}
    return msgspec.structs.replace(_resources(texts, numbers, cpus), pids=pids)


def _resources(texts: dict[str, str], numbers: dict[str, int], cpus: float) -> Resources:
    memory_bytes = numbers.get("memory", 0)
    swap_bytes = numbers.get("memory-swap", 0)
    if swap_bytes and not memory_bytes:
        raise UsageError("`memory-swap` needs a limit of memory, too", hint="use --memory")
    if 0 < swap_bytes < memory_bytes:
        raise UsageError(
            "`memory-swap` is less than the limit of memory",
            hint="it is memory and swap together",
        )
    period_us = numbers.get("cpu-period", 0)
    quota_us = numbers.get("cpu-quota")
    return Resources(
        memory_bytes=memory_bytes,
        swap_bytes=swap_bytes,
        cpus=cpus if quota_us is None else quota_us / (period_us or DEFAULT_PERIOD_US),
        cpu_period_us=period_us,
        cpu_shares=numbers.get("cpu-shares", 0),
        cpuset_cpus=texts.get("cpuset-cpus", ""),
        cpuset_mems=texts.get("cpuset-mems", ""),
    )


def _size(key: str, text: str) -> int:
    size = parse_size(f"`{key}`", text)
    if not size:
        raise UsageError(f"`{key}={text}` must be more than 0")
    return size


def _swap(key: str, text: str) -> int:
    return -1 if text == "-1" else _size(key, text)


def _number(key: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS and int(text)):
        raise UsageError(f"`{key}={text}` must be a whole number of more than 0")
    return int(text)


def _period(key: str, text: str) -> int:
    number = _number(key, text)
    if number not in _PERIODS_US:
        raise UsageError(f"`{key}={text}` must be 1000 to 1000000 microseconds")
    return number


def _quota(key: str, text: str) -> int:
    number = _number(key, text)
    if number < _MIN_QUOTA_US:
        raise UsageError(f"`{key}={text}` must be 1000 microseconds or more")
    return number


def _list(key: str, text: str) -> int:
    if not _LIST.fullmatch(text):
        raise UsageError(f"`{key}={text}` is not a list", hint="write it like 0-2,4")
    return 0


_READERS: dict[str, Callable[[str, str], int]] = {
    "memory": _size,
    "memory-swap": _swap,
    "cpu-shares": _number,
    "cpu-period": _period,
    "cpu-quota": _quota,
    "cpuset-cpus": _list,
    "cpuset-mems": _list,
}
