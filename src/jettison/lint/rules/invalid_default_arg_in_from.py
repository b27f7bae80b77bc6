"""InvalidDefaultArgInFrom: FROM lines that need a build argument.

In:  a ``LintFile``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.errors import InvalidReferenceError
from jettison.findings.finding import Finding
from jettison.lint.file import LintFile
from jettison.lint.rule import Rule
from jettison.oci.reference import parse_reference


class InvalidDefaultArgInFrom(Rule):
    r"""FROM lines that need a build argument.

    ## What it does
    Finds FROM lines that need a `--build-arg` to name an image.

    ## Why is this bad
    The file cannot be built as it is.

    ## Example
        ARG TAG
        FROM busybox:${TAG}

    ## Use instead
        ARG TAG=latest
        FROM busybox:${TAG}
    """

    name = "InvalidDefaultArgInFrom"
    description = "FROM names a valid image without any build argument"

    def check(self, file: LintFile) -> Iterable[Finding]:
        """Yield FROM lines whose image is no valid name with the defaults of all arguments."""
        defaults = file.global_values_with({})
        for stage in file.stages:
            expanded = file.expand_global(stage.first.image, defaults)
            if expanded is None or not (expanded.matched or expanded.unmatched):
                continue
            if not _is_reference(expanded.text):
                yield self.finding(
                    f"Default value for ARG {stage.first.image} results in empty or invalid base "
                    "image name",
                    stage.first.span,
                )


def _is_reference(text: str) -> bool:
    try:
        parse_reference(text)
    except InvalidReferenceError:
        return False
    return True
