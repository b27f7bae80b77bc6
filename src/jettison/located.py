"""Where in the Dockerfile an error happened, for errors that do not know it themselves.

In:  the span of what is worked on.
Out: ``span`` of the errors that pass.
"""

from __future__ import annotations

from jettison.errors import JettisonError, Span


class located:  # noqa: N801 - used like a function, in `with`
    """Give errors that pass through a place, unless they have one: the innermost place wins."""

    __slots__ = ("_span",)

    def __init__(self, span: Span | None) -> None:
        self._span = span

    def __enter__(self) -> None:
        """Do nothing: only errors matter."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: object
    ) -> None:
        """Put the place into an error that has none."""
        if isinstance(error, JettisonError) and error.span is None:
            error.span = self._span
