"""Names of variables that say that a value is secret, and values that say that they are none.

In:  names, values.
Out: whether they are.

Source: BuildKit's rule SecretsUsedInArgOrEnv; variables of well-known programs.
"""

from __future__ import annotations

import re

_NAMED = (
    r"(?:^|_)(?:API_?KEY|AUTH|CREDENTIALS?|KEY|PASS|PASSWORD|PWORD|PASSWD|PASSPHRASE|PWD|PSW|SECRET|TOKEN"
    r"|PRIVATE_?KEY|ACCESS_?KEY|SECRET_?KEY)(?:_|$)|PASSWORD$|SECRET$|TOKEN$"
)
_WORDS = ("KEY", "AUTH", "CREDENTIAL", "PASS", "PWORD", "PWD", "PSW", "SECRET", "TOKEN")
"""One of them is in each of these."""
_HARMLESS = (
    r"(?:^|_)(?:PUBLIC|FILE|VERSION|GPG|PGP|FINGERPRINT|CHECKSUM|SHA\d*)(?:_|$)"
    r"|_(?:ID|URL|URI|PATH|DIR|NAME|ENDPOINT|HOST|PORT|TTL|EXPIRY|EXPIRES?|LENGTH|SIZE|TYPE|ENABLED|DISABLED"
    r"|ARN|PREFIX|HEADER|METHOD|MODE|PROVIDER|SERVICE|SERVER|BACKEND|REQUIRED|TIMEOUT|MODULE|DOMAIN"
    r"|REALM|CLASS|ALG|ALGORITHM|SOURCE|STRATEGY|STORE|RING|RINGS|MAP|BINDING|COLUMN|FIELD|LIMIT)$"
    r"|^(?:OLD)?PWD$"
)
_NONE = (
    r"(?i)^(?:true|false|yes|no|on|off|none|null|default|basic|bearer|required|disabled|enabled"
    r"|change-?_?me.*|changeit|.*example.*|password|passwd|secret|your[_-].*|x+|\*+|todo.*|dummy.*"
    r"|placeholder.*|replace.*|not[_-]?(?:set|a|real|used).*|/.*|\./.*|[a-z]+://[^@]*|.*\$.*|<.*>"
    r"|\{\{.*\}\}|\d{1,12})$"
)


def is_secret_name(name: str) -> bool:
    """Tell whether a variable is called as secrets are.

    >>> [is_secret_name(each) for each in ("API_TOKEN", "GPG_KEY", "TOKEN_URL", "PGPASSWORD")]
    [True, False, False, True]
    """
    upper = name.upper()
    if not any(word in upper for word in _WORDS):
        return False  # most: nothing is compiled for them
    return re.search(_NAMED, upper) is not None and re.search(_HARMLESS, upper) is None


def may_be_secret(value: str) -> bool:
    """Tell whether a value may be one: no placeholder, no path, no word that switches something.

    >>> may_be_secret("changeme"), may_be_secret("/run/secrets/x"), may_be_secret("hunter2")
    (False, False, True)
    """
    return bool(value) and re.match(_NONE, value) is None
