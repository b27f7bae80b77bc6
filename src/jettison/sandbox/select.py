"""Chooses the driver for RUN steps, and where its root file systems come from, by really trying.

In:  forced names or nothing, where the verdict may be kept.
Out: a driver that works.

The embedded driver comes first: it is the fastest and needs nothing (docs/adr/0002-sandbox.md). Of
the snapshotters the kernel's overlayfs does (docs/adr/0007-root-file-systems.md); the others are
tried where that is what does not work.

On disk: ``sandbox.json`` in the cache directory: verdicts by a key that changes with the boot, the
kernel, the user, what it may do, and the driver's program.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from jettison import __version__
from jettison.errors import SandboxUnavailableError, UsageError
from jettison.fs.ownership import Ownership
from jettison.linux.programs import find_program
from jettison.linux.userns import has_single_id, outer_ids, shortfall
from jettison.sandbox.base import MOUNT_ROOT, Sandbox, Verdict
from jettison.sandbox.level import (
    AUTO,
    DRIVERS,
    IN_CONTAINER,
    SINGLE_ID,
    keep_level,
    require_known,
)
from jettison.sandbox.rootfs.base import (
    COPY,
    FUSE,
    OVERLAY,
    SNAPSHOTTERS,
    RootedSandbox,
    Snapshotter,
)

_FILE = "sandbox.json"
_REMEDIES = {
    OVERLAY: "Put the store on ext4, XFS or Btrfs with `--root`; users need Linux 5.11 or newer.",
    FUSE: "Load the module `fuse`, and let users open `/dev/fuse`: `chmod 666 /dev/fuse`.",
    COPY: "Put the store on ext4, XFS or Btrfs with `--root`.",
}


def choose(
    ownership: Ownership, force: str = "", cache_dir: Path | None = None, snapshotter: str = ""
) -> Sandbox:
    """Return the driver to use.

    Args:
        ownership: How owners are kept in layers.
        force: ``embedded``, ``oci`` (crun or runc), ``crun``, ``runc``, ``oci:NAME``, the path
            of a runtime, ``single-id`` or ``in-container``; empty takes the first that works,
            unless a stronger one did so last (``sandbox.level``), ``auto`` also then.
        cache_dir: Directory on the file system of the layers; verdicts are kept there.
        snapshotter: One of ``SNAPSHOTTERS``; empty takes the first that works.

    Raises:
        UsageError: an unknown name.
        SandboxUnavailableError: none works, or only weaker ones; says why for each.
    """
    require_known(force, snapshotter)
    failed: list[Verdict] = []
    for name in _candidates("" if force == AUTO else force):
        for sandbox, verdict in _trials(ownership, name, snapshotter, cache_dir):
            if sandbox is not None and verdict.works:
                if force in {"", AUTO} and cache_dir is not None:
                    try:
                        keep_level(cache_dir, name, failed, may_weaken=force == AUTO)
                    except SandboxUnavailableError:
                        sandbox.close()
                        raise
                return sandbox
            failed.append(verdict)
    reasons = "; ".join(f"`{_label(verdict)}`: {verdict.reason}" for verdict in failed)
    hints = [verdict.remedy for verdict in failed if verdict.remedy]
    raise SandboxUnavailableError(
        f"no sandbox works on this host: {reasons}",
        hint=hints[0] if hints else "Run `jettison doctor` to see what the kernel allows.",
    )


def probe(
    ownership: Ownership, cache_dir: Path | None = None, snapshotter: str = ""
) -> list[Verdict]:
    """Try every driver now, without looking at kept verdicts; one verdict for each.

    Args:
        ownership: See ``choose``.
        cache_dir: See ``choose``.
        snapshotter: See ``choose``.
    """
    require_known("", snapshotter)
    verdicts = []
    if has_single_id():
        reason, remedy = shortfall()
        verdicts.append(Verdict("embedded", works=False, reason=reason, remedy=remedy))
    for name in _candidates(""):
        tried = []
        for sandbox, verdict in _trials(ownership, name, snapshotter, cache_dir, anew=True):
            tried.append(verdict)
            if sandbox is not None and verdict.works:
                sandbox.close()
                break
        verdicts.append(tried[-1] if tried[-1].works else tried[0])
    return verdicts


def probe_snapshotters(
    ownership: Ownership, name: str, cache_dir: Path | None = None
) -> list[Verdict]:
    """Try every snapshotter below a driver now; one verdict for each.

    Args:
        ownership: See ``choose``.
        name: See ``make``.
        cache_dir: See ``choose``.
    """
    verdicts = []
    for snapshotter in SNAPSHOTTERS:
        for sandbox, verdict in _trials(ownership, name, snapshotter, cache_dir, anew=True):
            verdicts.append(verdict)
            if sandbox is not None and verdict.works:
                sandbox.close()
                break
    return verdicts


def _trials(
    ownership: Ownership,
    name: str,
    snapshotter: str,
    cache_dir: Path | None,
    *,
    anew: bool = False,
) -> Iterator[tuple[Sandbox | None, Verdict]]:
    """Try a driver with one snapshotter after the other, while that may help.

    Those that work are the caller's to close, who then stops.
    """
    plain = make(name, ownership)
    if plain is None:
        yield None, Verdict(name, works=False, reason="not installed", remedy=_install(name))
        return
    reason = ""
    for each in _snapshotters(name, snapshotter):
        sandbox = _on(plain, ownership, name, each, reason)
        if isinstance(sandbox, Verdict):
            yield None, sandbox
            continue
        kept = None if anew else cache_dir
        verdict = _verdict(name, sandbox, each, cache_dir, kept)
        yield sandbox, verdict
        if verdict.works:
            return
        reason = reason or verdict.reason
        if MOUNT_ROOT not in verdict.reason:
            break
    plain.close()


def _snapshotters(name: str, snapshotter: str) -> tuple[str, ...]:
    if snapshotter:
        return (snapshotter,)
    return (COPY,) if name == IN_CONTAINER else SNAPSHOTTERS


def _on(
    plain: Sandbox, ownership: Ownership, name: str, snapshotter: str, reason: str
) -> Sandbox | Verdict:
    """Put a driver on a snapshotter, or say why that is impossible."""
    if name == IN_CONTAINER:
        if snapshotter == COPY:
            return plain  # it can do nothing else
        why = "nothing can be mounted, so that each step copies its root file system"
        return Verdict(name, works=False, reason=why, snapshotter=snapshotter)
    if snapshotter == OVERLAY:
        return plain
    made = make_snapshotter(snapshotter, ownership)
    if made is None:
        return Verdict(name, False, "not installed", f"Install the package `{FUSE}`.", snapshotter)
    return RootedSandbox(plain, made, reason)


def make_snapshotter(name: str, ownership: Ownership) -> Snapshotter | None:
    """Return what makes root file systems; None when its program is not installed.

    Args:
        name: ``fuse-overlayfs`` or ``copy``.
        ownership: See ``choose``.
    """
    if name == COPY:
        from jettison.sandbox.rootfs.copy import CopySnapshotter

        return CopySnapshotter(ownership)
    from jettison.sandbox.rootfs.fuse import FuseSnapshotter

    program = find_program(FUSE)
    return None if program is None else FuseSnapshotter(program)


def _label(verdict: Verdict) -> str:
    if verdict.driver == IN_CONTAINER or verdict.snapshotter == OVERLAY:
        return verdict.driver
    return f"{verdict.driver} on {verdict.snapshotter}"


def limitations(sandbox: Sandbox) -> str:
    """Return what a driver lacks and why it is used, for people; empty for those that isolate."""
    name = sandbox.name
    reason, remedy = shortfall()
    texts = []
    if name == SINGLE_ID:
        text = "RUN steps see all files as root's, and cannot become other users, since"
        because = reason or "there is one user here"
        texts.append(f"sandbox `{name}`: {text} {because}. {remedy}".rstrip())
    if name == IN_CONTAINER:
        text = "steps run without isolation, in a chroot"
        texts.append(f"sandbox `{name}`: {text}. {reason}".rstrip(" .") + ".")
    if isinstance(sandbox, RootedSandbox) and sandbox.reason:
        slow = "each RUN copies its root file system" if sandbox.snapshotter == COPY else "slower"
        # Where the trial was made is of no interest.
        why = sandbox.reason.partition(f"{MOUNT_ROOT}: ")[2].partition(": `")[0]
        texts.append(
            f"snapshotter `{sandbox.snapshotter}`: {slow}, since overlayfs does not work: {why}."
        )
    return " ".join(texts)


def make(name: str, ownership: Ownership, *, landlock_abi: int | None = None) -> Sandbox | None:
    """Return a driver by name, untried; None when its runtime is not installed.

    Args:
        name: ``embedded``, ``single-id``, ``in-container``, ``oci:NAME`` or ``oci:/PATH``.
        ownership: See ``choose``.
        landlock_abi: Version of Landlock, by default this kernel's.
    """
    if name in {"embedded", SINGLE_ID}:
        from jettison.sandbox.driver.embedded import EmbeddedSandbox

        return EmbeddedSandbox(single_id=name == SINGLE_ID, landlock_abi=landlock_abi)
    if name == IN_CONTAINER:
        from jettison.sandbox.driver.chroot import ChrootSandbox

        return ChrootSandbox(ownership)
    from jettison.sandbox.driver.oci import OciSandbox

    path = find_program(name.removeprefix("oci:"))
    return None if path is None else OciSandbox(path, landlock_abi=landlock_abi)


def _candidates(force: str) -> tuple[str, ...]:
    if not force:
        return (SINGLE_ID, IN_CONTAINER) if has_single_id() else (*DRIVERS, IN_CONTAINER)
    if force == "oci":
        return DRIVERS[1:]
    if force in {"crun", "runc"} or force.startswith("/"):
        return (f"oci:{force}",)
    if force == SINGLE_ID and not has_single_id():
        raise UsageError(
            "the sandbox `single-id` needs a user namespace with one id",
            hint="Set `isolation` by the environment or the settings file, or leave it out.",
        )
    return (force,)


def _install(name: str) -> str:
    program = name.removeprefix("oci:")
    return f"Install the package `{program}`." if not program.startswith("/") else ""


def _verdict(
    name: str, sandbox: Sandbox, snapshotter: str, cache_dir: Path | None, kept: Path | None
) -> Verdict:
    """Return the verdict that is kept in a directory, or a new one."""
    if kept is None:
        return _try(sandbox, snapshotter, cache_dir)
    path = kept / _FILE
    key = _key(name, snapshotter)
    known = _read(path)
    if key in known:
        return known[key]
    verdict = _try(sandbox, snapshotter, cache_dir)
    if verdict.works:  # a failure may have been repaired until the next time
        _write(path, known, key, verdict)
    return verdict


def _try(sandbox: Sandbox, snapshotter: str, cache_dir: Path | None) -> Verdict:
    from jettison.sandbox.probe import CANNOT_HIDE
    from jettison.sandbox.probe import probe as try_out

    verdict = try_out(sandbox, cache_dir)
    remedy = verdict.remedy
    if MOUNT_ROOT in verdict.reason:
        remedy = _REMEDIES[COPY if verdict.reason == CANNOT_HIDE else snapshotter]
    return msgspec.structs.replace(verdict, snapshotter=snapshotter, remedy=remedy)


def _key(name: str, snapshotter: str) -> str:
    """Return what a verdict depends on, as text; a program is what is at a path, not its name.

    Args:
        name: See ``make``.
        snapshotter: What the driver is on.
    """
    runtime = name.startswith("oci:")
    programs = [find_program(name.removeprefix("oci:")) if runtime else Path(sys.executable)]
    if snapshotter == FUSE:
        programs.append(find_program(FUSE))
    stamps = []
    for program in filter(None, programs):
        st = program.stat()
        stamps.append(f"{os.path.realpath(program)!a}.{st.st_dev}.{st.st_ino}.{st.st_ctime_ns}")
    uid, gid = outer_ids()
    by = f"{uid}:{gid}:{os.getuid()}:{_rights()}"
    return f"{name} {_boot()} {__version__} {by} {snapshotter} {' '.join(stamps)}".encode(
        "ascii", "backslashreplace"
    ).decode()


def _boot() -> str:
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()


def _rights() -> str:
    """Return what this process may do: capabilities, set-ID programs, system calls."""
    with open("/proc/self/status", "rb") as file:
        lines = [line.split() for line in file]
    wanted = {b"CapEff:", b"CapBnd:", b"NoNewPrivs:", b"Seccomp_filters:"}
    return b":".join(line[1] for line in lines if line[0] in wanted).decode("ascii")


def _read(path: Path) -> dict[str, Verdict]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Verdict])
    except (OSError, msgspec.DecodeError):
        return {}


def _write(path: Path, known: dict[str, Verdict], key: str, verdict: Verdict) -> None:
    """Keep a verdict; those of earlier boots are dropped, and a full disk is no reason to fail."""
    boot = _boot()
    kept = {name: value for name, value in known.items() if boot in name} | {key: verdict}
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(msgspec.json.encode(kept))
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
