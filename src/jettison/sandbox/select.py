"""Chooses the driver for RUN steps by really trying.

In:  a forced name or nothing, where the verdict may be kept.
Out: a driver that works.

The embedded driver comes first: it is the fastest and needs nothing (docs/adr/0002-sandbox.md).

On disk: ``sandbox.json`` in the cache directory: verdicts by a key that changes with the boot, the
kernel, the user and the driver's program.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec

from jettison import __version__
from jettison.errors import SandboxUnavailableError, UsageError
from jettison.linux.userns import has_single_id, outer_ids, shortfall
from jettison.sandbox.base import Sandbox, Verdict

DRIVERS = ("embedded", "oci:crun", "oci:runc")
"""Those that isolate, in the order in which they are tried."""

SINGLE_ID = "single-id"
IN_CONTAINER = "in-container"

_FILE = "sandbox.json"


def choose(force: str = "", cache_dir: Path | None = None) -> Sandbox:
    """Return the driver to use.

    Args:
        force: ``embedded``, ``oci`` (crun or runc), ``crun``, ``runc``, ``oci:NAME``, the path
            of a runtime, ``single-id`` or ``in-container``; empty takes the first that works.
        cache_dir: Directory on the file system of the layers; verdicts are kept there.

    Raises:
        UsageError: an unknown name.
        SandboxUnavailableError: none works; says why for each.
    """
    failed = []
    for name in _candidates(force):
        sandbox = make(name)
        if sandbox is None:
            failed.append(Verdict(name, works=False, reason="not installed", remedy=_install(name)))
            continue
        verdict = _verdict(sandbox, name, cache_dir)
        if verdict.works:
            return sandbox
        sandbox.close()
        failed.append(verdict)
    reasons = "; ".join(f"`{verdict.driver}`: {verdict.reason}" for verdict in failed)
    hints = [verdict.remedy for verdict in failed if verdict.remedy]
    raise SandboxUnavailableError(
        f"no sandbox works on this host: {reasons}",
        hint=hints[0] if hints else "Run `jettison doctor` to see what the kernel allows.",
    )


def probe(cache_dir: Path | None = None) -> list[Verdict]:
    """Try every driver now, without looking at kept verdicts."""
    from jettison.sandbox.probe import probe as try_out  # noqa: PLC0415 - rarely needed

    verdicts = []
    if has_single_id():
        reason, remedy = shortfall()
        verdicts.append(Verdict("embedded", works=False, reason=reason, remedy=remedy))
    for name in _candidates(""):
        sandbox = make(name)
        if sandbox is None:
            verdict = Verdict(name, works=False, reason="not installed", remedy=_install(name))
        else:
            verdict = try_out(sandbox, cache_dir)
            sandbox.close()
        verdicts.append(verdict)
    return verdicts


def shortcoming(name: str) -> str:
    """Return what a driver lacks and why it is used, for people; empty for those that isolate."""
    reason, remedy = shortfall()
    if name == SINGLE_ID:
        text = "RUN steps see all files as root's, and cannot become other users, since"
        return f"sandbox `{name}`: {text} {reason or 'there is one user here'}. {remedy}".rstrip()
    if name == IN_CONTAINER:
        text = "steps run without isolation, in a chroot without /proc"
        return f"sandbox `{name}`: {text}. {reason}".rstrip(" .") + "."
    return ""


def make(name: str) -> Sandbox | None:
    """Return a driver by name, untried; None when its runtime is not installed.

    Args:
        name: ``embedded``, ``single-id``, ``in-container``, ``oci:NAME`` or ``oci:/PATH``.
    """
    if name in {"embedded", SINGLE_ID}:
        from jettison.sandbox.embedded import EmbeddedSandbox  # noqa: PLC0415 - not for cached builds

        return EmbeddedSandbox(single_id=name == SINGLE_ID)
    if name == IN_CONTAINER:
        from jettison.sandbox.chroot import ChrootSandbox  # noqa: PLC0415 - rarely needed

        return ChrootSandbox()
    from jettison.sandbox.oci import OciSandbox  # noqa: PLC0415 - rarely needed

    path = _find(name.removeprefix("oci:"))
    return None if path is None else OciSandbox(path)


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
    if force in (*DRIVERS, SINGLE_ID, IN_CONTAINER) or force.startswith("oci:/"):
        return (force,)
    names = ", ".join((*DRIVERS, SINGLE_ID, IN_CONTAINER))
    raise UsageError(f"unknown sandbox driver `{force}`", hint=f"Use one of {names} or `oci`.")


def _find(program: str) -> Path | None:
    """Find a runtime on PATH, or where distributions keep it although users' PATH lacks it."""
    if program.startswith("/"):
        return Path(program) if os.access(program, os.X_OK) else None
    for directory in [*os.get_exec_path(), "/usr/bin", "/usr/sbin", "/usr/local/bin", "/sbin"]:
        path = os.path.join(directory, program)
        if os.access(path, os.X_OK) and os.path.isfile(path):
            return Path(path)
    return None


def _install(name: str) -> str:
    program = name.removeprefix("oci:")
    return f"Install the package `{program}`." if not program.startswith("/") else ""


def _verdict(sandbox: Sandbox, name: str, cache_dir: Path | None) -> Verdict:
    if cache_dir is None:
        return _try(sandbox, None)
    path = cache_dir / _FILE
    key = _key(name)
    known = _read(path)
    if key in known:
        return known[key]
    verdict = _try(sandbox, cache_dir)
    if verdict.works:  # a failure may have been repaired until the next time
        _write(path, known, key, verdict)
    return verdict


def _try(sandbox: Sandbox, cache_dir: Path | None) -> Verdict:
    from jettison.sandbox.probe import probe as try_out  # noqa: PLC0415 - once per boot

    return try_out(sandbox, cache_dir)


def _key(name: str) -> str:
    """Return what a verdict depends on, as text."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        boot = file.read().strip()
    runtime = name.startswith("oci:")
    program = _find(name.removeprefix("oci:")) if runtime else Path(sys.executable)
    facts = program.stat() if program else None
    stamp = f"{facts.st_size}.{facts.st_mtime_ns}" if facts else ""
    uid, gid = outer_ids()
    return f"{name} {stamp} {__version__} {boot} {uid}:{gid}:{os.getuid()}"


def _read(path: Path) -> dict[str, Verdict]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Verdict])
    except (OSError, msgspec.DecodeError):
        return {}


def _write(path: Path, known: dict[str, Verdict], key: str, verdict: Verdict) -> None:
    """Keep a verdict; those of earlier boots are dropped, and a full disk is no reason to fail."""
    boot = key.split(" ")[3]
    kept = {name: value for name, value in known.items() if boot in name} | {key: verdict}
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(msgspec.json.encode(kept))
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
