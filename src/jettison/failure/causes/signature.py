"""A signature of packages cannot be verified: its key is missing, expired or could not be fetched."""

from __future__ import annotations

from jettison.errors import Cause
from jettison.failure.base import Failure, quoted

_KEYS = (
    ("no_pubkey", r"NO_PUBKEY (?P<key>\w+)"),
    ("expkeysig", r"EXPKEYSIG (?P<key>\w+)"),
    ("keyexpired", r"KEYEXPIRED (?P<key>\w+)"),
)
_SIGNS = (
    *_KEYS,
    ("signatures were invalid", r"signatures were invalid: ?(?P<key>\w*)"),
    ("signatures couldn't be verified", r"signatures couldn't be verified"),
    ("is not signed", r"(?:repository|Package) .* is not signed"),
    ("cannot be authenticated", r"packages cannot be authenticated"),
    ("unauthenticated packages", r"unauthenticated packages and -y was used"),
    ("keyserver receive failed", r"keyserver receive failed"),
    ("keyserver timed out", r"keyserver timed out"),
    ("keys fetch failed", r"gpgkeys: .*(?:fetch|request) failed"),
    ("gpgkeys", r"gpgkeys: key (?P<key>\w+) (?:can't be retrieved|not found)"),
    ("keyserver", r"gpg: keyserver (?:communications|send|search|network) .*error"),
    ("no valid openpgp data", r"no valid OpenPGP data found"),
    ("no data", r"gpg: keyserver receive failed: No data"),
    ("untrusted signature", r"UNTRUSTED signature"),
    ("bad signature", r"(?i)BAD signature"),
    ("can't check signature", r"gpg: Can't check signature"),
    ("no public key", r"gpg: .*[Nn]o public key"),
    ("gpg check failed", r"GPG check FAILED"),
    ("public key for", r"Public key for \S+ is not installed"),
    ("gnupg, gnupg2 and gnupg1", r"gnupg, gnupg2 and gnupg1 do not seem to be installed"),
    ("expired signature", r"(?i)signature expired|expired signature"),
    ("invalid or corrupted package", r"invalid or corrupted package \(PGP signature\)"),
    ("unknown trust", r"signature from .* is unknown trust"),
)


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    found = failure.log.find(*_SIGNS, last=60)
    if found is None:
        return None
    if "gnupg, gnupg2" in found.string.lower():
        return Cause(
            "signature",
            "keys cannot be imported: this stage has no GnuPG",
            "`apt-key` calls `gpg`, which bases leave out",
            failure.distribution.install("gnupg"),
        )
    keyed = failure.log.find(*_KEYS, last=60)
    key = found.groupdict().get("key") or (keyed["key"] if keyed is not None else "")
    named = f" of key {quoted(key)}" if key else ""
    if "expired" in found.string.lower() or "expkeysig" in found.string.lower():
        what, fix = f"a signature{named} has expired", "take a newer base, or import the new key"
    elif "keyserver" in found.string.lower() or "gpgkeys" in found.string.lower():
        what = f"a key{f' ({quoted(key)})' if key else ''} could not be fetched from a key server"
        fix = "keep the key in the context and COPY it, or download it by https"
    elif "openpgp data" in found.string.lower():
        what, fix = "what was imported is no key", "look at what its address answers: it has moved"
    else:
        what = f"a signature{named} cannot be verified"
        fix = "import the key of who signs; download it by https into `/etc/apt/keyrings`"
    why = "the repository has another key than the base knows"
    return Cause("signature", what, why if "fetch" not in what else "key servers often fail", fix)
