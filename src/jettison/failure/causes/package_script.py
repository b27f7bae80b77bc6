"""A package was fetched, and its own installation script failed."""

from __future__ import annotations

from jettison.errors import Cause
from jettison.failure.base import Failure, quoted

_SIGNS = (
    ("post-installation script", r"(?:installed )?(?P<name>[\w.+:-]+)? ?package post-installation script subprocess"),
    ("error processing package", r"dpkg: error processing (?:package|archive) (?P<name>\S+)"),
    ("errors were encountered while processing", r"Errors were encountered while processing"),
    ("sub-process /usr/bin/dpkg", r"Sub-process /usr/bin/dpkg returned an error"),
    ("scriptlet failed", r"scriptlet failed|Error in (?:PRE|POST)\w* scriptlet"),
    ("error in post", r"Error in (?:PRE|POST)\w* scriptlet in rpm package (?P<name>\S+)"),
    ("cpio: ", r"error: unpacking of archive failed.*cpio"),
    ("post-install script", r"ERROR: (?P<name>\S+?)(?:-[\d.]+\S*)?: (?:failed to execute|script exited)"),
)  # fmt: skip


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    found = failure.log.find(*_SIGNS, last=30)
    if found is None:
        return None
    named = failure.log.find(_SIGNS[1], last=60)
    name = (named or found).groupdict().get("name") or ""
    return Cause(
        "package-script",
        f"the package {quoted(name)} could not be set up"
        if name
        else "a package could not be set up",
        "its script needs what a build lacks: a running service, a device, a directory, an answer",
        "read what it says above; `--no-install-recommends` often leaves such packages out",
    )
