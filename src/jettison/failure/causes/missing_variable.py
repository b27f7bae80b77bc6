"""A variable that the step needs is not set."""

from __future__ import annotations

from jettison.errors import Cause
from jettison.failure.base import Failure, quoted

_SIGNS = (
    ("keyerror", r"^KeyError: '(?P<name>[A-Z][A-Z0-9_]+)'"),
    ("environment variable", r"(?:[Ss]et|[Mm]issing|[Uu]ndefined|[Rr]equired?|[Nn]eed) (?:the )?(?:required )?(?P<name>[A-Z][A-Z0-9_]{2,}) environment variable"),
    ("environment variable", r"[Ee]nvironment variable:? ['\"`$]?(?P<name>[A-Z][A-Z0-9_]{2,})['\"`]? (?:is |was |must |not |has )"),
    ("key not found", r"(?:key not found|KeyError): \"(?P<name>[A-Z][A-Z0-9_]+)\""),
    ("failed to replace env", r"Failed to replace env in config: \$\{(?P<name>\w+)\}"),
    ("java_home is not", r"(?P<name>JAVA_HOME) (?:is not|environment variable is not) (?:set|defined)"),
    ("java_home", r"ERROR: (?P<name>JAVA_HOME) is (?:not set|set to an invalid)"),
    ("secret_key_base", r"Missing .*(?P<name>secret_key_base)"),
    ("is not set", r"(?:^|\$)(?P<name>[A-Z][A-Z0-9_]{3,}) (?:is|must be|was) (?:not |un)?(?:set|defined)"),
    ("gopath", r"\$(?P<name>GOPATH) not set"),
)  # fmt: skip


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    found = failure.log.find(*_SIGNS, last=25)
    if found is None:
        return None
    name = found["name"]
    return Cause(
        "missing-variable",
        f"the variable {quoted(name)} is not set",
        "a step sees ENV of its stage, and ARG from its line on",
        f"`ENV {name[:60]}=…`, or `ARG` and `--build-arg`; secrets with `--mount=type=secret,env=`",
    )
