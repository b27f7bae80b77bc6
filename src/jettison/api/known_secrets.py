"""What a build knows to be secret: all values that were given to it for steps or servers.

In:  a session after a build, its request.
Out: ``KnownSecrets``.

They are secrets of ``--secret``, key files of ``--ssh``, passwords of proxies and of URLs in flags
and in the Dockerfile, credentials of registries that were asked or will get the image, those of
build caches elsewhere, and build arguments whose name says that they are secret.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from jettison.analysis.secrets.known import KnownSecrets
from jettison.api.execution import is_unset, passwords_in, secret_value
from jettison.api.request import BuildRequest
from jettison.api.session import Session
from jettison.container.ca import proxies
from jettison.errors import JettisonError
from jettison.oci.redact import passwords
from jettison.oci.reference import parse_reference
from jettison.plan.graph import Plan
from jettison.plan.op import GitOp, HttpOp
from jettison.remote.place import GHA, S3

_KEY_BYTES = 64 << 10
_CACHE_VARIABLES = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "ACTIONS_RUNTIME_TOKEN")


def known_secrets(session: Session, request: BuildRequest, plan: Plan) -> KnownSecrets:
    """Return what must not be in an image.

    Args:
        session: That built.
        request: What it was asked.
        plan: What it did.

    Raises:
        UsageError: a secret cannot be read any more.
    """
    return KnownSecrets(
        {
            **dict(_given(session, request)),
            **dict(_of_variables(session, request)),
            **dict(_of_urls(request, plan)),
            **dict(_of_registries(session, request)),
            **dict(_of_caches(session, request)),
        }
    )


def _given(session: Session, request: BuildRequest) -> Iterator[tuple[str, bytes]]:
    """Yield secrets and SSH keys; an agent tells none."""
    for each in request.secrets:
        if not is_unset(each, session.environ):
            yield f"secret `{each.id}`", secret_value(session, each)
    for text in request.ssh:
        name, _, places = text.partition("=")
        for number, path in enumerate(map(Path, filter(None, places.split(",")))):
            if path.is_file():
                with path.open("rb") as file:
                    yield f"SSH key `{name or 'default'}`{_nth(number)}", file.read(_KEY_BYTES)


def _of_variables(session: Session, request: BuildRequest) -> Iterator[tuple[str, bytes]]:
    """Yield passwords in variables, and build arguments that are called secret."""
    variables = {**proxies(session.environ), **request.build_args}
    for name, value in passwords_in(map("=".join, variables.items())).items():
        yield f"password of `{name.partition(' ')[0]}`", value
    if request.build_args:
        from jettison.analysis.secrets.names import is_secret_name, may_be_secret

        for name, argument in request.build_args.items():
            if is_secret_name(name) and may_be_secret(argument):
                yield f"build argument `{name}`", argument.encode()


def _of_registries(session: Session, request: BuildRequest) -> Iterator[tuple[str, bytes]]:
    """Yield credentials of registries that were asked, and of those that will get the image."""
    for tag in request.tags if request.push else ():
        with suppress(JettisonError):  # the push will tell
            session.registry().credentials(parse_reference(tag).registry)
    used = session.registry().used if session.has_registry else {}
    for registry, credentials in used.items():
        yield f"password of `{registry}`", credentials.password.encode()
        yield f"identity token of `{registry}`", credentials.identity_token.encode()
        yield f"token of `{registry}`", credentials.registry_token.encode()


def _of_caches(session: Session, request: BuildRequest) -> Iterator[tuple[str, bytes]]:
    """Yield what caches elsewhere are read and written with; names of keys are no secrets."""
    places = [*(each.at for each in request.cache_from), *(each.at for each in request.cache_to)]
    for place in places:
        for name, value in place.secrets.values:
            if name != "access_key_id":
                yield f"`{name}` of a {place.kind} cache", value.encode()
    for name in _CACHE_VARIABLES if any(each.kind in {S3, GHA} for each in places) else ():
        if value := session.environ.get(name, ""):
            yield f"variable `{name}`", value.encode()


def _of_urls(request: BuildRequest, plan: Plan) -> Iterator[tuple[str, bytes]]:
    """Yield passwords of URLs in flags and in the Dockerfile."""
    texts = [request.context, *request.contexts.values()]
    for vertex in plan.vertices:
        match vertex.op:
            case HttpOp(url=text) | GitOp(remote=text):
                texts.append(text)
            case _:
                pass
    found: dict[str, None] = {}
    for text in texts:
        for both in passwords(text) if "@" in text else ():
            found.update(dict.fromkeys(both))
    for number, password in enumerate(found):
        yield f"password of a URL{_nth(number)}", password.encode()


def _nth(number: int) -> str:
    return f" ({number + 1})" if number else ""
