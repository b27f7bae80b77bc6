"""Checks at the end of a build: of the image that it made, before anything is tagged or pushed.

In:  a ``BuildRequest``, the image.
Out: events for what was found; findings; an error if that is not to pass.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Self

import msgspec

from jettison.api.image_checks import image_findings
from jettison.api.project_file import NAME, file_beside
from jettison.api.request import BuildRequest
from jettison.api.session import Session
from jettison.cache.record import AnswerMemo
from jettison.errors import CheckError, UsageError
from jettison.events import Sink, Warned
from jettison.findings.finding import Finding, Severity
from jettison.findings.fix import fix_lines
from jettison.oci.digest import sha256_digest
from jettison.store.image import StoredImage

if TYPE_CHECKING:
    from jettison.analysis.secrets.known import KnownSecrets
    from jettison.api.roots import Roots

_SHOWN = 3
_CHECKED = b"checked-1\0"
_LONG_SECONDS = 2.0
LEVELS = ("none", "warn", "error", "warning")
"""Values of ``BuildRequest.checks``, but for the empty one."""


class CheckSettings(msgspec.Struct, frozen=True):
    """How an image is checked.

    Args:
        level: One of ``LEVELS``.
        ignored: Rules that are switched off.
    """

    level: str = "warn"
    ignored: tuple[str, ...] = ()

    @property
    def is_strict(self) -> bool:
        """Whether findings may fail the build."""
        return self.level in {"error", "warning"}


def check_settings(request: BuildRequest) -> CheckSettings:
    """Return what the request says, over the table ``[check]`` of ``jettison.toml``.

    Raises:
        UsageError: one of them is wrong.
    """
    found = CheckSettings()
    path = file_beside(request, NAME)
    if path is not None:
        from jettison.api.project_file import tables

        for table in tables(path, "check", request.target):
            found = _from_table(table, found)
    if request.checks:
        found = msgspec.structs.replace(found, level=_level(request.checks, "checks"))
    return found


def _level(text: object, where: str) -> str:
    """Return a level.

    Raises:
        UsageError: it is none.
    """
    if text not in LEVELS:
        raise UsageError(
            f"{where}: there is no level `{text}`", hint=f"use one of {', '.join(LEVELS)}"
        )
    return str(text)


class RuleLoader:
    """Loads what checks need while steps run and the processor has time, not when all wait for it.

    Where images of the same Dockerfile were checked before, rules are likely not to be needed
    (``api.check_cutoff``): they are loaded only if steps take so long that it does not matter.

    Args:
        settings: Without checks nothing is loaded.
        first: What is done before anything runs.
        answers: Remember what was checked.
        built: What is built, by names that are the same the next time.
    """

    def __init__(
        self,
        settings: CheckSettings,
        first: Callable[[], None],
        answers: AnswerMemo,
        built: Sequence[str],
    ) -> None:
        self._is_wanted = settings.level != "none"
        self._first = first
        self._answers = answers
        self._question = sha256_digest(_CHECKED + "\0".join(built).encode(errors="replace"))
        self._is_new = False
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Do nothing as yet."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Wait until nothing is loaded any more; remember that it was checked."""
        if isinstance(self._thread, threading.Timer):
            self._thread.cancel()
        if self._thread is not None and self._thread.ident is not None:
            self._thread.join()
        if self._is_new and kind is None:
            self._answers.keep(self._question, b"")

    def __call__(self) -> None:
        """Do what is to be done first, and begin."""
        self._first()
        if self._is_wanted and self._thread is None:
            self._is_new = self._answers.find(self._question) is None
            if self._is_new:
                self._thread = threading.Thread(target=_load_rules, name="rules", daemon=True)
            else:
                self._thread = threading.Timer(_LONG_SECONDS, _load_rules)
                self._thread.daemon = True
            with suppress(RuntimeError):  # the system gives no thread: it is loaded later
                self._thread.start()


def _load_rules() -> None:
    from jettison.check.registry import ENTRIES
    from jettison.check.relevance import SELDOM

    for entry in ENTRIES:
        if entry.about not in SELDOM:
            entry.load()


def build_findings(
    session: Session,
    image: StoredImage,
    settings: CheckSettings,
    open_roots: Callable[[], Roots],
    sink: Sink,
    find_known: Callable[[], KnownSecrets],
    *,
    known: Sequence[Finding] = (),
    platform: str = "",
) -> tuple[Finding, ...]:
    """Return what is found in a build's image, and tell it.

    Args:
        session: The store.
        image: What was built.
        settings: How it is checked.
        open_roots: Returns the root file systems of the build.
        sink: Gets an event for each error and warning.
        find_known: Returns what must not be in it; values are read only if it is checked.
        known: What was reported already, of the Dockerfile or of images for other platforms.
        platform: What findings begin with; empty for the only image.

    Raises:
        NamespaceRequired: files must be read, and the process may not do that as it is.
        ContentError, SourceError, StorageError: a layer cannot be had.
    """
    if settings.level == "none":
        return ()
    found = image_findings(
        session, image, open_roots=open_roots, ignored=settings.ignored, known=find_known()
    )
    found = tuple(each for each in found or () if each not in known)
    if platform:
        found = tuple(
            msgspec.structs.replace(each, detail=f"{platform}: {each.detail}") for each in found
        )
    now = time.time_ns()
    for each in found:
        if each.severity is not Severity.NOTE:
            sink(finding_event(each, now))
    return found


def require_no_findings(findings: Sequence[Finding], settings: CheckSettings) -> None:
    """Make sure that nothing was found that is not to pass.

    Raises:
        CheckError: something was.
    """
    bad = {Severity.ERROR} if settings.level == "error" else {Severity.ERROR, Severity.WARNING}
    found = [each for each in findings if each.severity in bad] if settings.is_strict else []
    if found:
        from jettison.findings.form.text import counted

        raise CheckError(
            "\n".join(
                (
                    f"{counted(found)} of the image's checks: nothing was tagged or pushed",
                    *(f"{each.rule} {each.detail}" for each in found[:_SHOWN]),
                )
            ),
            hint=f"`jettison check --explain {found[0].rule}` says what that is about",
            span=found[0].span,
        )


def finding_event(finding: Finding, now: int) -> Warned:
    """Return the event that tells a finding; ``now`` in nanoseconds since the epoch."""
    hint = " ".join(fix_lines(finding.fixes[0])) if finding.fixes else finding.url
    return Warned(
        now,
        "; ".join((finding.detail, *finding.cause)),
        rule=finding.rule,
        span=finding.span,
        hint=hint,
        severity=finding.severity.value,
        path=finding.path,
    )


def _from_table(table: dict[str, object], under: CheckSettings) -> CheckSettings:
    unknown = sorted(table.keys() - {"level", "ignore"})
    if unknown:
        raise UsageError(
            f"{NAME}: `[check]` has no `{unknown[0]}`", hint="write `level` or `ignore`"
        )
    level = _level(table.get("level", under.level), NAME)
    ignored = table.get("ignore", [])
    if not isinstance(ignored, list) or not all(isinstance(each, str) for each in ignored):
        raise UsageError(f"{NAME}: `ignore` is no list", hint='write `ignore = ["MS507"]`')
    return CheckSettings(level, (*under.ignored, *ignored))
