"""What tells one project from others, and what is known of one build of it.

In:  what was asked for.
Out: a digest, under which traces of builds are kept.
"""

from __future__ import annotations

import os

import msgspec

from jettison.api.compile import Compiled
from jettison.api.request import BuildRequest
from jettison.oci.digest import Digest, sha256_digest
from jettison.oci.redact import redacted
from jettison.oci.reference import parse_reference
from jettison.solver.result import Solution
from jettison.source.context import BuildContext

_STDIN = "-"


class Built(msgspec.Struct, frozen=True):
    """What a trace is made of.

    Args:
        request: What was asked for.
        compiled: What it became.
        context: Its files.
        solution: What there is, also of a build that failed.
    """

    request: BuildRequest
    compiled: Compiled
    context: BuildContext
    solution: Solution


def project_of(request: BuildRequest) -> Digest:
    """Return what tells a project from others: where its context and its Dockerfile are.

    What comes from standard input is known by its name.
    """
    context, dockerfile = request.context, request.dockerfile
    places = [
        os.path.realpath(context) if os.path.isdir(context) else redacted(context),
        os.path.realpath(dockerfile) if os.path.isfile(dockerfile) else dockerfile,
    ]
    if _STDIN in {context, dockerfile}:
        places.append(name_of(request))
    return sha256_digest(b"\0".join(map(os.fsencode, places)))


def name_of(request: BuildRequest) -> str:
    """Return the name of the image that is built, without its tag; empty without one."""
    return parse_reference(request.tags[0]).name if request.tags else ""
