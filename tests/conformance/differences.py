"""Cases of the corpora where Jettison differs from BuildKit on purpose, with the reasons.

docs/differences.md tells users the same.
"""

from __future__ import annotations

DIFFERENCES = {
    "ignore-backslash-in-name": r"`\b` is a `b`, as the manual says, and no boundary of a word of Go's regexp",
    "stages-target-is-no-number": "a target may be the number of a stage, as `--from` may",
    "check-undefined-var-with-default": "a variable is told of once an instruction",
    "check-onbuild-casing": "ONBUILD instructions are checked where they stand",
}
"""What is built or found is another thing."""

OWN_TEXTS = {
    "extra-from-platform-bad": "failed to parse platform a/b/c/d/e: `a/b/c/d/e` is not a platform",
    "stages-platform-unknown": "failed to parse platform a/b/c/d: `a/b/c/d` is not a platform",
    "copy-chmod-invalid": "invalid chmod parameter: 'rwx'. it should be octal string and between 0 and 07777",
    "word-open-brace": "failed to process \"${set\": syntax error: missing '}'",
    "word-colon-alone": 'failed to process "${set:}": unsupported modifier (:}) in substitution',
    "check-invalid-default-arg": 'failed to parse stage name "box:": invalid reference format: `` is not a tag',
}
"""Messages that say the same as BuildKit's in other words."""

OWN_LINES = {"lines-escape-directive-twice": 2}
"""Where the error is, and BuildKit shows the first line."""

WITHOUT_ENTRY = {"stages-named-context-instead-of-an-image"}
"""Cases with a layer that no instruction made: BuildKit invents an entry of the history."""
