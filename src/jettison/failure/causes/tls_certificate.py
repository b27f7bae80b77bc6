"""A server's TLS certificate is not trusted, is out of date, or a protocol is too old."""

from __future__ import annotations

from jettison.errors import Cause
from jettison.failure.base import Failure

_EXPIRED = (
    ("certificate has expired", r"(?i)certificate has expired"),
    ("cert_has_expired", r"CERT_HAS_EXPIRED"),
    ("certificate is not yet valid", r"(?i)certificate is not yet valid"),
    ("expired or is not yet valid", r"(?i)certificate has expired or is not yet valid"),
    ("certificate chain uses", r"certificate chain uses expired certificate"),
    ("release file for", r"Release file for \S+ is not valid yet"),
)
_PROTOCOL = (
    ("alert protocol version", r"(?i)tlsv1 alert protocol version"),
    ("handshake failure", r"(?i)(?:ssl|tls)\w* (?:alert )?handshake failure"),
    ("unsupported protocol", r"(?i)ssl routines.*unsupported protocol"),
    ("cannot communicate securely", r"Cannot communicate securely with peer"),
    ("fatal alert: protocol_version", r"fatal alert: (?:protocol_version|handshake_failure)"),
)
_UNTRUSTED = (
    ("certificate verify failed", r"(?i)certificate verify failed"),
    ("ssl certificate problem", r"(?i)ssl certificate problem"),
    ("local issuer certificate", r"(?i)unable to get local issuer certificate"),
    ("self signed certificate", r"(?i)self[- ]signed certificate"),
    ("self_signed_cert", r"SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT"),
    ("verify the first certificate", r"(?i)unable to verify the first certificate"),
    ("unable_to_verify_leaf", r"UNABLE_TO_VERIFY_LEAF_SIGNATURE"),
    ("unable_to_get_issuer", r"UNABLE_TO_GET_ISSUER_CERT"),
    ("unknown authority", r"(?i)certificate signed by unknown authority"),
    ("pkix path building failed", r"PKIX path building failed"),
    ("unable to find valid certification path", r"unable to find valid certification path"),
    ("cannot verify", r"ERROR: cannot verify \S+ certificate"),
    ("certificate verification failed", r"(?i)certificate verification failed"),
    ("certificate is not trusted", r"^(?!WARNING).*(?i:certificate is not trusted)"),
    ("certificate issuer is unknown", r"(?i)certificate issuer is unknown"),
    ("certificate is invalid", r"(?i)certificate is invalid"),
    ("certificate issuer has been", r"(?i)peer's certificate issuer has been"),
    ("not trusted", r"ERROR: The certificate of \S+ is not trusted"),
    ("does not match", r"(?i)certificate.*does not match (?:host|target|requested)"),
    ("problem with the ssl ca cert", r"(?i)problem with the ssl ca cert"),
    ("ssl module is not available", r"(?i)ssl module is not available"),
)
_BROKEN = (
    ("wrong version number", r"(?i)wrong version number"),
    ("ssl_error_syscall", r"SSL_ERROR_SYSCALL"),
    ("curl: (35)", r"curl: \(35\)"),
    ("tls handshake", r"(?i)tls handshake(?: timeout| error)"),
    ("gnutls_handshake", r"gnutls_handshake\(\) failed"),
)


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    log = failure.log
    if log.find(*_EXPIRED, last=60):
        return _cause(
            "a TLS certificate is out of its time",
            "the server's is old, the base's list of authorities is, or this machine's clock is wrong",
            "look at `date`; take a newer base or update its `ca-certificates`",
        )
    if log.find(*_PROTOCOL, last=60):
        return _cause(
            "server and program share no version of TLS",
            "the base's TLS library is older than what the server still accepts",
            "take a newer base",
        )
    if log.find(*_UNTRUSTED, last=60):
        return _cause(
            "a TLS certificate is not trusted in this stage",
            "the base has no `ca-certificates`, or a proxy stands in between",
            f"{failure.distribution.install('ca-certificates')}; for a proxy: `--ca-bundle FILE`",
        )
    if log.find(*_BROKEN, last=60):
        return _cause(
            "a TLS connection could not be made",
            "the server, or a proxy in between, broke it off",
            "build again; if it stays so, take a newer base or look at HTTPS_PROXY",
        )
    return None


def _cause(what: str, why: str, fix: str) -> Cause:
    return Cause("tls-certificate", what, why, fix)
