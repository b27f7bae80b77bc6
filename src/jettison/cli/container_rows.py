"""Containers as rows of a list, and which of them are asked for.

In:  containers with their states; values of ``--filter``.
Out: texts by docker's names of fields.

Source: docker's ``formatter.ContainerContext``; ``docker ps`` of 28.5.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from jettison.api.containers import Listed
from jettison.cli.filters import parse_filters
from jettison.cli.moments import moment_ns
from jettison.cli.table import ago
from jettison.container.publish import parse_ports
from jettison.container.state.record import ContainerRecord, ContainerState, Status
from jettison.errors import ContainerError, UsageError
from jettison.frontend.dockerfile.text import quote

TYPE = "*formatter.ContainerContext"
HEADINGS = {
    "ID": "CONTAINER ID",
    "Image": "IMAGE",
    "Command": "COMMAND",
    "RunningFor": "CREATED",
    "Status": "STATUS",
    "Ports": "PORTS",
    "Names": "NAMES",
    "CreatedAt": "CREATED AT",
    "Labels": "LABELS",
    "LocalVolumes": "LOCAL VOLUMES",
    "Mounts": "MOUNTS",
    "Networks": "NETWORKS",
    "Platform": "PLATFORM",
    "Size": "SIZE",
    "State": "STATE",
}
SHOWN = ("ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names")
_COMMAND = 20
_SECOND = 10**9
_STATUSES = {each.value for each in Status} | {"paused", "restarting", "removing"}


def row(listed: Listed, *, full: bool, written: str = "") -> dict[str, str]:
    """Return the fields of a container.

    Args:
        listed: It.
        full: Do not shorten.
        written: The size of what it has written, if that is wanted.
    """
    record, state = listed.container.record, listed.state
    command = " ".join(record.argv)
    if not full and len(command) > _COMMAND:
        command = f"{command[: _COMMAND - 1]}…"
    image = listed.image
    if not full and image.startswith("sha256:"):
        image = image[7:19]
    return {
        "ID": record.id if full else record.short_id,
        "Image": image,
        "Command": quote(command),
        "RunningFor": _ago(record.created_ns),
        "Status": status_text(state),
        "Ports": ports_text(record, state),
        "Names": record.name,
        "CreatedAt": _at(record.created_ns),
        "Labels": ",".join(f"{name}={value}" for name, value in sorted(record.labels.items())),
        "LocalVolumes": "0",
        "Mounts": ",".join(each.partition(":")[0] for each in record.request.volumes),
        "Networks": state.network,
        "Platform": record.request.platform,
        "Size": f"{written} (virtual {written})" if written else "0B",
        "State": state.status.value,
    }


def status_text(state: ContainerState) -> str:
    """Return how a container goes, as docker says it: ``Up 5 minutes``."""
    match state.status:
        case Status.RUNNING:
            return f"Up {_ago(state.started_ns).removesuffix(' ago')}"
        case Status.EXITED:
            return f"Exited ({state.exit_code}) {_ago(state.finished_ns)}"
        case Status.DEAD:
            return "Dead"
        case Status.CREATED:
            return "Created"


def ports_text(record: ContainerRecord, state: ContainerState) -> str:
    """Return the ports of a container that runs: those that are published, and those exposed."""
    if state.status is not Status.RUNNING:
        return ""
    published = parse_ports(record.request.publish) if state.network == "own" else []
    shown = []
    for port in published:
        to = f"{port.host}->{port.container}/{port.protocol}"
        addresses = [port.address] if port.address else ["0.0.0.0", "::"]  # noqa: S104
        shown += [f"[{each}]:{to}" if ":" in each else f"{each}:{to}" for each in addresses]
    known = {f"{port.container}/{port.protocol}" for port in published}
    shown += [each for each in record.config.exposed_ports or () if each not in known]
    return ", ".join(shown)


def chosen(
    found: Sequence[Listed], filters: Iterable[str], *, everything: bool, prunes: bool = False
) -> list[Listed]:
    """Return the containers that filters pick.

    Args:
        found: All of them.
        filters: ``NAME=VALUE``; those of one name are alternatives.
        everything: Those that do not run, too.
        prunes: The filters are those of ``container prune``.

    Raises:
        UsageError: there is no such filter.
    """
    known = _PRUNE_FILTERS if prunes else _FILTERS
    names = {*known, *(() if prunes else ("before", "since"))} - {"label!"}
    command = "container prune" if prunes else "ps"
    wanted = parse_filters(filters, names, command=command)
    for name, values in wanted.items():
        if name in {"before", "since"} and not prunes:
            times = [_created(found, value) for value in values]
            if name == "before":
                found = [e for e in found if e.container.record.created_ns < min(times)]
            else:
                found = [e for e in found if e.container.record.created_ns > max(times)]
            continue
        matches = known[name]
        if name in {"label", "label!"}:
            found = [each for each in found if all(matches(each, value) for value in values)]
        else:
            found = [each for each in found if any(matches(each, value) for value in values)]
    if everything or "status" in wanted or "exited" in wanted:
        return list(found)
    return [each for each in found if each.state.status is Status.RUNNING]


def _created(found: Sequence[Listed], text: str) -> int:
    name = text.removeprefix("/")
    for each in found:
        record = each.container.record
        if record.name == name or (text and record.id.startswith(text)):
            return record.created_ns
    raise ContainerError(f"No such container: {text}")


def _has_label(listed: Listed, text: str) -> bool:
    name, equals, value = text.partition("=")
    labels = listed.container.record.labels
    return name in labels and (not equals or labels[name] == value)


def _has_status(listed: Listed, text: str) -> bool:
    if text not in _STATUSES:
        raise UsageError(
            f"invalid filter 'status={text}'", hint=f"use one of {', '.join(sorted(_STATUSES))}"
        )
    return listed.state.status.value == text


def _has_exited(listed: Listed, text: str) -> bool:
    if not text.isascii() or not text.isdigit():
        raise UsageError(f"invalid filter 'exited={text}'", hint="write an exit code")
    return listed.state.status is Status.EXITED and listed.state.exit_code == int(text[:9])


def _is_called(listed: Listed, text: str) -> bool:
    try:
        pattern = re.compile(text)
    except re.error:
        return text == listed.container.record.name
    name = listed.container.record.name
    return pattern.search(name) is not None or pattern.search(f"/{name}") is not None


def _has_ancestor(listed: Listed, text: str) -> bool:
    record = listed.container.record
    names = {record.image, f"{record.image}:latest", record.image.removesuffix(":latest")}
    is_id = record.image_id.removeprefix("sha256:").startswith(text.removeprefix("sha256:"))
    return text in names or (bool(text) and is_id)


_FILTERS: dict[str, Callable[[Listed, str], bool]] = {
    "id": lambda each, text: each.container.record.id.startswith(text),
    "name": _is_called,
    "label": _has_label,
    "label!": lambda each, text: not _has_label(each, text),
    "status": _has_status,
    "exited": _has_exited,
    "ancestor": _has_ancestor,
    "network": lambda each, text: each.state.network == text,
}
_PRUNE_FILTERS: dict[str, Callable[[Listed, str], bool]] = {
    "label": _has_label,
    "label!": lambda each, text: not _has_label(each, text),
    "until": lambda each, text: each.container.record.created_ns <= moment_ns(text, "until"),
}


def _ago(time_ns: int) -> str:
    return ago((time.time_ns() - time_ns) / _SECOND)


def _at(time_ns: int) -> str:
    """Return a time as Go prints it: ``2025-06-01 00:00:00 +0000 UTC``."""
    moment = datetime.fromtimestamp(time_ns // _SECOND).astimezone()
    return f"{moment:%Y-%m-%d %H:%M:%S %z} {moment.tzname()}"
