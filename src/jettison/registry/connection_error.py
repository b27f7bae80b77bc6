"""What it means to the user that a server cannot be reached.

In:  errors of urllib3 and of sockets.
Out: ``RegistryUnavailableError``: who, why, and what to do about it.
"""

from __future__ import annotations

from jettison.errors import RegistryUnavailableError
from jettison.oci.url import Url
from jettison.registry.sockets import CONNECT_SECONDS

FINAL = -1
"""Status of an error that a further attempt cannot change; never leaves ``transport``."""


def unreachable(url: Url, error: Exception, read_seconds: float) -> RegistryUnavailableError:
    """Return the error for a request that got no answer; its status is ``FINAL`` or 0.

    Args:
        url: Who was asked.
        error: What came instead.
        read_seconds: How long bytes were waited for.
    """
    from urllib3 import exceptions  # loaded already

    host = url.authority
    final = False
    hint = "check the network and the name of the registry"
    cause: BaseException = error
    if isinstance(error, exceptions.ProxyError):
        reason, hint = "the proxy refuses or is not there", "check HTTPS_PROXY and NO_PROXY"
    elif isinstance(error, exceptions.NameResolutionError):
        reason, final = "its name does not resolve", True
    elif isinstance(error, exceptions.NewConnectionError):
        cause = error.__cause__ or error
        reason = (cause.strerror or "") if isinstance(cause, OSError) else ""
        reason = reason.lower() or "no connection"
    elif isinstance(error, exceptions.ConnectTimeoutError):
        reason, final = f"no connection within {CONNECT_SECONDS:.0f} seconds", True
    elif isinstance(error, exceptions.ReadTimeoutError):
        reason = f"no answer within {read_seconds:.0f} seconds"
    elif isinstance(error, exceptions.SSLError) or "CERTIFICATE" in str(error):
        said = _tls_reason(error)
        reason, final = f"TLS fails: {said}", "EOF" not in said
        directory = f"/etc/docker/certs.d/{host}"
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            hint = (
                f"put its authority into `{directory}/ca.crt`, name it in SSL_CERT_FILE, or list"
                " the registry in `insecure_registries`"
            )
        else:
            hint = (
                "if it wants a certificate of its clients, put `client.cert` and `client.key` into"
                f" `{directory}`"
            )
    else:
        reason = "the connection broke"
    return RegistryUnavailableError(
        f"cannot reach `{host}`: {reason}", hint=hint, status=FINAL if final else 0
    )


def _tls_reason(error: BaseException) -> str:
    inner = error.args[0] if error.args and isinstance(error.args[0], Exception) else error
    text = str(getattr(inner, "verify_message", "") or getattr(inner, "reason", "") or error)
    return "".join(c for c in text if c.isprintable())[:160]
