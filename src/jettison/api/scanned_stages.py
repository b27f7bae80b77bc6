"""Which stages are listed in bills of materials beside the image, as BuildKit's users ask for it.

In:  what was compiled, what the flags say.
Out: ``SbomRequest``: with the stages of ``BUILDKIT_SBOM_SCAN_STAGE``.

The argument counts where ``--build-arg`` gives it; before the first FROM it is for all stages, in
a stage for that one. Its value is true, false, or names of stages with commas between.
"""

from __future__ import annotations

from jettison.api.compile import Compiled
from jettison.attest.request import SbomRequest, sbom_of_stages

SCAN_STAGE = "BUILDKIT_SBOM_SCAN_STAGE"
SCAN_CONTEXT = "BUILDKIT_SBOM_SCAN_CONTEXT"


def scanned_stages(compiled: Compiled, wanted: SbomRequest) -> SbomRequest:
    """Return what is wanted, with the stages that build arguments or the Dockerfile name."""
    given = compiled.asked.build_args.get(SCAN_STAGE)
    if given is not None:
        return _both(wanted, sbom_of_stages(_names(given)))
    for stage, value in _written(compiled):
        asked = sbom_of_stages(_names(value))
        if stage >= 0 and asked.all_stages:
            asked = SbomRequest((str(stage),) if compiled.plan.stages[stage].needed else ())
        wanted = _both(wanted, asked)
    return wanted


def asks_for_context(compiled: Compiled) -> bool:
    """Tell whether the build context is to be listed, too, which is not done."""
    given = compiled.asked.build_args.get(SCAN_CONTEXT, "false")
    return given.lower() not in {"", "0", "f", "false"}


def _written(compiled: Compiled) -> list[tuple[int, str]]:
    """Return the values in the Dockerfile, each with the index of its stage, -1 before all."""
    if SCAN_STAGE.encode() not in compiled.asked.text:
        return []
    from jettison.frontend.dockerfile.parser import parse
    from jettison.frontend.dockerfile.syntax import Arg, From

    stage, found = -1, []
    for each in parse(compiled.asked.text, filename=compiled.asked.filename).instructions:
        if isinstance(each, From):
            stage += 1
        elif isinstance(each, Arg):
            found += [(stage, item.value) for item in each.items if item.key == SCAN_STAGE]
    return [(stage, value.strip("'\"")) for stage, value in found if value]


def _names(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (each.strip() for each in text.split(","))))


def _both(one: SbomRequest, other: SbomRequest) -> SbomRequest:
    return SbomRequest(
        tuple(dict.fromkeys((*one.stages, *other.stages))),
        one.all_stages or other.all_stages,
        one.inline,
    )
