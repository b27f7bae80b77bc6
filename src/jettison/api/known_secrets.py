"""What a build knows to be secret: all values that were given to it for steps or servers.

In:  a session after a build, its request.
Out: ``KnownSecrets``.

They are secrets of ``--secret``, key files of ``--ssh``, passwords of proxies and of URLs in flags
and in the Dockerfile, credentials of registries that were asked, and build arguments whose name
says that they are secret.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from jettison.analysis.secrets.known import KnownSecrets
from jettison.api.execution import is_unset, passwords_in, secret_value
from jettison.api.request import BuildRequest
from jettison.api.session import Session
from jettison.container.ca import proxies
from jettison.oci.redact import passwords
from jettison.plan.graph import Plan
from jettison.plan.op import GitOp, HttpOp

if TYPE_CHECKING:
    from jettison.registry.credentials import Credentials

_KEY_BYTES = 64 << 10


def known_secrets(session: Session, request: BuildRequest, plan: Plan) -> KnownSecrets:
    """Return what must not be in an image.

    Args:
        session: That built.
        request: What it was asked.
        plan: What it did.

    Raises:
        UsageError: a secret cannot be read any more.
    """
    values: dict[str, bytes] = {}
    for each in request.secrets:
        if not is_unset(each, session.environ):
            values[f"secret `{each.id}`"] = secret_value(session, each)
    for name, key in _ssh_keys(request):
        values[f"SSH key `{name}`"] = key
    variables = {**proxies(session.environ), **request.build_args}
    for name, value in passwords_in(map("=".join, variables.items())).items():
        values[f"password of `{name.partition(' ')[0]}`"] = value
    if request.build_args:
        from jettison.analysis.secrets.names import is_secret_name, may_be_secret

        for name, argument in request.build_args.items():
            if is_secret_name(name) and may_be_secret(argument):
                values[f"build argument `{name}`"] = argument.encode()
    for number, password in enumerate(_of_urls(request, plan)):
        values[f"password of a URL{f' ({number})' if number else ''}"] = password.encode()
    if session.has_registry:
        for registry, credentials in session.registry().used.items():
            for part, text in _of_credentials(credentials):
                values[f"{part} of `{registry}`"] = text.encode()
    return KnownSecrets(values)


def _of_urls(request: BuildRequest, plan: Plan) -> Iterator[str]:
    """Yield passwords of URLs in flags and in the Dockerfile."""
    texts = [request.context, *request.contexts.values()]
    for vertex in plan.vertices:
        match vertex.op:
            case HttpOp(url=text) | GitOp(remote=text):
                texts.append(text)
            case _:
                pass
    for text in dict.fromkeys(texts):
        for plain, written in passwords(text) if "@" in text else ():
            yield from dict.fromkeys((plain, written))


def _of_credentials(credentials: Credentials) -> Iterator[tuple[str, str]]:
    yield "password", credentials.password
    yield "identity token", credentials.identity_token
    yield "token", credentials.registry_token


def _ssh_keys(request: BuildRequest) -> Iterator[tuple[str, bytes]]:
    """Yield the private keys that are given as files; an agent tells none."""
    for text in request.ssh:
        name, _, places = text.partition("=")
        for place in filter(None, places.split(",")):
            path = Path(place)
            if path.is_file():
                with path.open("rb") as file:
                    yield name or "default", file.read(_KEY_BYTES)
