"""Errors of templates, in the texts of Go's packages: people look for them."""

from __future__ import annotations

from jettison.errors import UsageError
from jettison.frontend.dockerfile.text import quote


def parse_error(problem: str, line: int) -> UsageError:
    """Return the error for a template that cannot be understood."""
    return UsageError(
        f"template parsing error: template: :{line}: {problem}",
        hint="fields stand like {{.Name}}; `--format json` shows all of them",
    )


def execution_error(
    problem: str, line: int, column: int, shown: str, template: str = ""
) -> UsageError:
    """Return the error for a template that asks for what is not there.

    Args:
        problem: What is wrong.
        line: Of the part that is wrong, from 1.
        column: From 0, in bytes.
        shown: The part.
        template: The name of the template that it is in.
    """
    return UsageError(
        f"template parsing error: template: :{line}:{column}: executing {quote(template)}"
        f" at <{shown}>: {problem}",
        hint="`--format json` shows all fields",
    )
