"""Values of secrets, kept out of everything that is shown.

In:  the values; events and errors on their way out.
Out: the same with ``***`` in place of each value, in whatever form
     (``analysis.secrets.encodings``).

Security: output is masked before it is cut into lines, and what may be the beginning of a value
is held back until the next bytes tell, however long that takes: no way of writing a value in
parts shows it. What is held back is at most 3 KiB, and it is shown with the next byte that makes
it something else, or when the stream ends.

Concurrency: a ``MaskingSink`` may be called from any thread.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from jettison.errors import Cause, ExecError, JettisonError
from jettison.events import Event, Sink, VertexEnded, VertexProgress, Warned

if TYPE_CHECKING:
    from jettison.analysis.secrets.matching import Matcher, Span

MASK = b"***"


class Masker:
    """Masks one stream of bytes that arrives in chunks.

    Args:
        matcher: Knows what to mask; None lets everything pass.
    """

    def __init__(self, matcher: Matcher | None) -> None:
        self._matcher = matcher
        self._held = b""
        self._covered = 0
        """So many bytes of ``_held`` belong to a value that was masked already."""

    def feed(self, data: bytes) -> bytes:
        """Return what can be shown now; the rest comes later."""
        if self._matcher is None:
            return data
        data = self._held + data
        spans = self._spans(data)
        keep = self._matcher.incomplete(data)
        masked = self._covered > 0
        shown = _masked(data[:keep], spans, masked_before=masked)
        self._held = data[keep:]
        shown_too = -1 if masked and keep == 0 else 0  # the mask of what begins at 0 was
        self._covered = max(
            (end - keep for begin, end in spans if begin + shown_too < keep < end), default=0
        )
        return shown

    def finish(self) -> bytes:
        """Return what was held back and turned out to be harmless."""
        held, self._held = self._held, b""
        shown = _masked(held, self._spans(held), masked_before=self._covered > 0)
        self._covered = 0
        return shown

    def _spans(self, data: bytes) -> list[Span]:
        if self._matcher is None:
            return []
        from jettison.analysis.secrets.matching import merged  # secrets only

        spans = self._matcher.spans(data)
        return merged([(0, self._covered), *spans]) if self._covered else spans


class MaskingSink:
    """Passes on events without values of secrets.

    Output of steps is not looked at: whoever reads it uses ``masker``, stream by stream.

    Args:
        sink: Gets the events.
        values: Of all secrets of the build.
    """

    def __init__(self, sink: Sink, values: Iterable[bytes]) -> None:
        self._sink = sink
        self._values = tuple(values)

    @cached_property
    def _matcher(self) -> Matcher | None:
        """What finds the values; a cached build says nothing that has to be searched."""
        if not self._values:
            return None
        from jettison.analysis.secrets.encodings import needles  # secrets only
        from jettison.analysis.secrets.matching import Matcher

        return Matcher(needles(self._values))

    def __call__(self, event: Event) -> None:
        """Pass on an event."""
        if self._values:
            match event:
                case VertexEnded(error=error, cause=cause):
                    shown = self._masked_cause(cause)
                    event = msgspec.structs.replace(event, error=self.text(error), cause=shown)
                case VertexProgress(item=item):
                    event = msgspec.structs.replace(event, item=self.text(item))
                case Warned(message=message):
                    event = msgspec.structs.replace(event, message=self.text(message))
                case _:
                    pass
        self._sink(event)

    def masker(self) -> Masker:
        """Return what masks one stream."""
        return Masker(self._matcher)

    def text(self, text: str) -> str:
        """Return a text without values of secrets."""
        if not self._values or not text:
            return text
        masker = self.masker()
        data = text.encode(errors="surrogateescape")
        return (masker.feed(data) + masker.finish()).decode(errors="surrogateescape")

    def _masked_cause(self, cause: Cause | None) -> Cause | None:
        if cause is None:
            return None
        return Cause(cause.id, *map(self.text, (cause.what, cause.why, cause.fix)))

    def mask_error(self, error: JettisonError) -> None:
        """Take values of secrets out of an error: message, hint, notes, end of the log."""
        error.message = self.text(error.message)
        error.args = (error.message,)
        if error.hint is not None:
            error.hint = self.text(error.hint)
        if error.cause is not None:
            error.cause = self._masked_cause(error.cause)
        notes = getattr(error, "__notes__", None)
        if notes:
            error.__notes__ = [self.text(note) for note in notes]
        if isinstance(error, ExecError):
            error.log_tail = self.text(error.log_tail)


def _masked(data: bytes, spans: list[Span], *, masked_before: bool) -> bytes:
    """Return data with a mask in place of each span; none for one that goes on from before."""
    shown: list[bytes] = []
    at = 0
    for begin, end in spans:
        if begin >= len(data):
            break
        shown.append(data[at:begin])
        if begin or not masked_before:
            shown.append(MASK)
        at = end
    shown.append(data[at:])
    return b"".join(shown)
