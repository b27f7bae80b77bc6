"""Content that looks like a secret: private keys, and tokens whose form says what they are.

In:  bytes.
Out: ``Found`` values: what, where.

Only forms that nothing else has are looked for, each behind a word that must be there. Examples are
left out: what says so (``EXAMPLE``), and what has too few different characters.

Source: the documentation of each service; RFC 7468; the examples of AWS' documentation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from jettison.analysis.secrets.entropy import entropy
from jettison.analysis.secrets.runs import long_runs

_LEAST_ENTROPY = 2.5
_EXAMPLE = re.compile(
    rb"(?i)example|your[_-]|dummy|redacted|placeholder|x{6}|0123456789|1234567890"
)
_KEY_BYTES = 60
"""So many characters of base64 has the shortest private key."""


class Found(msgspec.Struct, frozen=True):
    """Something that looks like a secret.

    Args:
        what: ``GitHub token``.
        begin: Where it begins in the bytes.
        end: Where it ends.
        is_certain: Whether it opens something for everybody who has it: no for what is encrypted,
            or an identifier that goes with a secret.
    """

    what: str
    begin: int
    end: int
    is_certain: bool = True


class _Pattern(msgspec.Struct, frozen=True):
    """A form.

    Args:
        what: What has it.
        words: One of them must be there, parted by blanks.
        form: A regular expression; its group ``secret``, or else all of it, is the secret.
        is_certain: As of ``Found``.
    """

    what: str
    words: str
    form: str
    is_certain: bool = True


_T = r"(?<![A-Za-z0-9_-])"
"""What is before a token."""
_E = r"(?![A-Za-z0-9_-])"
_QUOTED = r"""["']?\s*[:=]\s*["']?"""
_ARMOUR = r"(?:\s|\\n|\\r|\\t|\\\n|[\"'+,>#*|]|[A-Za-z-]+: [^\n]*\n)*"

_PATTERNS = (
    _Pattern(
        "private key",
        "PRIVATE",
        r"-----BEGIN (?P<kind>[A-Z0-9 ]{0,20})PRIVATE KEY(?: BLOCK)?-----"
        rf"{_ARMOUR}(?P<secret>[A-Za-z0-9+/](?:[A-Za-z0-9+/=]|\s|\\n|\\r){{59,16000}})",
    ),
    _Pattern(
        "AWS secret access key",
        "ecret ECRET",
        r"(?i:aws_?)?(?i:secret_?access_?key|secret_?key)"
        rf"{_QUOTED}(?P<secret>[A-Za-z0-9/+]{{40}})(?![A-Za-z0-9/+=])",
    ),
    _Pattern(
        "AWS access key ID", "AKIA ASIA", rf"{_T}(?:AKIA|ASIA)[A-Z2-7]{{16}}{_E}", is_certain=False
    ),
    _Pattern("Google API key", "AIza", rf"{_T}AIza[0-9A-Za-z_-]{{35}}{_E}", is_certain=False),
    _Pattern("GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_", rf"{_T}gh[pousr]_[A-Za-z0-9]{{36}}{_E}"),
    _Pattern(
        "GitHub token", "github_pat_", rf"{_T}github_pat_[A-Za-z0-9]{{22}}_[A-Za-z0-9]{{59}}{_E}"
    ),
    _Pattern(
        "GitLab token",
        "glpat- gldt- glrt- glcbt- glptt-",
        rf"{_T}gl(?:pat|dt|rt|cbt|ptt)-[0-9A-Za-z_-]{{20,}}(?:\.[0-9a-z]{{2}}\.[0-9a-z]{{9}})?",
    ),
    _Pattern("Slack token", "xox", rf"{_T}xox[abeprs]-(?:\d{{6,}}-){{1,3}}[A-Za-z0-9]{{10,}}{_E}"),
    _Pattern(
        "Slack webhook",
        "hooks.slack.com",
        r"hooks\.slack\.com/services/T[A-Z0-9]{8,}/B[A-Z0-9]{8,}/[A-Za-z0-9]{24}",
        is_certain=False,
    ),
    _Pattern("npm token", "npm_", rf"{_T}npm_[A-Za-z0-9]{{36}}{_E}"),
    _Pattern("PyPI token", "pypi-AgE", rf"{_T}pypi-AgE[A-Za-z0-9_-]{{50,}}"),
    _Pattern("Stripe key", "k_live_", rf"{_T}[sr]k_live_[0-9A-Za-z]{{24,}}{_E}"),
    _Pattern("SendGrid key", "SG.", rf"{_T}SG\.[A-Za-z0-9_-]{{22}}\.[A-Za-z0-9_-]{{43}}{_E}"),
    _Pattern("Docker Hub token", "dckr_pat_", rf"{_T}dckr_pat_[A-Za-z0-9_-]{{27}}{_E}"),
    _Pattern("Hugging Face token", "hf_", rf"{_T}hf_[A-Za-z]{{34}}{_E}"),
    _Pattern(
        "OpenAI key",
        "T3BlbkFJ",
        rf"{_T}sk-(?:[a-z]+-)?[A-Za-z0-9_-]{{20,}}T3BlbkFJ[A-Za-z0-9_-]{{20,}}",
    ),
    _Pattern("Anthropic key", "sk-ant-", rf"{_T}sk-ant-[a-z]+\d\d-[A-Za-z0-9_-]{{80,}}"),
    _Pattern("DigitalOcean token", "_v1_", rf"{_T}do[opr]_v1_[a-f0-9]{{64}}{_E}"),
    _Pattern("Azure storage key", "AccountKey=", r"AccountKey=(?P<secret>[A-Za-z0-9+/]{86}==)"),
    _Pattern(
        "Shopify token",
        "shpat_ shpca_ shppa_ shpss_",
        rf"{_T}shp(?:at|ca|pa|ss)_[a-fA-F0-9]{{32}}{_E}",
    ),
    _Pattern("Vault token", "hvs.", rf"{_T}hvs\.[A-Za-z0-9_-]{{90,}}"),
    _Pattern("age key", "AGE-SECRET-KEY-1", rf"{_T}AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{{58}}{_E}"),
    _Pattern("RubyGems key", "rubygems_", rf"{_T}rubygems_[a-f0-9]{{48}}{_E}"),
    _Pattern("Telegram bot token", ":AA", rf"(?<![A-Za-z0-9])\d{{8,10}}:AA[A-Za-z0-9_-]{{33}}{_E}"),
)


_ANYWHERE = (b"PRIVATE", b"ecret", b"ECRET")
"""Words that may be far from what is secret."""
_NEAR = tuple(
    word
    for pattern in _PATTERNS
    for word in pattern.words.encode().split()
    if word not in _ANYWHERE
)
"""Words that are in a long run of the characters of tokens, or just before one."""


def may_have_secrets(data: bytes) -> bool:
    """Tell whether anything may look like a secret: without a word nothing does; fast."""
    if any(word in data for word in _ANYWHERE):
        return True
    runs = long_runs(data)
    return any(word in runs for word in _NEAR)


def find_secrets(data: bytes) -> Iterator[Found]:
    """Yield what looks like a secret, by kind and then by place."""
    for pattern in _PATTERNS:
        if not any(word in data for word in pattern.words.encode().split()):
            continue
        for match in re.finditer(pattern.form.encode(), data):
            groups = match.groupdict()
            begin, end = match.span("secret" if "secret" in groups else 0)
            text = data[begin:end]
            if "kind" in groups:
                found = _key(match, begin, end)
                if found is not None:
                    yield found
            elif entropy(text) >= _LEAST_ENTROPY and not _EXAMPLE.search(text):
                yield Found(pattern.what, begin, end, pattern.is_certain)


def _key(match: re.Match[bytes], begin: int, end: int) -> Found | None:
    """Return a private key, None if what is armoured is none."""
    body = re.sub(rb"\\[nr]|[^A-Za-z0-9+/]", b"", match["secret"])
    if len(body) < _KEY_BYTES or entropy(body) < _LEAST_ENTROPY:
        return None
    is_encrypted = b"ENCRYPTED" in match[0][: begin - match.start()]
    what = "encrypted private key" if is_encrypted else "private key"
    return Found(what, begin, end, not is_encrypted)
