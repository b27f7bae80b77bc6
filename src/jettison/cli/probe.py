"""What a probe came to, for people."""

from __future__ import annotations

from jettison.api.probed import Probed
from jettison.findings.finding import Finding

_OUTPUT_LINES = 10


def probe_text(probed: Probed, image: str) -> str:
    """Return lines that say it.

    Args:
        probed: It.
        image: Name or ID, as commands take it.
    """
    lines = [f"probe: {probed.text}"]
    lines += [f"  note: {note}" for note in probed.notes]
    if probed.output.strip():
        written = probed.output.rstrip("\n").split("\n")[-_OUTPUT_LINES:]
        lines += ["  it wrote:", *(f"  | {line}" for line in written)]
    if not probed.ok:
        said = " and ".join(probed.foreseen)
        lines.append(f"  {said} said so" if said else "  no check foresaw it")
    for finding in probed.refuted:
        lines += _mistake(finding, image)
    return "\n".join(lines) + "\n"


def _mistake(finding: Finding, image: str) -> list[str]:
    return [
        f"  {finding.rule} was wrong: {finding.detail}; but it started",
        "  this is a mistake of Jettison: please report it, with the Dockerfile and the output of",
        f"  `jettison check --image {image} --format json`",
        f"  until then, `# jettison ignore={finding.rule}` in the Dockerfile silences it",
    ]
