"""All facts of a container under docker's names.

In:  a session, a container.
Out: what JSON has.

Source: docker's ``container.InspectResponse`` (API 1.51); what nothing is to be said of is absent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jettison.api.containers import find_container, written_bytes
from jettison.api.process import hostname_of
from jettison.api.session import Session
from jettison.container.publish import parse_ports
from jettison.container.request import RunRequest
from jettison.container.state.log import stamp_of
from jettison.container.state.record import ContainerRecord, ContainerState, Status

_NEVER = "0001-01-01T00:00:00Z"
_BYTES_PER_CPU = 10**9


def inspect_container(session: Session, text: str, *, sizes: bool = False) -> dict[str, Any]:
    """Return all facts of a container.

    Args:
        session: The store.
        text: Name or ID.
        sizes: The bytes that it has written, too.

    Raises:
        ContainerError: there is no such container.
    """
    container = find_container(session, text)
    record, state = container.record, container.state()
    size = {"SizeRw": written_bytes(session, container)} if sizes else {}
    return {
        "Id": record.id,
        "Created": _time(record.created_ns),
        "Path": record.argv[0],
        "Args": list(record.argv[1:]),
        "State": _state(state),
        "Image": record.image_id,
        "LogPath": str(container.directory.log),
        "Name": f"/{record.name}",
        "RestartCount": 0,
        "Driver": record.snapshotter or "overlay",
        "Platform": "linux",
        "HostConfig": _host_config(record.request, state),
        "Mounts": [_bind(text) for text in record.request.volumes],
        "Config": _config(record),
        "NetworkSettings": {"Ports": _ports(record, state)},
        **size,
        "Jettison": {"Sandbox": state.sandbox, "Network": state.network},
    }


def _state(state: ContainerState) -> dict[str, Any]:
    return {
        "Status": state.status.value,
        "Running": state.status is Status.RUNNING,
        "Paused": False,
        "Restarting": False,
        "Dead": state.status is Status.DEAD,
        "Pid": state.pid,
        "ExitCode": state.exit_code,
        "Error": state.error,
        "StartedAt": _time(state.started_ns),
        "FinishedAt": _time(state.finished_ns),
    }


def _host_config(request: RunRequest, state: ContainerState) -> dict[str, Any]:
    return {
        "Binds": list(request.volumes) or None,
        "NetworkMode": request.network or state.network or "default",
        "PortBindings": _published(request),
        "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
        "AutoRemove": request.remove,
        "CapAdd": list(request.cap_add) or None,
        "CapDrop": list(request.cap_drop) or None,
        "ExtraHosts": list(request.extra_hosts) or None,
        "Privileged": request.privileged,
        "ReadonlyRootfs": request.readonly,
        "SecurityOpt": list(request.security_opts) or None,
        "ShmSize": request.shm_bytes or 64 << 20,
        "Memory": request.memory_bytes,
        "NanoCpus": int(request.cpus * _BYTES_PER_CPU),
        "PidsLimit": request.pids or None,
        "Init": request.init,
    }


def _config(record: ContainerRecord) -> dict[str, Any]:
    request, config = record.request, record.config
    entrypoint: tuple[str, ...] | None = config.entrypoint
    if request.entrypoint is not None:
        entrypoint = (request.entrypoint,) if request.entrypoint else None
    arguments = record.argv[len(entrypoint or ()) :]
    return {
        "Hostname": hostname_of(record),
        "User": request.user or config.user,
        "Tty": request.terminal,
        "OpenStdin": request.interactive,
        "ExposedPorts": config.exposed_ports,
        "Env": [*config.env, *request.env],
        "Cmd": list(arguments) or None,
        "Image": record.image,
        "WorkingDir": request.workdir or config.working_dir,
        "Entrypoint": list(entrypoint) if entrypoint else None,
        "Labels": record.labels,
        "StopSignal": request.stop_signal or config.stop_signal or None,
        "StopTimeout": record.stop_seconds,
    }


def _published(request: RunRequest) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for port in parse_ports(request.publish):
        binding = {"HostIp": port.address, "HostPort": str(port.host)}
        found.setdefault(f"{port.container}/{port.protocol}", []).append(binding)
    return found


def _ports(record: ContainerRecord, state: ContainerState) -> Mapping[str, Any]:
    """Return what connects ports of a container that runs."""
    if state.status is not Status.RUNNING:
        return {}
    exposed: dict[str, Any] = dict.fromkeys(record.config.exposed_ports or ())
    return exposed | (_published(record.request) if state.network == "own" else {})


def _bind(text: str) -> dict[str, Any]:
    source, _, rest = text.partition(":")
    target, _, mode = rest.partition(":")
    return {
        "Type": "bind",
        "Source": source,
        "Destination": target,
        "Mode": mode,
        "RW": "ro" not in mode.split(","),
        "Propagation": "rprivate",
    }


def _time(time_ns: int) -> str:
    return stamp_of(time_ns).decode("ascii") if time_ns else _NEVER
