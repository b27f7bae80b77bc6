"""Ruby: gems of a lock file that are not installed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jettison.analysis.entry.reached import Use
from jettison.analysis.ruby import Bundle, bundle
from jettison.check.runtimes.problem import Problem, behind
from jettison.check.subject import Subject
from jettison.findings.finding import Fix, FixKind, Severity
from jettison.findings.fix import advice

_SETUP = re.compile(
    rb"^\s*(?:require ['\"]bundler/setup['\"]|Bundler\.(?:setup|require)\b)", re.MULTILINE
)
_MAX_SOURCE = 1 << 20
_SHOWN = 3


def ruby_problems(subject: Subject, use: Use) -> Iterator[Problem]:
    """Yield one problem with all gems that Bundler will not find."""
    directory = (subject.config.working_dir or "/").rstrip("/")
    found = bundle(subject.image.files, directory, subject.environment)
    if found is None or not found.absent or not _uses_bundler(subject, use, directory):
        return
    has = _elsewhere(subject, found)
    if has is None:
        return
    label, place, version = has
    names = ", ".join(f"{each.name} {each.version}" for each in found.absent[:_SHOWN])
    more = f" and {len(found.absent) - _SHOWN} more" if len(found.absent) > _SHOWN else ""
    target = _target(place, found.places)
    text = f"COPY --from={label} {place} {target}"
    yield Problem(
        Severity.ERROR,
        f"{found.lock} needs {len(found.absent)} gems that are not in the image: {names}{more}",
        found.lock,
        (
            f"looked for in {', '.join(found.places[:3]) or 'no directory'}",
            f"stage `{label}` has {version} in {place}, not copied",
        ),
        (
            Fix(FixKind.INSERT, text, behind(subject, found.lock)),
            *advice("copy the gems of the stage that installs them, or run `bundle install`"),
        ),
    )


def _target(place: str, places: tuple[str, ...]) -> str:
    """Return where gems from a directory are looked for in the image."""
    base, ruby, version = place.partition("/ruby/")
    if not places or place in places or base in places:
        return place
    return f"{places[0]}{ruby}{version}"


def _uses_bundler(subject: Subject, use: Use, directory: str) -> bool:
    if use.name.rpartition("/")[2] in {"bundle", "bundler"}:
        return use.arguments[:1] == ("exec",)
    for each in use.arguments:
        if each.endswith(".rb"):
            path = each if each.startswith("/") else f"{directory}/{each}"
            data = subject.image.files.read(path, _MAX_SOURCE, whole=False)
            return _SETUP.search(data or b"") is not None
    return False


def _elsewhere(subject: Subject, found: Bundle) -> tuple[str, str, str] | None:
    """Return label, directory and an example of a stage that has the first absent gem."""
    gem = found.absent[0]
    stem = f"{gem.name}-{gem.version}"
    for stage in subject.record.stages:
        root = subject.stage(stage.index) if stage.index != subject.record.target else None
        if root is None:
            continue
        for path in root.files.entries:
            if path.endswith(".gemspec") and f"/specifications/{stem}" in path:
                return stage.label, path.partition("/specifications/")[0], stem
    return None
