"""Refused flags of ``run``."""

from __future__ import annotations

from jettison.cli.compat.refused import Reasons
from jettison.cli.compat.refused.registries import ACCESS, DECRYPTION, PLATFORM

_NAMESPACES = (
    "a container has namespaces of its own, as far as the sandbox has them",
    "use --network and --isolation",
)
_LIMITS = (
    "it is not a limit that is set here",
    "use --memory, --cpus and --pids-limit",
)
_WINDOWS = ("it is for Windows", "leave it out")
_HEALTH = (
    "nothing looks after the health of containers",
    "run the check yourself: `jettison run IMAGE CHECK`",
)
_ADDRESSES = (
    "containers reach each other through published ports only",
    "use --publish and --network=host",
)
_LOGS = ("output goes where `jettison run` writes it", "use `> FILE`")
_PODS = ("there are no pods", "leave it out")
_IDS = (
    "ids of a container are those of its user namespace",
    "see docs/guides/rootless.md; --user chooses the user inside",
)
_UNITS = ("containers are no units of systemd", "write a unit that calls `jettison run`")
_NAMES = (
    "/etc/hosts, /etc/hostname and /etc/passwd are made as docker makes them",
    "use --add-host and --hostname",
)
_ENV = ("the environment is that of the image", "use --env and --env-file")
_VOLUMES = ("there are no volumes, only directories of the host", "use -v DIR:/DST")
_CONTAINERS = ("containers are found by name", "use --name")

RUN: Reasons = {
    **ACCESS,
    **PLATFORM,
    **DECRYPTION,
    "--annotation": ("containers have no annotations", "use --label"),
    "-a --attach --detach-keys --sig-proxy": (
        "a container in the foreground has the streams and signals of its caller",
        "use -i and -t",
    ),
    "--blkio-weight --blkio-weight-device --cpu-rt-period --cpu-rt-runtime "
    "--device-read-bps --device-read-iops --device-write-bps --device-write-iops --kernel-memory "
    "--memory-reservation --memory-swap --memory-swappiness --oom-kill-disable --oom-score-adj "
    "--rdt-class --cgroup-conf": _LIMITS,
    "--cpu-period --cpu-quota -c --cpu-shares": (
        "processors are limited as a number",
        "use --cpus",
    ),
    "--cpuset-cpus --cpuset-mems": (
        "processors are not chosen one by one",
        "use --cpus, or `taskset -c LIST jettison run …`",
    ),
    "--cpu-count --cpu-percent --io-maxbandwidth --io-maxiops": _WINDOWS,
    "--cgroup-parent --cgroupns --cgroups": (
        "containers run below the control group of `jettison`",
        "start that one in another: `systemd-run --user --scope --slice=NAME jettison run …`",
    ),
    "--conmon-pidfile --pidfile --pod-id-file --replace": _CONTAINERS,
    "--device-cgroup-rule": ("devices are given one by one", "use --device"),
    "--disable-content-trust": (
        "signatures are not looked at",
        "name the image by its digest: NAME@sha256:…",
    ),
    "--no-hosts": ("/etc/hosts is made as docker makes it", "use --add-host HOST:IP"),
    "--domainname": ("it is part of the name", "use --hostname NAME.DOMAIN"),
    "--env-host --env-merge --unsetenv --unsetenv-all --http-proxy": _ENV,
    "--expose": ("ports are published, or are not", "use --publish"),
    "--gidmap --uidmap --subgidname --subuidname --userns --hostuser": _IDS,
    "--group-entry --passwd --passwd-entry --hosts-file --no-hostname": _NAMES,
    "--health-log-destination --health-max-log-count --health-max-log-size --health-on-failure "
    "--health-startup-cmd --health-startup-interval --health-startup-retries "
    "--health-startup-success --health-startup-timeout": _HEALTH,
    "--image-volume --volume-driver --volumes-from --storage-opt --chrootdirs": _VOLUMES,
    "--init-path": ("the init is our own", "use --init"),
    "--ip --ip6 --link --link-local-ip --mac-address --network-alias": _ADDRESSES,
    "--ipc --pid --uts": _NAMESPACES,
    "--label-file": ("labels are given one by one", "use --label"),
    "--log-driver --log-opt": _LOGS,
    "--personality --umask --timeout --tz": (
        "the process sees to it itself",
        "write it into the command: `sh -c 'umask 027; exec …'`, `timeout 60 jettison run …`",
    ),
    "--pod": _PODS,
    "--preserve-fd --preserve-fds": ("a container gets three streams", "use -v for files"),
    "-q --quiet": ("progress of a pull goes to standard error", "use `jettison pull -q` before"),
    "--read-only-tmpfs": ("a file system in memory is asked for", "use --tmpfs DIR"),
    "--requires": ("containers do not wait for others", "use a script"),
    "--rmi": ("images stay", "use `jettison rmi` afterwards"),
    "--rootfs": ("containers are of images", "make one: `FROM scratch` and `COPY . /`"),
    "--runtime": ("it has another name", "use --isolation; `jettison doctor` lists what works"),
    "--sdnotify --systemd": _UNITS,
    "--seccomp-policy": ("the filter is docker's", "use --privileged for none"),
    "--secret": ("secrets are for builds", "use -v FILE:/run/secrets/NAME:ro"),
    "--shm-size-systemd": ("systemd is not run", "use --shm-size"),
    "--use-api-socket": ("there is no daemon", "leave it out"),
}
