"""Checks of a Dockerfile: alone (``check``), and as a part of each build.

In:  a session, a ``BuildRequest``; for a build also what its compilation found.
Out: findings, outlines, targets.

A check reaches for no network: base images count as far as the local store or a layout has them.
What a build's checks found is kept, so that a build that changes nothing does not even load them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

import msgspec

from jettison import __version__
from jettison.api.build_checks import CheckSettings, check_settings, finding_event
from jettison.api.compile import Compiled, compile_arguments, excerpts_from
from jettison.api.credentials import access_of
from jettison.api.request import BuildRequest
from jettison.api.session import Session
from jettison.errors import FrontendError, InvalidReferenceError, JettisonError, SourceError
from jettison.events import Sink
from jettison.findings.finding import Finding, Severity
from jettison.frontend.base import CompileRequest, ImageConfigs, ImageContext, ImageRequest
from jettison.frontend.dockerfile.parser import parse
from jettison.frontend.dockerfile.syntax import Dockerfile
from jettison.oci.config import ImageConfig
from jettison.oci.digest import Digest, sha256_digest
from jettison.oci.platform import Platform, normalise
from jettison.source.context import BuildContext, open_context

if TYPE_CHECKING:
    from jettison.api.ignored import Ignored
    from jettison.lint.file import ImageFacts, LintContext
    from jettison.lint.outline import Outline, Target

_OVERRIDE = "BUILDKIT_DOCKERFILE_CHECK"
_OWN = "MS"
"""How the names of rules begin that docker does not have."""


class Checked(msgspec.Struct, frozen=True):
    """What a check found.

    Args:
        dockerfile: What was checked; without instructions when it cannot be parsed.
        findings: In the order of the text.
        error: Why it cannot be built, as far as that is known without building.
    """

    dockerfile: Dockerfile
    findings: tuple[Finding, ...] = ()
    error: JettisonError | None = None

    @property
    def dockers(self) -> tuple[Finding, ...]:
        """Findings of rules that docker has."""
        return tuple(each for each in self.findings if not each.rule.startswith(_OWN))

    @property
    def own(self) -> tuple[Finding, ...]:
        """Findings of rules that docker does not have."""
        return tuple(each for each in self.findings if each.rule.startswith(_OWN))


class _Answer(msgspec.Struct, frozen=True):
    """What is kept of the checks of a build; ``error`` is that of ``# check=error=true``."""

    findings: tuple[Finding, ...]
    error: bool


def check(session: Session, request: BuildRequest) -> Checked:
    """Check a Dockerfile; all its stages, or those that ``request.target`` needs.

    Raises:
        ContextError: the context or the Dockerfile is not there.
        UsageError: a flag or an option of ``# check=`` is wrong.
    """
    from jettison.findings.suppress import options_of
    from jettison.lint.outline import needed_stages
    from jettison.lint.runner import check as run_rules

    with (
        open_context(request, session.store, access_of(session, request)) as context,
        excerpts_from(context),
    ):
        asked = compile_arguments(session, request, context)
        try:
            dockerfile = parse(asked.text, filename=asked.filename)
        except FrontendError as wrong:
            return Checked(_unparsed(asked), error=_with_source(wrong, context))
        options = options_of(dockerfile, asked.build_args.get(_OVERRIDE, ""))
        configs, error = _try_to_compile(session, asked)
        lint_context = make_lint_context(asked, configs, context)
        if asked.target and error is None:
            lint_context = msgspec.structs.replace(
                lint_context, stages=needed_stages(dockerfile, lint_context)
            )
        ignored = check_settings(request).ignored
        findings = run_rules(dockerfile, lint_context, options=options, own=True, ignored=ignored)
        findings = tuple(each for each in findings if not _says_the_same(each, error))
        return Checked(dockerfile, findings, error and _with_source(error, context))


def outline(session: Session, request: BuildRequest) -> tuple[Outline, Dockerfile]:
    """Return what the target of a request can be given.

    Raises:
        JettisonError: the Dockerfile is wrong or not there, or has no such target.
    """
    from jettison.lint.outline import outline as outline_of

    with (
        open_context(request, session.store, access_of(session, request)) as context,
        excerpts_from(context),
    ):
        asked = compile_arguments(session, request, context)
        dockerfile = parse(asked.text, filename=asked.filename)
        return outline_of(dockerfile, make_lint_context(asked, {}, context)), dockerfile


def targets(session: Session, request: BuildRequest) -> tuple[tuple[Target, ...], Dockerfile]:
    """Return the stages that can be built.

    Raises:
        JettisonError: the Dockerfile is wrong or not there.
    """
    from jettison.lint.outline import targets as targets_of

    with (
        open_context(request, session.store, access_of(session, request)) as context,
        excerpts_from(context),
    ):
        asked = compile_arguments(session, request, context)
        dockerfile = parse(asked.text, filename=asked.filename)
        return targets_of(dockerfile, make_lint_context(asked, {}, context)), dockerfile


def check_build(
    session: Session,
    compiled: Sequence[Compiled],
    context: BuildContext,
    sink: Sink,
    settings: CheckSettings,
) -> tuple[Finding, ...]:
    """Tell what the rules find in the stages that a build needs; what several platforms share once.

    Args:
        session: The store.
        compiled: The plan of each platform, and the Dockerfile that it was made from.
        context: Whose ignore file counts.
        sink: Gets an event for each error and warning.
        settings: How builds are checked.

    Returns:
        What rules found that docker does not have.

    Raises:
        LintError: the file wants findings to be errors.
        UsageError: an option of ``# check=`` is wrong.
    """
    answers = [_answer(session, each, context, settings) for each in compiled]
    findings = list(answers[0].findings)
    for answer in answers[1:]:
        findings += [each for each in answer.findings if each not in findings]
    now = time.time_ns()
    for each in findings:
        if each.severity is not Severity.NOTE:
            sink(finding_event(each, now))
    if findings and answers[0].error:
        from jettison.findings.options import CheckOptions
        from jettison.lint.runner import raise_for

        raise_for(findings, CheckOptions(error=True))
    return tuple(each for each in findings if each.rule.startswith(_OWN))


def _answer(
    session: Session, compiled: Compiled, context: BuildContext, settings: CheckSettings
) -> _Answer:
    """Return what checks find, or what is kept of it."""
    question = _question(compiled, context, settings)
    kept = session.cache.answers.find(question)
    if kept is not None:
        return msgspec.msgpack.decode(kept, type=_Answer)
    answer = _check_stages(compiled, context, settings)
    session.cache.answers.keep(question, msgspec.msgpack.encode(answer))
    return answer


def make_lint_context(
    asked: CompileRequest,
    configs: ImageConfigs,
    context: BuildContext,
    stages: Collection[int] | None = None,
) -> LintContext:
    """Return what is known besides the text.

    Args:
        asked: What the frontend was asked.
        configs: Of the base images that are known.
        context: Whose ignore file counts.
        stages: Which stages are checked; None is all.
    """
    from jettison.lint.file import LintContext

    hides = _ignored(context).hides if context.ignore_file().patterns else None
    return LintContext(
        build_args=asked.build_args,
        platform=asked.platform,
        build_platform=asked.build_platform,
        target=asked.target,
        stages=stages,
        image=_image_facts(asked, configs),
        is_ignored=hides,
    )


def _says_the_same(finding: Finding, error: JettisonError | None) -> bool:
    """Tell whether a finding is about what the build fails of."""
    span = error.span if error is not None else None
    return finding.severity is Severity.ERROR and span is not None and span.line == finding.line


def _check_stages(compiled: Compiled, context: BuildContext, settings: CheckSettings) -> _Answer:
    from jettison.findings.suppress import options_of
    from jettison.lint.runner import check as run_rules

    asked = compiled.asked
    dockerfile = parse(asked.text, filename=asked.filename)
    options = options_of(dockerfile, asked.build_args.get(_OVERRIDE, ""))
    needed = frozenset(stage.index for stage in compiled.plan.stages if stage.needed)
    lint_context = make_lint_context(asked, compiled.configs, context, needed)
    found = run_rules(
        dockerfile,
        msgspec.structs.replace(lint_context, files_follow=True),
        options=options,
        own=settings.level != "none",
        ignored=settings.ignored,
    )
    return _Answer(found, options.error)


def _question(compiled: Compiled, context: BuildContext, settings: CheckSettings) -> Digest:
    """Return a digest of everything that the findings of a build depend on."""
    asked = compiled.asked
    images = [
        (each.reference, str(each.platform), *_facts_that_count(config))
        for each, config in compiled.configs.items()
    ]
    parts = (
        ("checks", __version__, asked.text, settings.level != "none", settings.ignored),
        (sorted(asked.build_args.items()), asked.target),
        (str(asked.platform), str(asked.build_platform)),
        [stage.index for stage in compiled.plan.stages if stage.needed],
        [(name, type(each).__name__) for name, each in sorted(asked.contexts.items())],
        images,
        [os.fsencode(pattern) for pattern in context.ignore_file().patterns],
        list(_ignored(context).hidden(compiled.plan)) if context.ignore_file().patterns else [],
    )
    return sha256_digest(msgspec.msgpack.encode(parts))


def _try_to_compile(
    session: Session, asked: CompileRequest
) -> tuple[dict[ImageRequest, ImageConfig], JettisonError | None]:
    """Compile as far as base images are here; return their configs, and what is wrong."""
    from jettison.frontend.base import NeedImages
    from jettison.frontend.dockerfile.compile import compile as compile_file

    configs: dict[ImageRequest, ImageConfig] = {}
    resolver = session.resolver(offline=True)
    while True:
        try:
            answer = compile_file(asked, configs)
        except (FrontendError, SourceError) as error:
            return configs, error
        if not isinstance(answer, NeedImages):
            return configs, None
        before = len(configs)
        for need in answer.requests:
            try:
                configs[need] = resolver.resolve(need.reference, need.platform).config
            except SourceError:
                continue
        if len(configs) < before + len(answer.requests):
            return configs, None


def _image_facts(
    asked: CompileRequest, configs: ImageConfigs
) -> Callable[[str, Platform], ImageFacts | None]:
    from jettison.frontend.dockerfile.contexts import Contexts
    from jettison.lint.file import ImageFacts
    from jettison.oci.reference import parse_reference

    contexts = Contexts(asked.contexts, asked.platform)

    def facts(name: str, platform: Platform) -> ImageFacts | None:
        found = contexts.find(name, platform)
        if found is not None and not isinstance(found.context, ImageContext):
            return ImageFacts()
        try:
            reference = (
                found.context.reference
                if found is not None and isinstance(found.context, ImageContext)
                else str(parse_reference(name))
            )
        except InvalidReferenceError:
            return None
        config = configs.get(ImageRequest(reference, platform))
        if config is None:
            return None
        return ImageFacts(
            environment=tuple(config.config.env or ()),
            has_shell=bool(config.config.shell),
            on_build=tuple(config.config.on_build or ()),
            platform=normalise(config.os, config.architecture, config.variant)
            if config.os and config.architecture
            else None,
        )

    return facts


def _facts_that_count(config: ImageConfig) -> tuple[object, ...]:
    platform = (config.os, config.architecture, config.variant)
    facts = config.config
    return (platform, facts.env, bool(facts.shell), facts.on_build)


def _ignored(context: BuildContext) -> Ignored:
    from jettison.api.ignored import Ignored  # not without an ignore file

    return Ignored(context)


def _unparsed(asked: CompileRequest) -> Dockerfile:
    return Dockerfile((), text=asked.text.decode(errors="replace"), filename=asked.filename)


def _with_source(error: JettisonError, context: BuildContext) -> JettisonError:
    error.source = (context.filename, context.dockerfile.decode(errors="replace"))
    return error
