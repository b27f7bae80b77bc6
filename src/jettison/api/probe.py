"""What a probe of an image comes to: in words, and beside what checks said.

In:  what was seen, what was wanted, findings of the image, what it starts.
Out: ``Probed``.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from jettison.analysis.entry.reached import Reached
from jettison.api.probe import Seen, Target, is_good
from jettison.check.outcome import foreseen, refuted, symptom
from jettison.findings.finding import Finding
from jettison.oci.config import ContainerConfig

_SIGNALS = 128


class Probed(msgspec.Struct, frozen=True):
    """The result of a probe.

    Args:
        ok: Whether the image did what was wanted of it.
        text: What it did, one line.
        notes: What else is to be known, a line each.
        foreseen: Ids of rules that said so before.
        refuted: Findings that it disproves: mistakes of ours.
        output: What the container wrote last, of one that failed.
    """

    ok: bool
    text: str
    notes: tuple[str, ...] = ()
    foreseen: tuple[str, ...] = ()
    refuted: tuple[Finding, ...] = ()
    output: str = ""


def probed(
    seen: Seen,
    target: Target,
    config: ContainerConfig,
    findings: Sequence[Finding],
    reached: Reached,
) -> Probed:
    """Return what a probe comes to.

    Args:
        seen: What the container did.
        target: What was wanted.
        config: Of the image.
        findings: Of its checks.
        reached: What it starts.
    """
    ok = is_good(seen, target)
    known = () if ok else foreseen(findings, seen.problem or seen.output)
    wrong = refuted(findings, reached, has_ended=seen.code == 0) if ok else ()
    return Probed(
        ok,
        ", ".join(_parts(seen, target)),
        tuple(_notes(seen, config)),
        tuple(dict.fromkeys(each.rule for each in known)),
        wrong,
        "" if ok else seen.output,
    )


def _parts(seen: Seen, target: Target) -> list[str]:
    if not seen.started:
        reason = seen.problem or symptom(seen.output) or f"status {seen.code}"
        return [f"did not start: {reason}"]
    parts = ["started"]
    if seen.listening:
        parts.append(f"listened on {' and '.join(str(each.port) for each in seen.listening)}")
    if target.url is not None:
        path = target.url.path or "/"
        parts.append(f"answered {seen.status}" if seen.status else f"did not answer at {path}")
    if target.argv:
        code = seen.command_code
        name = f"`{target.argv[-1] if target.argv[0] == '/bin/sh' else target.argv[0]}`"
        parts.append(f"{name} never ran" if code < 0 else f"{name} ended with {code}")
    if seen.code is None:
        parts.append(f"still ran after {seen.seconds:.1f} s")
    else:
        signal = f" (signal {seen.code - _SIGNALS})" if seen.code > _SIGNALS else ""
        parts.append(f"ended with status {seen.code}{signal} after {seen.seconds:.1f} s")
        if seen.code and (said := symptom(seen.output)):
            parts[-1] += f": {said}"
    return parts


def _notes(seen: Seen, config: ContainerConfig) -> list[str]:
    if not seen.started or seen.code is not None:
        return []
    notes = [
        f"port {each.port} is listened on at 127.0.0.1 only: it cannot be published"
        for each in seen.listening
        if each.is_local
    ]
    there = {each.port for each in seen.listening}
    for name in config.exposed_ports or ():
        port, _, protocol = name.partition("/")
        if protocol in {"", "tcp"} and port.isdigit() and int(port) not in there:
            notes.append(f"EXPOSE {port}: nothing listened on it")
    return notes
