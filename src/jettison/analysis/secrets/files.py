"""Files that hold credentials by their name, if they hold some.

In:  the path of a file, its bytes.
Out: ``Found``: what is in it, and where.

A name says nothing by itself: an ``.npmrc`` without a token, an ``.env`` of plain settings and a
value that is a variable are none.

Source: the documentation of each program.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from jettison.analysis.secrets.entropy import entropy
from jettison.analysis.secrets.patterns import Found

_VALUE = r"""(?P<secret>(?!\$|%|\{\{|<|None\b|null\b|true\b|false\b)[^\s"'#]{6,})"""
_EQUALS = rf"""[ \t]*[=:][ \t]*["']?{_VALUE}"""
_SAMPLE = re.compile(r"(?i)[._-](?:example|sample|template|dist|tmpl|default)s?$")
_PLACEHOLDER = re.compile(
    rb"(?i)^(?:change[_-]?me.*|.*example.*|password|passwd|secret|your[_-].*|x+|\*+|\.+|todo.*|placeholder.*"
    rb"|dummy.*|redacted.*|/.*|[a-z]+://[^@]*)$"
)
_NAMED = (
    r"^[ \t]*(?:export[ \t]+)?[A-Za-z0-9_.]*?(?:PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY"
    r"|ACCESS_?KEY|CREDENTIALS?|AUTH_?KEY|ENCRYPTION_?KEY|password|secret|token|api_?key)"
    r"(?:_[A-Z0-9]{1,4})?"
)
_IN_URL = r"://[^\s:/@]+:(?P<secret>(?!\$)[^\s:/@]{4,})@"
_LEAST_ENTROPY = 2.0
_HASHES = "hashes of passwords"

_KINDS: tuple[tuple[str, str, str], ...] = (
    (r"\.env(?:\.[\w-]+)?$", "a password or key in settings", rf"(?m){_NAMED}{_EQUALS}"),
    (r"\.env(?:\.[\w-]+)?$", "a password in a URL", _IN_URL),
    (r"\.npmrc$", "npm credentials", rf"(?m)(?::|^)_(?:authToken|password|auth){_EQUALS}"),
    (r"\.yarnrc\.yml$", "npm credentials", rf"npmAuth(?:Token|Ident){_EQUALS}"),
    (r"\.pypirc$", "PyPI credentials", rf"(?m)^[ \t]*password{_EQUALS}"),
    (r"/pip\.conf$|\.git-credentials$", "a password in a URL", _IN_URL),
    (r"/\.git/config$", "a password in a URL", rf"url[ \t]*=[ \t]*\w+{_IN_URL}"),
    (r"[._]netrc$", "a login", rf"(?s)(?:machine|default).{{0,300}}?password\s+{_VALUE}"),
    (
        r"/\.docker/config\.json$|\.dockercfg$",
        "logins of registries",
        r'"(?:auth|identitytoken|registrytoken)"\s*:\s*"(?P<secret>[^"]{6,})"',
    ),
    (r"/\.aws/credentials$", "AWS credentials", rf"(?m)^[ \t]*aws_secret_access_key{_EQUALS}"),
    (
        r"/\.kube/config$|kubeconfig(?:\.ya?ml)?$",
        "credentials of a cluster",
        rf"(?m)^[ \t]*(?:client-key-data|token|password){_EQUALS}",
    ),
    (
        r"\.pgpass$",
        "passwords of databases",
        r"(?m)^[^#:\n]+:[^:\n]*:[^:\n]*:[^:\n]*:(?P<secret>[^\n]{4,})$",
    ),
    (r"/\.my\.cnf$", "a password of a database", rf"(?m)^[ \t]*password{_EQUALS}"),
    (r"/\.gem/credentials$", "RubyGems credentials", rf"(?m)^:\w*(?:api_key|rubygems){_EQUALS}"),
    (r"/\.cargo/credentials(?:\.toml)?$", "crates credentials", rf"(?m)^[ \t]*token{_EQUALS}"),
    (
        r"/\.m2/settings\.xml$",
        "passwords of repositories",
        r"<(?:password|passphrase)>(?P<secret>(?!\$\{|\{)[^<\s]{4,})</",
    ),
    (
        r"/auth\.json$",
        "credentials of Composer",
        r'"(?:github-oauth|gitlab-token|http-basic)"\s*:\s*\{[^}]{0,200}:\s*"(?P<secret>[^"]{6,})"',
    ),
    (r"/gh/hosts\.yml$", "a GitHub login", rf"oauth_token{_EQUALS}"),
    (r"/\.vault-token$", "a Vault token", r"\A\s*(?P<secret>\S{20,})"),
    (
        r"application_default_credentials\.json$",
        "Google credentials",
        r'"refresh_token"\s*:\s*"(?P<secret>[^"]{10,})"',
    ),
    (
        r"/\.htpasswd$",
        _HASHES,
        r"(?m)^[^:\s]+:(?P<secret>\$(?:apr1|2[aby]|5|6)\$\S+|\{SHA\}\S+)",
    ),
)
_HINT = re.compile(
    r"/\.|[._]netrc$|kubeconfig|\.conf$|\.json$|\.xml$|\.yml$|\.(?:jks|keystore|p12|pfx)$|/id_"
)
_KEY_STORE = re.compile(r"\.(?:jks|keystore)$")
_KEY_STORE_MAGIC = (b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce")
_PRIVATE_ENTRY = b"\x00\x00\x00\x01"
_PFX = re.compile(r"\.(?:p12|pfx)$")
_PFX_BEGIN = re.compile(rb"\A\x30(?:\x82..|\x83...|\x80)\x02\x01\x03", re.DOTALL)


@cache
def _kinds() -> tuple[tuple[re.Pattern[str], str, re.Pattern[bytes]], ...]:
    return tuple((re.compile(name), what, re.compile(form.encode())) for name, what, form in _KINDS)


def may_hold_credentials(path: str) -> bool:
    """Tell whether a file's name is one of those that count, before it is read."""
    if _HINT.search(path) is None or _SAMPLE.search(path):
        return False
    return bool(
        any(name.search(path) for name, _, _ in _kinds())
        or _KEY_STORE.search(path)
        or _PFX.search(path)
    )


def find_credentials(path: str, data: bytes) -> Iterator[Found]:
    """Yield what a file with one of the names holds, the first of each kind.

    Args:
        path: Absolute.
        data: All that it holds, or its beginning.
    """
    if _SAMPLE.search(path):
        return
    for name, what, form in _kinds():
        if name.search(path):
            found = next(_values(form, data), None)
            if found is not None:
                yield Found(what, *found, what != _HASHES)
    is_store = _KEY_STORE.search(path) and data.startswith(_KEY_STORE_MAGIC)
    if (is_store and data[12:16] == _PRIVATE_ENTRY) or (
        _PFX.search(path) and _PFX_BEGIN.match(data)
    ):
        yield Found("a store of private keys", 0, len(data), is_certain=False)


def credentials_in(data: bytes) -> Iterator[bytes]:
    """Yield the passwords and tokens in a text that may be any of the files for credentials."""
    for _, what, form in _kinds():
        if what not in {_HASHES, "a Vault token"}:
            for begin, end in _values(form, data):
                yield data[begin:end]


def _values(form: re.Pattern[bytes], data: bytes) -> Iterator[tuple[int, int]]:
    for match in form.finditer(data):
        value = match["secret"]
        if entropy(value) >= _LEAST_ENTROPY and not _PLACEHOLDER.match(value):
            yield match.span("secret")
