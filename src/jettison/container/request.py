"""What ``jettison run`` is asked for; kept with the container, which may be started again.

In:  flags as written, checked for their form by whoever reads them.
Out: a frozen struct.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class RunRequest(msgspec.Struct, frozen=True):
    """``jettison run``: see ``docker run`` for what the options mean.

    Args:
        image: Reference or image ID; pulled when the store does not have it.
        argv: Replaces CMD, if not empty.
        volumes: ``SRC:DST[:ro]`` or ``DST``; relative sources are refused.
        publish: ``[IP:]HOST:CONTAINER[/PROTO]``.
        env: ``NAME=value`` in order; env files are read by the caller.
        entrypoint: None keeps the image's; empty text resets it.
        user, workdir: Empty keeps the image's.
        remove: The container does not stay when it has ended.
        detach: It runs in the background, so that nobody's input ends its own.
        mounts: Fields of each ``--mount``: ``type``, ``src``, ``dst``, ``readonly``, …
        shm_bytes: Of ``/dev/shm``; 0 is the default.
        ulimits: ``NAME=SOFT[:HARD]``.
        security_opts: ``apparmor=PROFILE``, ``no-new-privileges``, ``seccomp=unconfined``, or
            the text of a profile in place of that.
        cap_add, cap_drop: Capabilities with or without ``CAP_``, or ``ALL``.
        labels: ``NAME=value``.
        dns, dns_search, dns_options: Lines of ``/etc/resolv.conf``, in place of the host's.
        groups: Names or numbers of groups that the process is in besides.
        publish_all: Each port that the image exposes is published at a free one.
        sysctls: ``NAME=value``.
        devices: ``/dev/NAME[:/dev/OTHER]``, or names of the Container Device Interface.
        gpus: ``all``, a number, or ``device=0,1``.
        stop_signal: What ``stop`` sends; empty is the image's, or SIGTERM.
        stop_seconds: How long ``stop`` waits; None is docker's ten.
    """

    image: str
    argv: tuple[str, ...] = ()
    name: str = ""
    env: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    publish: tuple[str, ...] = ()
    entrypoint: str | None = None
    user: str = ""
    workdir: str = ""
    network: str = ""
    hostname: str = ""
    pull: str = "missing"
    interactive: bool = False
    terminal: bool = False
    remove: bool = False
    detach: bool = False
    readonly: bool = False
    init: bool = False
    privileged: bool = False
    extra_hosts: tuple[str, ...] = ()
    tmpfs: tuple[str, ...] = ()
    mounts: tuple[Mapping[str, str], ...] = ()
    platform: str = ""
    memory_bytes: int = 0
    cpus: float = 0.0
    pids: int = 0
    shm_bytes: int = 0
    ulimits: tuple[str, ...] = ()
    security_opts: tuple[str, ...] = ()
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    dns_options: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    publish_all: bool = False
    sysctls: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    gpus: str = ""
    stop_signal: str = ""
    stop_seconds: int | None = None
