"""What this process runs in: a container of docker, podman, Kubernetes, OpenShift; what it lacks.

In:  the environment, files that these leave in their containers, the user.
Out: what to change there so that RUN steps can run.

Source: KUBERNETES_SERVICE_HOST of kubelet; ``/.dockerenv``; podman-run(1), ``/run/.containerenv``;
OpenShift's ranges of user IDs, whose members are in group 0.
"""

from __future__ import annotations

import enum
import os
from collections.abc import Callable, Mapping

_OPENSHIFT_USERS = 1_000_000_000


class Manager(enum.Enum):
    """Who has made the container, if this is one."""

    OPENSHIFT = "OpenShift"
    KUBERNETES = "Kubernetes"
    PODMAN = "podman"
    DOCKER = "docker"
    UNKNOWN = ""


_NAMESPACES = (
    "allow namespaces: `--security-opt seccomp=unconfined --security-opt apparmor=unconfined "
    "--security-opt systempaths=unconfined`."
)
_CONTEXT = "`securityContext: {runAsUser: 0, capabilities: {add: [SYS_CHROOT]}}`"
_REMEDIES = {
    Manager.DOCKER: f"Start the container with `--user 0 --cap-add SYS_CHROOT`, or {_NAMESPACES}",
    Manager.PODMAN: f"Start the container with `--user 0 --cap-add SYS_CHROOT`, or {_NAMESPACES}",
    Manager.KUBERNETES: f"Add {_CONTEXT} to the container.",
    Manager.OPENSHIFT: f"Add {_CONTEXT} to the container, and let its service account use an SCC "
    "that allows both: `oc adm policy add-scc-to-user NAME -z ACCOUNT`.",
    Manager.UNKNOWN: f"In a container, be root and keep CAP_SYS_CHROOT, or {_NAMESPACES}",
}


def manager(
    environ: Mapping[str, str],
    user: tuple[int, int] | None = None,
    exists: Callable[[str], bool] = os.path.exists,
) -> Manager:
    """Return who made the container that this process is in.

    Args:
        environ: Of the process.
        user: Its user and group, by default those that it has.
        exists: Tells whether there is a file.
    """
    uid, gid = user or (os.getuid(), os.getgid())
    if "KUBERNETES_SERVICE_HOST" in environ:
        is_range = uid >= _OPENSHIFT_USERS and gid == 0
        return Manager.OPENSHIFT if is_range else Manager.KUBERNETES
    if exists("/run/.containerenv"):
        return Manager.PODMAN
    return Manager.DOCKER if exists("/.dockerenv") else Manager.UNKNOWN


def chroot_remedy(found: Manager) -> str:
    """Return what lets RUN steps run in a container that has no rights, as imperative sentences."""
    return _REMEDIES[found]
