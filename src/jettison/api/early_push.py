"""Which layers leave before a build has ended.

In:  the outputs of a build, and what may still refuse its image.
Out: ``EarlyUploads``, or None where nothing may leave early.

A blob without a manifest can be read by who knows its digest. So nothing leaves early where the
image may yet be refused: by strict checks, by limits, by a probe.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from jettison.api.build_checks import CheckSettings
from jettison.api.output import PreparedOutput, services
from jettison.api.request import BuildRequest
from jettison.api.session import Session

if TYPE_CHECKING:
    from jettison.exporter.early import EarlyUploads


def early_uploads(
    session: Session,
    request: BuildRequest,
    outputs: Sequence[PreparedOutput],
    checks: CheckSettings,
    resources: ExitStack,
) -> EarlyUploads | None:
    """Return what sends layers while the build runs; None if nothing may leave.

    Args:
        session: The store.
        request: What is built.
        outputs: Where it goes.
        checks: How it is checked.
        resources: Ends it.

    Raises:
        UsageError: a file with limits is wrong.
    """
    targets = [target for output in outputs for target in output.targets]
    if not targets or request.offline or request.probe or checks.is_strict:
        return None
    from jettison.api.limits import limits_of

    if limits_of(request).limits:
        return None
    from jettison.exporter.early import EarlyUploads

    return resources.enter_context(EarlyUploads(services(session), targets))
