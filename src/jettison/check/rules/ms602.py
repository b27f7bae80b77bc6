"""MS602: caches of package managers in the image.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.analysis.caches import CacheLeft, cache_of
from jettison.check.edits import with_flags
from jettison.check.layer_facts import LayerFact
from jettison.check.layers import own_files
from jettison.check.rule import Rule
from jettison.check.steps import BuiltStep, image_steps
from jettison.check.subject import Subject
from jettison.check.units import MEGABYTE, counted, size
from jettison.findings.finding import Finding, Fix, Severity
from jettison.findings.fix import advice
from jettison.frontend.dockerfile.syntax import Run
from jettison.fs.listing import Listing

_SHARE = 0.02
_LEAST = MEGABYTE // 2


class MS602(Rule):
    r"""Caches of package managers in the image.

    ## What it does
    Finds downloads and lists that package managers and compilers keep, in files that the build
    put into the image, from half a megabyte on. Caches in other stages do no harm.

    ## Why is this bad
    They are pulled with the image, and nobody uses them: what they have is downloaded again when
    it is needed. In a cache mount they are there for the next build, and not in the image.

    ## Example
        FROM busybox
        RUN mkdir -p /root/.cache/pip && head -c 900000 /dev/urandom > /root/.cache/pip/wheel

    ## Use instead
        FROM busybox
        RUN --mount=type=cache,target=/root/.cache/pip \
            head -c 900000 /dev/urandom > /root/.cache/pip/wheel
    """

    id = "MS602"
    title = "Caches of package managers stay out of the image"
    hadolint = frozenset({"DL3009", "DL3019", "DL3032", "DL3036", "DL3040", "DL3042", "DL3060"})

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield caches, by the instruction that left most of each."""
        steps = {step.record.line: step for step in subject.fact(image_steps)}
        for cache, line in _caches(subject):
            if cache.bytes < _LEAST:
                continue
            step = steps.get(line)
            yield self.finding(
                Severity.WARNING if cache.bytes >= 2 * MEGABYTE else Severity.NOTE,
                f"{size(cache.bytes)} of {cache.manager}'s cache are in the image"
                f" ({counted(cache.files, 'file')})",
                span=step.span if step is not None else None,
                path=cache.path,
                stage=subject.final.label,
                fixes=_fixes(subject, step, cache),
            )


def _caches(subject: Subject) -> list[tuple[CacheLeft, int]]:
    """Return caches, the largest first, with the line that left most of each."""
    sums: dict[tuple[str, str], dict[int, tuple[int, int]]] = {}
    for path, count, span in own_files(subject, _CACHED):
        cache = cache_of(path)
        if cache is not None:
            line = span.line if span is not None else 0
            total, files = sums.setdefault(cache, {}).get(line, (0, 0))
            sums[cache][line] = total + count, files + 1
    found = []
    for (manager, place), lines in sums.items():
        total = sum(count for count, _ in lines.values())
        files = sum(files for _, files in lines.values())
        most = max(lines, key=lambda line: lines[line])
        found.append((CacheLeft(manager, place, total, files), most))
    return sorted(found, key=lambda each: (-each[0].bytes, each[0].path))


def _fixes(subject: Subject, step: BuiltStep | None, cache: CacheLeft) -> tuple[Fix, ...]:
    flag = f"--mount=type=cache,target={cache.path}"
    if step is not None and isinstance(step.instruction, Run):
        flag += ",sharing=locked" if cache.manager in {"apt", "dnf", "yum"} else ""
        return with_flags(subject, step, flag)
    return advice(f"leave `{cache.path}` out of what is copied")


def _cached(listing: Listing) -> list[int]:
    """Return the entries of a layer that are in caches; a directory is judged once."""
    known: dict[str, bool] = {}
    found = []
    for entry, path in enumerate(listing.paths):
        directory = path[: path.rfind("/")]
        is_cache = known.get(directory)
        if is_cache is None:
            is_cache = known[directory] = cache_of(path) is not None
        if is_cache:
            found.append(entry)
    return found


_CACHED = LayerFact("caches 1", _cached, list[int])
