"""The token that says who signs, of an issuer of identities.

In:  ``--identity-token``, ``SIGSTORE_ID_TOKEN``, what the CI system gives, a person at a terminal;
     the first of these that there is.
Out: the library's ``IdentityToken``.

Security: a token is a password for some minutes: it is in no message.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from jettison.attest.keyless.library import reason
from jettison.attest.request import KeylessRequest
from jettison.errors import SourceError, UsageError

if TYPE_CHECKING:
    from sigstore.models import SigningConfig
    from sigstore.oidc import IdentityToken

VARIABLE = "SIGSTORE_ID_TOKEN"
_MAX_TOKEN_BYTES = 64 << 10
_HINT = f"set {VARIABLE}, or use a CI system with identity tokens, such as `id-token: write`"


class TokenSource:
    """Where tokens are had from, each time one is needed: they hold for minutes.

    Args:
        asked: Has the token or its file, and the client that it must be for.
        environ: May have one.
        config: Says where a person can be asked.
        interactive: Whether there is a person.
    """

    def __init__(
        self,
        asked: KeylessRequest,
        environ: Mapping[str, str],
        config: SigningConfig,
        *,
        interactive: bool,
    ) -> None:
        self._asked = asked
        self._environ = environ
        self._config = config
        self._interactive = interactive

    def require(self) -> None:
        """See that there will be one, before hours of building.

        Raises:
            UsageError, SourceError: there is none, or it does not hold.
        """
        if self._given() is None and not self._interactive:
            raise UsageError(
                "there is no identity token to sign with: none is given, and nobody can be asked",
                hint=_HINT,
            )

    def token(self) -> IdentityToken:
        """Return one that holds now; raises as ``require``."""
        found = self._given()
        if found is not None:
            return found
        self.require()
        return self._ask()

    def _given(self) -> IdentityToken | None:
        from sigstore.oidc import IdentityError, IdentityToken, detect_credential

        client = self._asked.client_id
        where = "--identity-token" if self._asked.identity_token else VARIABLE
        text = _text(self._asked.identity_token) or self._environ.get(VARIABLE, "").strip()
        try:
            if not text:
                where = "the CI system"
                text = detect_credential(client) or ""
            return IdentityToken(text, client) if text else None
        except IdentityError as error:
            why = reason(error.__cause__ or error)
            raise UsageError(
                f"the identity token of {where} cannot be used: {why}",
                hint=f"get a fresh one for the audience `{client}`",
            ) from error

    def _ask(self) -> IdentityToken:
        from sigstore.oidc import Issuer

        try:
            url = self._config.get_oidc_url()
            return Issuer(url).identity_token(self._asked.client_id)
        except Exception as error:
            raise UsageError(f"nobody has proved who signs: {reason(error)}", hint=_HINT) from error


def _text(given: str) -> str:
    """Return a token that is given, or that the file has; empty of nothing.

    Raises:
        UsageError: it is neither.
        SourceError: the file cannot be read.
    """
    if not given or given.count(".") == 2 and given.startswith("ey") and "/" not in given:  # noqa: RUF021
        return given
    try:
        with Path(given).open("rb") as file:
            data = file.read(_MAX_TOKEN_BYTES)
    except FileNotFoundError:
        raise UsageError("--identity-token is neither a token nor a file that is there") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no path"
        raise SourceError(f"the file of --identity-token cannot be read: {why}") from None
    return data.decode("utf-8", "replace").strip()
