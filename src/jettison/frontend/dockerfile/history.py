"""History: the texts that BuildKit writes for each instruction.

In:  expanded instructions.
Out: ``created_by`` texts and ``History`` entries.

Source: BuildKit, Dockerfile frontend; the texts are part of image digests, so every blank
counts. Lists and structs are printed as Go prints them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from jettison.frontend.dockerfile.text import quote
from jettison.oci.config import Healthcheck, History
from jettison.oci.redact import redacted

COMMENT = "buildkit.dockerfile.v0"
BUILDKIT_SUFFIX = " # buildkit"

_IN_CONFIG = ("ENV ", "LABEL ", "CMD ", "ENTRYPOINT ", "SHELL ", "HEALTHCHECK ")
"""Instructions whose values are in the image's config as they are."""


def entry(created_by: str, *, empty_layer: bool) -> History:
    """Return a history entry of this build; its time is set when the image is assembled.

    Credentials of URLs are masked: everybody who has an image reads its history. Where the config
    holds the same value, masking would hide nothing.
    """
    text = created_by if created_by.startswith(_IN_CONFIG) else redacted(created_by)
    return History(created_by=text, comment=COMMENT, empty_layer=empty_layer)


def list_text(values: Iterable[str]) -> str:
    """Return a list as Go's ``%v`` prints it: ``[a b]``."""
    return f"[{' '.join(values)}]"


def quoted_list_text(values: Iterable[str]) -> str:
    """Return a list as Go's ``%q`` prints it: ``["a" "b"]``."""
    return list_text(map(quote, values))


def duration_text(nanoseconds: int) -> str:
    """Return a duration as Go prints it.

    >>> duration_text(90_000_000_000), duration_text(500_000_000), duration_text(0)
    ('1m30s', '500ms', '0s')
    """
    if nanoseconds < 1_000_000_000:
        for unit, scale in (("ms", 1_000_000), ("µs", 1_000), ("ns", 1)):
            if nanoseconds >= scale:
                return _decimal(nanoseconds, scale) + unit
        return "0s"
    minutes, rest = divmod(nanoseconds, 60_000_000_000)
    hours, minutes = divmod(minutes, 60)
    seconds = _decimal(rest, 1_000_000_000) + "s"
    if hours:
        return f"{hours}h{minutes}m{seconds}"
    return f"{minutes}m{seconds}" if minutes else seconds


def _decimal(value: int, scale: int) -> str:
    whole, rest = divmod(value, scale)
    if not rest:
        return str(whole)
    return f"{whole}.{str(rest).rjust(len(str(scale)) - 1, '0').rstrip('0')}"


def healthcheck_text(check: Healthcheck) -> str:
    """Return HEALTHCHECK's text."""
    return (
        f"HEALTHCHECK {{Test:{list_text(check.test)}"
        f" Interval:{duration_text(check.interval)}"
        f" Timeout:{duration_text(check.timeout)}"
        f" StartPeriod:{duration_text(check.start_period)}"
        f" StartInterval:{duration_text(check.start_interval)}"
        f" Retries:{check.retries}}}"
    )


def pairs_text(name: str, pairs: Iterable[tuple[str, str | None]]) -> str:
    """Return the text of ENV, LABEL or ARG; a value of None is not shown."""
    shown = [key if value is None else f"{key}={value}" for key, value in pairs]
    return " ".join((name, *shown))


def run_text(argv: Sequence[str], arguments: Sequence[str]) -> str:
    """Return RUN's text.

    Args:
        argv: The process, shell included.
        arguments: ``NAME=value`` of the ARGs in scope.

    >>> run_text(["/bin/sh", "-c", "make"], ["V=1"])
    'RUN |1 V=1 /bin/sh -c make # buildkit'
    """
    count = (f"|{len(arguments)}",) if arguments else ()
    return " ".join(("RUN", *count, *arguments, *argv)) + BUILDKIT_SUFFIX


def copy_text(
    name: str,
    sources: Iterable[str],
    heredocs: Iterable[str],
    dest: str,
    *,
    owner: str = "",
    mode: str = "",
    parents: bool = False,
) -> str:
    """Return the text of COPY or ADD; ``--from``, ``--link`` and ``--exclude`` are not shown.

    >>> copy_text("COPY", ["a"], ["EOF"], "/b/", mode="755")
    'COPY --chmod=755 a <<EOF /b/ # buildkit'
    """
    words = [name]
    if parents:
        words.append("--parents")
    if owner:
        words.append(f"--chown={owner}")
    if mode:
        words.append(f"--chmod={mode}")
    words += sources
    words += [f"<<{heredoc}" for heredoc in heredocs]
    words.append(dest)
    return " ".join(words) + BUILDKIT_SUFFIX
