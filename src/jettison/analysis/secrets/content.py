"""Files of one layer that look as if they held a secret, also those that a later layer deletes.

In:  the listing of a layer, what opens its files.
Out: ``SecretFile`` values.

Not looked at are files of tests, examples, documentation and manuals, those that package managers
install (in ``/usr`` but ``/usr/local``, ``node_modules``, ``site-packages``), nor what is
larger than 4 MiB.

Security: files are anybody's: 32 MiB of a layer are read, small files first, and a few hundred
findings are listed.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator

import msgspec

from jettison.analysis.files import Open
from jettison.analysis.secrets.files import find_credentials, may_hold_credentials
from jettison.analysis.secrets.patterns import Found, find_secrets, may_have_secrets
from jettison.fs.listing import Listing

_FILE_BYTES = 4 << 20
_CREDENTIALS_BYTES = 256 << 10
_LAYER_BYTES = 32 << 20
_BATCH_BYTES = 256 << 10
_MOST = 300
_KIND = 0o170000
_SHORTEST = 20
"""No token is in a shorter file."""
_SKIPPED_DIRECTORY = re.compile(
    r"(?i)/(?:tests?|testdata|__tests__|fixtures?|spec|examples?|samples?|demos?|docs?|man)/"
    r"|^/(?:usr/)?(?:s?bin|lib\d*|libexec|share|include|src)/|/usr/local/go/"
    r"|/(?:site|dist)-packages/|/node_modules/|\.(?:dist|egg)-info/|/vendor/bundle/|/gems/"
    r"|/go/pkg/mod/|/\.cargo/registry/|/var/lib/(?:dpkg|apk|rpm|apt)/|/proc/|/sys/"
)
_SKIPPED_NAME = re.compile(
    r"(?i)[._](?:test|spec)\.[a-z]{1,4}$|_test\.go$|/test_[^/]*$"
    r"|\.(?:md|rst|adoc|html?|pot?|mo|map|pyc|svg|png|jpe?g|gif|woff2?|ttf|so(?:\.[\d.]+)?|a)$"
    r"|\.(?:example|sample|template|dist)$"
)
_GENERATED = re.compile(r"/ssh_host_\w+_key$|/ssl-cert-snakeoil\.key$")
"""Keys that packages make when they are installed: everybody who pulls the image has them."""


class SecretFile(msgspec.Struct, frozen=True):
    """Something that looks like a secret, in a file of a layer.

    Args:
        path: Absolute.
        what: ``private key``, ``npm credentials``.
        line: In the file, from 1; 0 for a file that has no lines.
        length: Of the secret, in bytes.
        is_certain: Whether it opens something for everybody who has it.
        by_name: Whether the file's name says that it is for credentials.
    """

    path: str
    what: str
    line: int
    length: int
    is_certain: bool
    by_name: bool


def secret_files(listing: Listing, open_file: Open) -> tuple[SecretFile, ...]:
    """Return what looks like a secret, by path; of one file each kind once.

    Args:
        listing: The entries of the layer.
        open_file: Opens one of them.
    """
    found: list[SecretFile] = []
    left = _LAYER_BYTES
    batch: list[tuple[str, bytes]] = []
    held = 0
    for size, path in sorted(_candidates(listing)):
        left -= size
        if left < 0 or len(found) >= _MOST:
            break
        batch.append((path, _read(open_file, path, size)))
        held += size
        if held >= _BATCH_BYTES:
            found += _in_batch(batch)
            batch, held = [], 0
    found += _in_batch(batch)
    return tuple(sorted(found[:_MOST], key=lambda each: (each.path, each.line, each.what)))


def _in_batch(batch: list[tuple[str, bytes]]) -> Iterator[SecretFile]:
    """Yield what is found in files; most have nothing that counts, in all of them."""
    is_likely = may_have_secrets(b"\n".join([data for _, data in batch]))
    for path, data in batch:
        if may_hold_credentials(path) or (is_likely and may_have_secrets(data)):
            yield from _in_file(path, data)


def _candidates(listing: Listing) -> Iterator[tuple[int, str]]:
    """Yield size and path of each file that is looked at."""
    skipped: dict[str, bool] = {}
    for path, mode, size in zip(listing.paths, listing.modes, listing.sizes, strict=True):
        if mode & _KIND != stat.S_IFREG or not _SHORTEST <= size <= _FILE_BYTES:
            continue
        slash = path.rfind("/")
        directory = path[: slash + 1]
        is_skipped = skipped.get(directory)
        if is_skipped is None:
            is_skipped = skipped[directory] = _SKIPPED_DIRECTORY.search(directory) is not None
        if (is_skipped or _SKIPPED_NAME.search(path, slash)) and not _is_private(path):
            continue
        yield size, path


def _read(open_file: Open, path: str, size: int) -> bytes:
    """Return the bytes of a regular file; nothing if it cannot be read."""
    descriptor = open_file(path)
    if descriptor is None:
        return b""
    try:
        return os.read(descriptor, size)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def _is_private(path: str) -> bool:
    """Tell whether a file is for credentials wherever it is."""
    return may_hold_credentials(path) and "/node_modules/" not in path and "/test" not in path


def _in_file(path: str, data: bytes) -> list[SecretFile]:
    by_name = []
    if may_hold_credentials(path):
        by_name = list(find_credentials(path, data[:_CREDENTIALS_BYTES]))
    if by_name:
        return [_secret_file(path, data, each, by_name=True) for each in by_name]
    kinds: dict[str, Found] = {}
    for each in find_secrets(data):
        kinds.setdefault(each.what, each)
    if "AWS secret access key" in kinds:
        kinds.pop("AWS access key ID", None)
    is_key_file = re.search(r"/id_(?:rsa|dsa|ecdsa|ed25519)$", path) is not None
    return [_secret_file(path, data, each, by_name=is_key_file) for each in kinds.values()]


def _secret_file(path: str, data: bytes, found: Found, *, by_name: bool) -> SecretFile:
    line = 0 if b"\0" in data[:1024] else data.count(b"\n", 0, found.begin) + 1
    is_certain = found.is_certain and not _GENERATED.search(path)
    length = found.end - found.begin
    return SecretFile(path, found.what, line, length, is_certain, by_name)
