"""What this host allows, for ``jettison doctor``.

In:  settings and the environment; the kernel, programs, sandbox drivers that are really tried.
Out: ``HostCheck`` values, most important first.

No registry is asked: whether one is reached is seen when something is pulled.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence

import msgspec

from jettison import __version__
from jettison.api.session import NamespaceRequired, Session
from jettison.container.ca import authorities, proxies
from jettison.errors import HostError, JettisonError
from jettison.linux import binfmt, host, userns
from jettison.oci.redact import redacted
from jettison.sandbox.base import Verdict
from jettison.sandbox.rootfs.base import OVERLAY
from jettison.settings import Settings, config_path

_UNIFIED = "/sys/fs/cgroup/cgroup.controllers"
_LOW_BYTES = 2 * 10**9


class HostCheck(msgspec.Struct, frozen=True):
    """One line of the report.

    Args:
        name: What was looked at.
        works: False when something will not work; None when it is only worth knowing.
        detail: What was found.
        remedy: One imperative sentence, or empty.
        purpose: ``store`` or ``sandbox`` for what builds need: of each, one that works.
    """

    name: str
    works: bool | None
    detail: str
    remedy: str = ""
    purpose: str = ""


def examine_host(
    settings: Settings, environ: Mapping[str, str], *, problem: HostError | None = None
) -> list[HostCheck]:
    """Return all checks.

    Args:
        settings: What holds.
        environ: The process's environment.
        problem: Why a user namespace could not be entered; drivers are not tried then.

    Raises:
        NamespaceRequired: drivers can only be tried inside a user namespace.
    """
    if problem is None and userns.is_needed():
        raise NamespaceRequired("drivers are tried in a user namespace")
    checks = _store_and_sandboxes(settings, environ, problem)
    checks += [HostCheck(each.name, each.good, each.value, each.remedy) for each in host.facts()]
    checks += [_processes(), _emulators(), _network(), _network_guard()]
    checks += _configuration(settings, environ)
    return checks


def _emulators() -> HostCheck:
    """Say for which other processors programs run here."""
    found = binfmt.emulations()
    registered = [each.architecture for each in found if each.is_registered]
    installed = [each.architecture for each in found if not each.is_registered]
    parts = [f"{', '.join(registered)} (registered)"] if registered else []
    remedy = ""
    if installed:
        own = "used in a user namespace on Linux 6.7"
        parts.append(f"{', '.join(installed)} (installed, not registered; {own})")
        remedy = "register them for all: `systemctl restart systemd-binfmt`"
    if not found:
        remedy = "install one to build for other platforms: `apt install qemu-user-static`"
    detail = "; ".join(parts) or "none"
    return HostCheck("emulators", True if registered else None, detail, remedy)


def can_build(checks: Sequence[HostCheck]) -> bool:
    """Tell whether images with RUN can be built: there is a store, and a sandbox works."""
    working = {check.purpose for check in checks if check.works}
    return {"store", "sandbox"} <= working


def host_facts(session: Session) -> dict[str, object]:
    """Return facts of the store and of this machine, under docker's names where it has them."""
    system = os.uname()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "Name": system.nodename,
        "ServerVersion": __version__,
        "DockerRootDir": str(session.store.root),
        "Driver": session.settings.snapshotter or "auto",
        "Isolation": session.settings.isolation or "auto",
        "Containers": 0,
        "Images": len(session.store.images.all()),
        "OSType": system.sysname.lower(),
        "OperatingSystem": _operating_system(),
        "KernelVersion": system.release,
        "Architecture": system.machine,
        "NCPU": len(os.sched_getaffinity(0)),
        "MemTotal": memory,
        "CgroupVersion": "2" if os.path.exists(_UNIFIED) else "1",
        "HttpProxy": redacted(session.environ.get("HTTP_PROXY", "")),
        "HttpsProxy": redacted(session.environ.get("HTTPS_PROXY", "")),
        "NoProxy": session.environ.get("NO_PROXY", ""),
        "Rootless": userns.is_rootless(),
        "Warnings": [],
    }


def _operating_system() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        return ""


def _store_and_sandboxes(
    settings: Settings, environ: Mapping[str, str], problem: HostError | None
) -> list[HostCheck]:
    try:
        with Session.open(settings, environ) as session:
            return [_store(session), *_sandboxes(session, settings, problem)]
    except JettisonError as error:
        return [HostCheck("store", False, error.message, error.hint or "", "store")]


def _store(session: Session) -> HostCheck:
    root = session.store.root
    disk = os.statvfs(root)
    free_bytes = disk.f_bavail * disk.f_frsize
    low = free_bytes < _LOW_BYTES
    return HostCheck(
        "store",
        True,
        f"{root} ({free_bytes / 1e9:.1f} GB free{', which is little' if low else ''})",
        "",
        "store",
    )


def _sandboxes(session: Session, settings: Settings, problem: HostError | None) -> list[HostCheck]:
    if problem is not None:
        return [HostCheck("sandbox", False, problem.message, problem.hint or "", "sandbox")]
    from jettison.sandbox.level import AUTO
    from jettison.sandbox.select import probe, probe_snapshotters

    verdicts = probe(session.ownership, session.store.root, settings.snapshotter)
    best = next((each for each in verdicts if each.works), None)
    asked = "" if settings.isolation == AUTO else settings.isolation
    chosen = asked or (best.driver if best else "")
    checks = [_sandbox(each, chosen) for each in verdicts]
    if best is not None:
        used = settings.snapshotter or best.snapshotter
        tried = probe_snapshotters(session.ownership, best.driver, session.store.root)
        checks += [_snapshotter(each, used) for each in tried]
    return checks


def _snapshotter(verdict: Verdict, used: str) -> HostCheck:
    name = f"snapshotter {verdict.snapshotter}"
    if verdict.works:
        detail = "works, and is used" if verdict.snapshotter == used else "works"
        return HostCheck(name, True, detail)
    needed = verdict.snapshotter == OVERLAY
    return HostCheck(name, False if needed else None, verdict.reason, verdict.remedy)


def _sandbox(verdict: Verdict, chosen: str) -> HostCheck:
    name = f"sandbox {verdict.driver}"
    if verdict.works:
        detail = "works, and is used" if verdict.driver == chosen else "works"
        return HostCheck(name, True, detail, "", "sandbox")
    absent = verdict.reason == "not installed"
    works = None if absent else False
    return HostCheck(name, works, verdict.reason, "" if absent else verdict.remedy, "sandbox")


def _processes() -> HostCheck:
    """Tell whether the processes of a step can be limited."""
    from jettison.linux.cgroup import hierarchies, make_group
    from jettison.linux.resources import USUAL_PIDS, Resources

    name = "limit of processes"
    try:
        make_group(f"jettison-doctor-{os.getpid()}", Resources(pids=USUAL_PIDS)).remove()
    except HostError as error:
        return HostCheck(name, None, f"none: {error.message}", error.hint or "")
    unified = next(each.unified for each in hierarchies() if "pids" in each.controllers)
    version = 2 if unified else 1
    detail = f"{USUAL_PIDS} in all steps of a build, by control groups of version {version}"
    return HostCheck(name, True, detail)


def _network() -> HostCheck:
    """Tell which network containers of ``run`` have."""
    from jettison.container.network import find_tools

    try:
        tool = find_tools()[0]
    except HostError as error:
        return HostCheck("network of run", None, f"the host's: {error.message}", error.hint or "")
    from jettison.api.network import try_names

    name, through = "network of run", f"its own, through `{tool.program}`"
    try:
        works = try_names(tool)
    except HostError as error:
        return HostCheck(name, False, f"{through}: {error.message}", error.hint or "")
    detail = "names are resolved" if works else "this host's name servers do not answer either"
    return HostCheck(name, works or None, f"{through}: {detail}")


def _network_guard() -> HostCheck:
    """Tell what keeps steps from abstract sockets of the host's network."""
    from jettison.sandbox.helper.filters import NetworkGuard, network_guard

    guard = network_guard()
    remedy = "" if guard is not NetworkGuard.NONE else "Upgrade to Linux 6.12, or `--network=none`."
    detail = f"abstract sockets are kept away by {guard.value}"
    return HostCheck("network of RUN", None if remedy else True, detail, remedy)


def _configuration(settings: Settings, environ: Mapping[str, str]) -> list[HostCheck]:
    path = config_path(environ)
    checks = [HostCheck("settings", None, str(path) if path.exists() else f"{path} (not there)")]
    names = sorted(name for name in proxies(environ) if name.isupper())
    if names:
        checks.append(HostCheck("proxy", None, f"{', '.join(names)}: passed on to RUN steps"))
    if settings.ca_bundle:
        try:
            authorities(settings.ca_bundle, environ)
        except JettisonError as error:
            checks.append(HostCheck("CA bundle", False, error.message, error.hint or ""))
        else:
            detail = f"`{settings.ca_bundle}`: RUN steps trust it"
            checks.append(HostCheck("CA bundle", True, detail))
    elif names:
        checks.append(
            HostCheck(
                "CA bundle",
                None,
                "none: where the proxy inspects TLS, build with `--ca-bundle host`",
            )
        )
    return checks
