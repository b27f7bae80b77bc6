"""``type=s3``: which bucket, at which server, with which credentials.

In:  a cache place, the environment, the files of ``aws configure``.
Out: a store of objects; a text that says where its blobs are, without credentials.

Source: BuildKit's S3 cache; "Configuration and credential file settings" of the AWS CLI.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

import msgspec

from jettison.errors import UsageError
from jettison.linux.certificates import distribution_bundle
from jettison.oci.url import Url, UrlError
from jettison.remote.place import CachePlace

if TYPE_CHECKING:
    from obstore.store import S3Store

SCHEME = "s3://"
HINT = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; the key must be allowed to list the bucket"
_KEY = re.compile(r"(?!/)(?:[A-Za-z0-9!_.*'()@:+=,~-]++/?+)*+")
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")
_ATTEMPTS = 4
_READ_SECONDS = 60.0
_BACKOFF_SECONDS = 0.2
_RETRY_SECONDS = 120
_MAX_FILE_BYTES = 1 << 20
_BY_ENVIRONMENT = (
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
"""Where one of these is set, the library finds the credentials itself."""
_NAMES = {
    "access_key_id": "aws_access_key_id",
    "secret_access_key": "aws_secret_access_key",
    "session_token": "aws_session_token",
}


class S3Place(msgspec.Struct, frozen=True):
    """A bucket and what is in it.

    Args:
        bucket: Its name.
        region: Where it is.
        endpoint: URL of the server; empty is Amazon's.
        path_style: Whether the bucket is in the path of URLs, not in the name of the host.
        index: Key of the index.
        blobs: What keys of blobs begin with.
        attempts: How often a request is tried.
    """

    bucket: str
    region: str
    endpoint: str = ""
    path_style: bool = False
    index: str = ""
    blobs: str = ""
    attempts: int = _ATTEMPTS

    @property
    def source(self) -> str:
        """Where its blobs are."""
        said = {
            "region": self.region,
            "endpoint_url": self.endpoint,
            "use_path_style": "true" if self.path_style else "",
        }
        query = urlencode({name: value for name, value in said.items() if value})
        return f"{SCHEME}{self.bucket}/{self.blobs}?{query}"

    @property
    def title(self) -> str:
        """What people call it."""
        host = f" of `{Url.parse(self.endpoint).authority}`" if self.endpoint else ""
        return f"bucket `{self.bucket}`{host}"


def s3_place(at: CachePlace, environ: Mapping[str, str]) -> S3Place:
    """Return the bucket that attributes and the environment say.

    Raises:
        UsageError: one is missing, or is none.
    """
    bucket = at.detail("bucket") or environ.get("AWS_BUCKET", "")
    region = at.detail("region") or environ.get("AWS_REGION", "")
    region = (
        region or environ.get("AWS_DEFAULT_REGION", "") or _configured(environ).get("region", "")
    )
    if not bucket:
        raise UsageError("type=s3 needs a bucket", hint="name it with `bucket=` or AWS_BUCKET")
    if not region:
        raise UsageError("type=s3 needs a region", hint="name it with `region=` or AWS_REGION")
    if _BUCKET.fullmatch(bucket) is None:
        raise UsageError(f"`{bucket}` is no name of a bucket")
    prefix = at.detail("prefix")
    index = prefix + at.detail("manifests_prefix", "manifests/") + at.place
    blobs = prefix + at.detail("blobs_prefix", "blobs/")
    for each in (index, blobs):
        segments = each.split("/")
        if _KEY.fullmatch(each) is None or not {".", ".."}.isdisjoint(segments):
            raise UsageError(
                f"`{each}` cannot be a key of a bucket",
                hint="use letters, digits and `-_./`, and no slash at the beginning",
            )
    endpoint = at.detail("endpoint_url") or environ.get("AWS_ENDPOINT_URL_S3", "")
    endpoint = endpoint or environ.get("AWS_ENDPOINT_URL", "")
    attempts = int(at.detail("retry_max_attempts", str(_ATTEMPTS)))
    path_style = bool(at.detail("use_path_style"))
    return S3Place(bucket, region, _checked(endpoint), path_style, index, blobs, min(attempts, 20))


def s3_source(source: str) -> S3Place:
    """Return the bucket that ``S3Place.source`` says."""
    rest, _, query = source.removeprefix(SCHEME).partition("?")
    bucket, _, blobs = rest.partition("/")
    said = dict(parse_qsl(query))
    path_style = bool(said.get("use_path_style"))
    return S3Place(
        bucket, said.get("region", ""), said.get("endpoint_url", ""), path_style, blobs=blobs
    )


def s3_store(place: S3Place, at: CachePlace | None, environ: Mapping[str, str]) -> S3Store:
    """Return what asks a bucket.

    Args:
        place: It.
        at: Has credentials, if some were given.
        environ: Has them otherwise, or says in which files they are.

    Raises:
        UsageError: the library is not installed, or what it is given is of no use.
    """
    try:
        from obstore.store import S3Store
    except ImportError:
        raise UsageError(
            "type=s3 needs the library `obstore`, which is not installed",
            hint="install it: `pip install 'jettison[s3]'`",
        ) from None

    endpoint, path_style = s3_endpoint(place)
    config: dict[str, object] = {"region": place.region, **s3_credentials(at, environ)}
    if endpoint:
        config["endpoint"] = endpoint
    client: dict[str, object] = {
        "allow_http": endpoint.startswith("http://"),
        "connect_timeout": "10s",
        "read_timeout": timedelta(seconds=_READ_SECONDS),
        "timeout": "1 day",  # of a whole body, however large
    }
    bundle = environ.get("AWS_CA_BUNDLE") or environ.get("SSL_CERT_FILE") or distribution_bundle()
    if bundle:
        with suppress(OSError), open(bundle, "rb") as file:
            client["root_certificate"] = file.read()
    try:
        return S3Store(
            place.bucket,
            config=config,  # type: ignore[arg-type]
            virtual_hosted_style_request=not path_style,
            client_options=client,  # type: ignore[arg-type]
            retry_config={
                "backoff": {"init_backoff": timedelta(seconds=_BACKOFF_SECONDS)},
                "max_retries": place.attempts - 1,
                "retry_timeout": timedelta(seconds=_RETRY_SECONDS),
            },
        )
    except Exception:  # noqa: BLE001 - of a library, whose text may hold what it was given
        raise UsageError(f"{place.title} cannot be asked with what is configured") from None


def s3_endpoint(place: S3Place) -> tuple[str, bool]:
    """Return the URL of the server, and whether the bucket is in the path of what it is asked.

    An address has no names below it, and no certificate is for names with dots below Amazon's.

    >>> s3_endpoint(S3Place("b", "r", "https://s3.example:9000"))
    ('https://b.s3.example:9000', False)
    >>> s3_endpoint(S3Place("b", "r", "http://192.0.2.1")), s3_endpoint(S3Place("b.c", "r"))
    (('http://192.0.2.1', True), ('', True))
    """
    if not place.endpoint:
        return "", place.path_style or "." in place.bucket
    url = Url.parse(place.endpoint)
    is_address = url.is_loopback or re.fullmatch(r"[0-9.]+|.*:.*", url.host) is not None
    if place.path_style or is_address:
        return place.endpoint, True
    # The library wants the whole name of the host.
    return place.endpoint.replace("://", f"://{place.bucket}.", 1), False


def s3_credentials(at: CachePlace | None, environ: Mapping[str, str]) -> dict[str, str]:
    """Return credentials by the names of their attributes; none leaves it to the library."""
    if at is not None and at.secrets.get("access_key_id"):
        return dict(at.secrets.values)
    if any(environ.get(name) for name in _BY_ENVIRONMENT):
        pairs = ((name, environ.get(f"AWS_{name.upper()}", "")) for name in _NAMES)
        return {name: value for name, value in pairs if value}
    configured = _configured(environ)
    found = {name: configured.get(key, "") for name, key in _NAMES.items()}
    return {name: value for name, value in found.items() if value}


def _checked(endpoint: str) -> str:
    """Return the URL of a server without a slash at its end.

    Raises:
        UsageError: it is none.
    """
    if not endpoint:
        return ""
    try:
        return str(Url.parse(endpoint)).rstrip("/")
    except UrlError as error:
        raise UsageError(
            f"`endpoint_url` is no URL: {error}", hint="write `https://HOST[:PORT]`"
        ) from None


def _configured(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of a profile in the files of ``aws configure``."""
    import configparser  # only where the environment has none

    profile = environ.get("AWS_PROFILE") or environ.get("AWS_DEFAULT_PROFILE") or "default"
    found: dict[str, str] = {}
    for path in _files(environ):
        parser = configparser.RawConfigParser()
        with suppress(OSError, configparser.Error, UnicodeDecodeError), open(path) as file:
            parser.read_string(file.read(_MAX_FILE_BYTES))
        for section in (f"profile {profile}", profile):
            if parser.has_section(section):
                found.update(parser.items(section))
    return found


def _files(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the files of settings; those of credentials come last, and hold."""
    home = os.path.join(environ.get("HOME", "/"), ".aws")
    yield environ.get("AWS_CONFIG_FILE") or os.path.join(home, "config")
    yield environ.get("AWS_SHARED_CREDENTIALS_FILE") or os.path.join(home, "credentials")
