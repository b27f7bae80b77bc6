"""Options of a check: ``# check=…`` of a file, comments above instructions, build arguments.

In:  texts such as ``skip=StageNameCasing,FromAsCasing;error=true``.
Out: ``CheckOptions``; which rules a comment switches off for the instruction below it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import msgspec

from jettison.errors import UsageError
from jettison.frontend.dockerfile.text import did_you_mean, quote

_BOOLEANS = {
    **dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True),
    **dict.fromkeys(("0", "f", "F", "FALSE", "false", "False"), False),
}
_CHECK = r"(?i:check)\s*=\s*(\S.*)"
_HADOLINT = r"hadolint\s+(?:shell=\S+\s+)?ignore\s*=\s*([A-Za-z0-9,\s]+)"
_HADOLINT_GLOBAL = r"hadolint\s+global\s+ignore\s*=\s*([A-Za-z0-9,\s]+)"
_OURS = (
    r"jettison\s+(?P<wide>global\s+)?ignore\s*=\s*(?P<names>[A-Za-z0-9]+(?:\s*,\s*[A-Za-z0-9]+)*)"
)
_ALL = "all"


class CheckOptions(msgspec.Struct, frozen=True):
    """Which rules run, and whether a finding fails the build.

    ``skip`` and ``experimental`` are names of rules, or ``all``.
    """

    skip: frozenset[str] = frozenset()
    experimental: frozenset[str] = frozenset()
    error: bool = False

    def skips(self, rule: str) -> bool:
        """Tell whether a rule is switched off."""
        return rule in self.skip or _ALL in self.skip

    def enables(self, rule: str) -> bool:
        """Tell whether an experimental rule is switched on."""
        return rule in self.experimental or _ALL in self.experimental


def parse_options(text: str) -> CheckOptions:
    """Parse the value of a ``check`` directive; text after a blank is not part of it.

    Raises:
        UsageError: An option is unknown or has a wrong value.

    >>> parse_options("skip=A,B;error=true").error
    True
    """
    names: dict[str, frozenset[str]] = {}
    error = False
    for part in filter(None, text.partition(" ")[0].split(";")):
        key, equals, value = (each.strip() for each in part.partition("="))
        if not equals or key not in {"skip", "experimental", "error"}:
            suggestion = did_you_mean(key, ("skip", "experimental", "error"))
            raise UsageError(
                f"invalid check option {quote(key)}{suggestion}",
                hint="write it like `skip=RuleA,RuleB;error=true`",
            )
        if key != "error":
            names[key] = frozenset(each.strip() for each in value.split(","))
        elif value in _BOOLEANS:
            error = _BOOLEANS[value]
        else:
            raise UsageError(f"failed to parse check option {quote(part)}: not true or false")
    return CheckOptions(
        skip=names.get("skip", frozenset()),
        experimental=names.get("experimental", frozenset()),
        error=error,
    )


Codes = Mapping[str, frozenset[str]]
"""hadolint's codes to the rules that say the same."""


def skipped_by_comments(comments: Iterable[str], codes: Codes) -> frozenset[str]:
    """Return the rules that the comments above an instruction switch off for it.

    A comment that is no valid option is a comment.

    Args:
        comments: Without ``#`` and outer blanks.
        codes: Of the rules that there are.

    >>> sorted(skipped_by_comments(["jettison ignore=MS304,MS301 it is tested elsewhere"], {}))
    ['MS301', 'MS304']
    """
    names: set[str] = set()
    for comment in comments:
        check = re.fullmatch(_CHECK, comment)
        if check is not None:
            try:
                names |= parse_options(check[1]).skip
            except UsageError:
                continue
        names |= _from_codes(re.match(_HADOLINT, comment), codes)
        names |= _from_ours(comment, wide=False)
    return frozenset(names)


def skipped_by_file(lines: Iterable[str], codes: Codes) -> frozenset[str]:
    """Return the rules that ``# jettison global ignore=`` and hadolint's switch off for a file."""
    names: set[str] = set()
    for line in lines:
        if "ignore" in line and line.lstrip().startswith("#"):
            comment = line.strip()[1:].strip()
            names |= _from_codes(re.match(_HADOLINT_GLOBAL, comment), codes)
            names |= _from_ours(comment, wide=True)
    return frozenset(names)


def _from_ours(comment: str, *, wide: bool) -> set[str]:
    match = re.match(_OURS, comment)
    if match is None or bool(match["wide"]) != wide:
        return set()
    return {word.strip() for word in match["names"].split(",")}


def _from_codes(match: re.Match[str] | None, codes: Codes) -> set[str]:
    if match is None:
        return set()
    words = (word.strip().upper() for word in match[1].split(","))
    return {rule for word in words for rule in codes.get(word, ())}
