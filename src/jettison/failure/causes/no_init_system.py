"""The step speaks to systemd, D-Bus or another init system, and none runs in a build."""

from __future__ import annotations

from jettison.errors import Cause
from jettison.failure.base import Failure

_SIGNS = (
    ("not been booted with systemd", r"System has not been booted with systemd"),
    ("d-bus connection", r"Failed to (?:get|create|open) (?:D-Bus|bus) connection"),
    ("connect to bus", r"Failed to connect to (?:system )?bus"),
    ("connect to upstart", r"Unable to connect to Upstart"),
    ("system_bus_socket", r"/run/dbus/system_bus_socket"),
    ("docker daemon", r"Cannot connect to the Docker daemon"),
    ("is the docker daemon running", r"[Ii]s the docker daemon running"),
    ("systemctl", r"systemctl: (?:command )?not found"),
    ("initctl", r"initctl: Unable to connect"),
    ("unrecognized service", r"unrecognized service"),
)


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    found = failure.log.find(*_SIGNS, last=30)
    if found is None:
        return None
    if "docker" in found.string.lower():
        return Cause(
            "no-init-system",
            "the step asks a docker daemon, and there is none",
            "a RUN sees no socket of the host",
            "do this outside the build, or with a tool that needs no daemon",
        )
    return Cause(
        "no-init-system",
        "the step asks an init system, and none runs in a build",
        "a RUN is one process in a fresh container: no service is started or supervised",
        "leave `systemctl` and `service` out; let CMD or ENTRYPOINT start the program",
    )
