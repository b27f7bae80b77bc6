"""``--probe``: what a start of an image comes to, in words, and beside what checks said.

In:  a session, an image, what is wanted of it, findings of its checks.
Out: ``Probed``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from jettison.analysis.entry.reached import Reached
from jettison.analysis.entry.walk import reached
from jettison.analysis.rootfs import Rootfs
from jettison.api.probe_container import Seen, Target, is_good, observe
from jettison.api.probed import Probed
from jettison.api.session import Session
from jettison.check.outcome import foreseen, refuted, symptom
from jettison.errors import ProbeError
from jettison.findings.finding import Finding, Severity
from jettison.image.names import find_image
from jettison.oci.codec import decode
from jettison.oci.config import ContainerConfig, ImageConfig
from jettison.store.image import StoredImage

_SIGNALS = 128


def probe_named(session: Session, name: str, target: Target, findings: Sequence[Finding]) -> Probed:
    """Probe an image by the name or ID that a user writes; raises as ``probe_image``.

    Raises:
        ImageNotFoundError, InvalidReferenceError: there is no such image.
    """
    from jettison.api.roots import Roots  # where findings are compared

    image = find_image(session.store, name)
    roots = Roots(session, image, read=True)
    return probe_image(session, image, target, findings, roots.image)


def probe_image(
    session: Session,
    image: StoredImage,
    target: Target,
    findings: Sequence[Finding],
    open_root: Callable[[], Rootfs | None],
) -> Probed:
    """Start an image in the sandbox, and say what came of it.

    Args:
        session: The store.
        image: It.
        target: What is wanted of it.
        findings: Of its checks.
        open_root: Returns its root file system, where findings are to be compared with it.

    Raises:
        NamespaceRequired: the process may not do that as it is.
        UsageError: the image starts nothing.
        SandboxUnavailableError: there is no sandbox that can take the network away.
        JettisonError: see ``errors``.
    """
    seen = observe(session, image, target)
    config = decode(ImageConfig, image.config).config
    has_errors = any(each.severity is Severity.ERROR for each in findings)
    root = open_root() if has_errors and is_good(seen, target) else None
    starts = reached(root.files, config) if root is not None else Reached()
    return outcome_of(seen, target, config, findings, starts)


def require_good(probed: Probed) -> None:
    """Make sure that an image did what was wanted of it.

    Raises:
        ProbeError: it did not.
    """
    if probed.ok:
        return
    hint = "`jettison check --image` says what may be wrong; `jettison run` starts it by hand"
    if probed.foreseen:
        rule = probed.foreseen[0]
        hint = f"{rule} said so; `jettison check --explain {rule}` says what that is about"
    error = ProbeError(f"probe: the image {probed.text}; nothing was tagged or pushed", hint=hint)
    error.log_tail = probed.output
    raise error


def outcome_of(
    seen: Seen,
    target: Target,
    config: ContainerConfig,
    findings: Sequence[Finding],
    starts: Reached,
) -> Probed:
    """Return what a probe comes to.

    Args:
        seen: What the container did.
        target: What was wanted.
        config: Of the image.
        findings: Of its checks.
        starts: What it starts.
    """
    ok = is_good(seen, target)
    known = () if ok else foreseen(findings, seen.problem or seen.output)
    wrong = refuted(findings, starts, has_ended=seen.code == 0) if ok else ()
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
    if seen.code is None and is_good(seen, target) and (target.url is not None or target.argv):
        parts[-1] += f" after {seen.seconds:.1f} s"
    elif seen.code is None:
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
