"""Licences as packages name them, as expressions of SPDX.

In:  what a database says: an expression, a short name of a distribution, or any text.
Out: ``Licence``.

What is no identifier of SPDX, under any name known here, is not guessed: it is kept as it was
written, under a name of its own.

Source: SPDX 2.3, annex D; Debian's machine-readable copyright format 1.0, "License specification";
Fedora's short names before it used those of SPDX.
"""

from __future__ import annotations

import re
from hashlib import sha256

import msgspec

from jettison.sbom.licence_ids import IDS

_WORD = re.compile(r"[()]|[^\s()]+")
_OPERATORS = {"and": "AND", "or": "OR", "with": "WITH"}
_NOT_ALLOWED = re.compile(r"[^A-Za-z0-9.]+")
_GNU = re.compile(r"(A?L?GPL|GFDL)-?v?(\d)(?:\.(\d))?(\+|-or-later|-only)?", re.IGNORECASE)
_MAX_WORDS = 200
_MAX_REFERENCE = 60
_ALIASES = {
    "apache": "Apache-2.0",
    "apache 2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache-2": "Apache-2.0",
    "apache license": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache license version 2.0": "Apache-2.0",
    "apache software license 2.0": "Apache-2.0",
    "the apache license, version 2.0": "Apache-2.0",
    "asl 2.0": "Apache-2.0",
    "http://www.apache.org/licenses/license-2.0": "Apache-2.0",
    "http://www.apache.org/licenses/license-2.0.txt": "Apache-2.0",
    "https://www.apache.org/licenses/license-2.0": "Apache-2.0",
    "https://www.apache.org/licenses/license-2.0.txt": "Apache-2.0",
    "bsd 3-clause license": "BSD-3-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "bsd-3": "BSD-3-Clause",
    "bsd-2": "BSD-2-Clause",
    "new bsd": "BSD-3-Clause",
    "modified bsd license": "BSD-3-Clause",
    "simplified bsd": "BSD-2-Clause",
    "expat": "MIT",
    "mit license": "MIT",
    "the mit license": "MIT",
    "the mit license (mit)": "MIT",
    "mit/x11": "MIT",
    "isc license": "ISC",
    "isc license (iscl)": "ISC",
    "mpl 2.0": "MPL-2.0",
    "mpl-2": "MPL-2.0",
    "mplv2.0": "MPL-2.0",
    "mplv1.1": "MPL-1.1",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "psf": "PSF-2.0",
    "psf license": "PSF-2.0",
    "python software foundation license": "PSF-2.0",
    "boost": "BSL-1.0",
    "unlicense": "Unlicense",
    "the unlicense": "Unlicense",
    "the unlicense (unlicense)": "Unlicense",
    "cc0": "CC0-1.0",
    "wtfpl": "WTFPL",
    "artistic": "Artistic-1.0",
    "perl": "Artistic-1.0-Perl OR GPL-1.0-or-later",
    "ruby": "Ruby",
    "openssl": "OpenSSL",
}
"""Names that mean one licence, in lower case."""


class Licence(msgspec.Struct, frozen=True):
    """A licence.

    Args:
        expression: Of SPDX; empty if nothing is known.
        texts: What was written for each ``LicenseRef-`` in it.
    """

    expression: str = ""
    texts: tuple[tuple[str, str], ...] = ()

    @property
    def single(self) -> str:
        """The identifier, if it is one of SPDX by itself; else empty."""
        return self.expression if IDS.get(self.expression.lower()) == self.expression else ""


def parse_licence(text: str) -> Licence:
    """Return what a database says as an expression.

    >>> parse_licence("gpl-2+ and (Expat or zlib)").expression
    'GPL-2.0-or-later AND (MIT OR Zlib)'
    >>> parse_licence("Apache License 2.0").expression
    'Apache-2.0'
    >>> parse_licence("Copyright only").expression
    'LicenseRef-Copyright-only'
    """
    text = " ".join(text.split())
    if not text or text.upper() in {"UNKNOWN", "NONE", "NOASSERTION", "UNLICENSED"}:
        return Licence()
    whole = _known(text)
    if whole:
        return Licence(whole)
    words = _WORD.findall(text)
    found = _expression(words) if len(words) <= _MAX_WORDS else None
    if found is not None:
        return found
    reference = _reference(text)
    return Licence(reference, ((reference, text),))


def all_of(texts: tuple[str, ...]) -> Licence:
    """Return the licence of what several apply to."""
    found = [parse_licence(each) for each in texts]
    parts = dict.fromkeys(part for each in found for part in _parts(each.expression))
    shown = [f"({each})" if " OR " in each and len(parts) > 1 else each for each in parts]
    written = dict(pair for each in found for pair in each.texts)
    return Licence(" AND ".join(shown), tuple(sorted(written.items())))


def _parts(expression: str) -> list[str]:
    """Return what applies together in an expression; one that has alternatives is one."""
    if "(" in expression or " OR " in expression:
        return [expression]
    return expression.split(" AND ") if expression else []


def _expression(words: list[str]) -> Licence | None:
    """Return an expression; None if the words are none."""
    parts: list[str] = []
    texts: dict[str, str] = {}
    depth = 0
    wants_name = True
    for word in words:
        operator = _OPERATORS.get(word.lower())
        if word in {"(", ")"}:
            is_opened = word == "("
            if wants_name != is_opened:
                return None
            depth += 1 if is_opened else -1
            if depth < 0:
                return None
            parts.append(word)
        elif operator is not None:
            if wants_name:
                return None
            wants_name = True
            parts.append(operator)
        else:
            name = _known(word)
            if not wants_name or (parts[-1:] == ["WITH"]) != _is_exception(name):
                return None
            wants_name = False
            if not name:
                name = _reference(word)
                texts[name] = word
            parts.append(f"({name})" if " " in name else name)
    if wants_name or depth:
        return None
    text = " ".join(parts).replace("( ", "(").replace(" )", ")")
    return Licence(text, tuple(sorted(texts.items())))


def _is_exception(name: str) -> bool:
    if name in {"Linux-syscall-note", "CAL-1.0-Combined-Work-Exception"}:
        return name.startswith("Linux")
    return "exception" in name.lower() and "-with-" not in name


def _known(text: str) -> str:
    """Return the identifier that a name means, empty if none is known."""
    gnu = _GNU.fullmatch(text)
    if gnu is not None:  # some of these without an ending are identifiers, too, and deprecated
        ending = "or-later" if gnu[4] in {"+", "-or-later"} else "only"
        found = IDS.get(f"{gnu[1]}-{gnu[2]}.{gnu[3] or 0}-{ending}".lower())
        if found is not None:
            return found
    name = text.lower()
    found = IDS.get(name) or _ALIASES.get(name)
    if found is not None:
        return found
    return f"{IDS[name[:-1]]}+" if name.endswith("+") and name[:-1] in IDS else ""


def _reference(text: str) -> str:
    """Return a name for a text that is no identifier."""
    if text.startswith("LicenseRef-") and not _NOT_ALLOWED.search(text.replace("-", "")):
        return text[:_MAX_REFERENCE]
    name = _NOT_ALLOWED.sub("-", text).strip("-.")[:_MAX_REFERENCE].strip("-.")
    if name != text.replace(" ", "-"):  # other texts may look like it
        digest = sha256(text.encode(errors="replace")).hexdigest()[:8]
        name = f"{name}-{digest}" if name else digest
    return f"LicenseRef-{name}"
