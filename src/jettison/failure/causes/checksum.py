"""A file that was downloaded has another checksum than it should."""

from __future__ import annotations

from jettison.errors import Cause
from jettison.failure.base import Failure

_SIGNS = (
    ("did not match", r"WARNING: \d+ (?:of \d+ )?computed checksums? did NOT match"),
    ("checksum mismatch", r"(?i)checksum mismatch|mismatched checksum"),
    (": failed", r"^\S+: FAILED$"),
    ("eintegrity", r"EINTEGRITY"),
    ("integrity check failed", r"(?i)integrity check(?:sum)? failed"),
    ("security error", r"SECURITY ERROR"),
    ("hash mismatch", r"(?i)hash(?:es)? (?:mismatch|do(?:es)? not match)"),
    ("verifying", r"verifying \S+: checksum mismatch"),
    ("did not match the expected", r"(?i)(?:sha\d*|md5|checksum|digest).*did(?:n't| not) match"),
    ("checksum does not match", r"(?i)checksum (?:does|did)(?:n't| not) match|wrong checksum"),
)


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    if not failure.log.find(*_SIGNS, last=40):
        return None
    return Cause(
        "checksum",
        "what was downloaded is not what its checksum says",
        "the file was replaced under the same name, the download was cut off, or somebody changed it",
        "find out why before you put the new checksum in; build again if a proxy is in between",
    )
