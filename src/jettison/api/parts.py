"""``--part-of``: a build that pushes its platforms as parts of an image that others complete.

In:  a request, what was pushed by digest.
Out: a record of it in each repository; an index under the tags where all parts are there.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from jettison.api.compile import shown, wanted_platforms
from jettison.api.request import BuildRequest
from jettison.api.session import Session
from jettison.errors import UsageError
from jettison.events import Progress, Sink
from jettison.exporter.outputs import ImageOutput, OutputRequest, RegistryOutput
from jettison.image.names import tag_reference
from jettison.image.parts import Merged, PartRecords, PartSet
from jettison.oci.digest import Digest
from jettison.oci.platform import Platform, parse_platform


def require_parts(request: BuildRequest) -> None:
    """See that a request says what it is a part of.

    Raises:
        UsageError: something is missing, or its platforms are not among the parts.
    """
    if not request.part_of or not request.parts:
        raise UsageError(
            "--part-of names the set, and --parts its platforms: both are needed",
            hint="write `--part-of $RUN_ID --parts linux/amd64,linux/arm64`",
        )
    if not request.push or not request.tags:
        raise UsageError("--part-of needs a registry", hint="add `--push` and a name with -t")
    parts = set(map(parse_platform, request.parts))
    strange = [each for each in wanted_platforms(request) if each not in parts]
    if strange:
        raise UsageError(
            f"this builds `{strange[0]}`, which is none of the parts",
            hint="name it in --parts, or choose with --platform",
        )


def by_digest(output: OutputRequest) -> OutputRequest:
    """Return an output that moves no tag of a registry."""
    if isinstance(output, RegistryOutput | ImageOutput):
        return msgspec.structs.replace(output, push_by_digest=True)
    return output


def join_parts(
    session: Session,
    request: BuildRequest,
    pushed: Digest,
    platforms: Sequence[tuple[Platform, Platform]],
    sink: Sink,
) -> Merged:
    """Record what was pushed, and write the index if nothing is missing.

    Args:
        session: Has the client.
        request: Which set, which names.
        pushed: Digest of the manifest, or of the index of several.
        platforms: Of what was built, in the order pushed: as asked for, and as the image says.
        sink: Gets events.

    Raises:
        RegistryError: a registry refuses.
    """
    wanted = PartSet.of(request.part_of, [parse_platform(each) for each in request.parts])
    names = [tag_reference(each) for each in request.tags]

    def work(_report: Progress) -> Merged:
        made = Merged(None)
        left: list[str] = []
        for repository in dict.fromkeys(each.name for each in names):
            here = [each for each in names if each.name == repository]
            records = PartRecords(session.registry(), here[0], wanted)
            records.keep(pushed, platforms)
            made = records.merge([each.tag for each in here])
            left += [f"{repository}:{tag}" for tag in made.left]
        return msgspec.structs.replace(made, left=tuple(left))

    return shown(sink, f"joining parts of {names[0].familiar}", work)
