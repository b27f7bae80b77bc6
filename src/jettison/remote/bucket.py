"""Objects in a bucket: read, written if nobody else has meanwhile, listed.

In:  a store of objects (obstore), keys.
Out: bytes; errors that say what the server said, and never what it was asked with.

Concurrency: safe for threads. A write names the version that it replaces, so of two that write at
the same time one learns of the other.
Security: answers are hostile: sizes are bounded before bytes are read, who reads verifies digests.
Texts of the library hold URLs and answers; of them only the status and the code are shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, BinaryIO, NoReturn

import msgspec

from jettison.errors import (
    AuthenticationError,
    RegistryError,
    RegistryUnavailableError,
    SizeMismatchError,
)

if TYPE_CHECKING:
    from types import ModuleType

    from obstore.store import ObjectStore

_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>([A-Za-z0-9.]{1,64})</Code>")
_HEAD = 16 << 10
"""Of a text of the library that is looked at."""
_NO_CREDENTIALS = "there are no credentials"
_REASONS = {
    "169.254.169.254": _NO_CREDENTIALS,  # where machines of Amazon have them, as the last resort
    "dns error": "the name of the server does not resolve",
    "ConnectionRefused": "nobody listens there",
    "certificate": "its certificate is not trusted",
    "imedOut": "it does not answer",
    "imed out": "it does not answer",
}
"""By what a text of the library holds."""
_PART_BYTES = 8 << 20
_PARTS = 4
_TOUCHED = ".touched"


class Found(msgspec.Struct, frozen=True):
    """An object: its bytes, and which version of it they are."""

    data: bytes
    version: str


class Facts(msgspec.Struct, frozen=True):
    """What there is of an object beside its bytes."""

    size: int
    changed: datetime


class Bucket:
    """A bucket; keys are relative to it.

    Args:
        title: What people call it.
        store: Asks it.
        hint: What helps when it refuses.
    """

    def __init__(self, title: str, store: ObjectStore, hint: str) -> None:
        self.title = title
        self._store = store
        self._hint = hint
        self._is_conditional = True

    def read(self, key: str, limit: int) -> Found | None:
        """Return an object; None if there is none.

        Raises:
            SizeMismatchError: it is larger than ``limit`` bytes.
            RegistryError: it cannot be read.
        """
        try:
            result = self._library.get(self._store, key)
            size = result.meta["size"]
            data = bytes(result.bytes()) if size <= limit else None
        except Exception as error:  # noqa: BLE001 - of a library, whose texts may hold anything
            if _is_absent(error):
                return None
            self.fail(error, f"read `{key}`")
        if data is None:
            raise SizeMismatchError(f"`{key}` of {self.title} has {size} bytes, more than {limit}")
        return Found(data, result.meta["e_tag"] or "")

    def facts(self, key: str) -> Facts | None:
        """Return what there is of an object; None if there is none.

        Raises:
            RegistryError: it cannot be asked for.
        """
        try:
            meta = self._library.head(self._store, key)
        except Exception as error:  # noqa: BLE001 - as above
            if _is_absent(error):
                return None
            self.fail(error, f"look for `{key}`")
        return Facts(meta["size"], meta["last_modified"])

    def replace(self, key: str, data: bytes, version: str | None) -> bool:
        """Write an object in place of a version of it; return False if that is not there any more.

        Args:
            key: Of the object.
            data: Its bytes.
            version: That is replaced; None if there was no object, empty if versions are not known.

        Raises:
            RegistryError: it cannot be written.
        """
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        mode: dict[str, object] = {}
        if self._is_conditional and version != "":
            mode = {"mode": "create" if version is None else {"e_tag": version}}
        try:
            self._library.put(self._store, key, data, use_multipart=False, **mode)
        except (AlreadyExistsError, PreconditionError):
            return False
        except Exception as error:  # noqa: BLE001 - as above
            if mode and _status(error) == 501:  # it knows no conditions
                self._is_conditional = False
                return self.replace(key, data, version)
            self.fail(error, f"write `{key}`")
        return True

    def write(self, key: str, data: bytes | BinaryIO) -> None:
        """Write an object, a large one in parts.

        Raises:
            RegistryError: it cannot be written.
        """
        try:
            self._library.put(
                self._store, key, data, chunk_size=_PART_BYTES, max_concurrency=_PARTS
            )
        except Exception as error:  # noqa: BLE001 - as above
            self.fail(error, f"write `{key}`")

    def touch(self, key: str) -> None:
        """Let an object be new, for rules that remove old ones; its bytes stay where they are.

        A server copies no object to itself, so it is copied there and back.

        Raises:
            RegistryError: it cannot be copied.
        """
        try:
            self._library.copy(self._store, key, key + _TOUCHED)
            self._library.copy(self._store, key + _TOUCHED, key)
            self._library.delete(self._store, key + _TOUCHED)
        except Exception as error:  # noqa: BLE001 - as above
            self.fail(error, f"copy `{key}`")

    @contextmanager
    def open(self, key: str, size: int, start: int) -> Iterator[ObjectStream]:
        """Open an object for reading from an offset on, to its end.

        Raises:
            SizeMismatchError: it has another size.
            RegistryError: it is not there, or cannot be read.
        """
        try:
            options = {"range": {"offset": start}} if start else {}
            result = self._library.get(self._store, key, options=options)
            found = result.meta["size"]
        except Exception as error:  # noqa: BLE001 - as above
            self.fail(error, f"read `{key}`")
        if found != size:
            raise SizeMismatchError(
                f"`{key}` of {self.title} has {found} bytes, not the {size} of its descriptor"
            )
        yield ObjectStream(self, key, iter(result.stream(min_chunk_size=1 << 20)))

    def read_range(self, key: str, start: int, length: int) -> bytes:
        """Return bytes of an object.

        Raises:
            RegistryError: they cannot be read.
        """
        try:
            return bytes(self._library.get_range(self._store, key, start=start, length=length))
        except Exception as error:  # noqa: BLE001 - as above
            self.fail(error, f"read `{key}`")

    def keys(self, prefix: str, most: int) -> list[str]:
        """Return the keys that begin with a prefix of whole segments, ``most`` of them at most.

        Raises:
            RegistryError: they cannot be listed.
        """
        found: list[str] = []
        try:
            for page in self._library.list(self._store, prefix or None):
                found += [each["path"] for each in page]
                if len(found) >= most:
                    break
        except Exception as error:  # noqa: BLE001 - as above
            self.fail(error, f"list `{prefix}`")
        return found[:most]

    def delete(self, keys: list[str]) -> None:
        """Remove objects; those that are not there are none of its business.

        Raises:
            RegistryError: they cannot be removed.
        """
        try:
            self._library.delete(self._store, keys)
        except FileNotFoundError:
            pass
        except Exception as error:  # noqa: BLE001 - as above
            self.fail(error, "remove objects")

    def fail(self, error: Exception, doing: str) -> NoReturn:
        """Raise what an error of the library means.

        Raises:
            RegistryError: always.
        """
        status, code = _status(error), _code(error)
        said = f"{status} {code}".strip() if status else _reason(error)
        message = f"cannot {doing} in {self.title}: {said}"
        if isinstance(error, FileNotFoundError):
            what = f"{self.title} does not exist" if code == "NoSuchBucket" else message
            raise RegistryError(what, status=404) from None
        if status in {401, 403} or code == "InvalidAccessKeyId" or said == _NO_CREDENTIALS:
            raise AuthenticationError(message, hint=self._hint, status=status) from None
        if status and status not in {408, 429} and status < 500:
            raise RegistryError(message, status=status) from None
        hint = "check the network, `region=` and `endpoint_url=`"
        raise RegistryUnavailableError(message, hint=hint, status=status) from None

    @cached_property
    def _library(self) -> ModuleType:
        import obstore

        return obstore


class ObjectStream:
    """An object being read; for one thread."""

    def __init__(self, bucket: Bucket, key: str, parts: Iterator[object]) -> None:
        self._bucket = bucket
        self._key = key
        self._parts = parts
        self._left = memoryview(b"")

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` next bytes, none at the end.

        Raises:
            RegistryError: the connection broke too often.
        """
        if not self._left:
            try:
                part = next(self._parts, None)
            except Exception as error:  # noqa: BLE001 - as above
                self._bucket.fail(error, f"read `{self._key}`")
            self._left = memoryview(bytes(part) if part is not None else b"")  # type: ignore[call-overload]
        data, self._left = bytes(self._left[:size]), self._left[size:]
        return data


def _is_absent(error: Exception) -> bool:
    return isinstance(error, FileNotFoundError) and _code(error) in {"", "NoSuchKey", "NotFound"}


def _reason(error: Exception) -> str:
    text = str(error)[:_HEAD]
    return next((said for sign, said in _REASONS.items() if sign in text), "the connection broke")


def _status(error: Exception) -> int:
    match = _STATUS.search(str(error)[:_HEAD])
    return int(match[1]) if match else 0


def _code(error: Exception) -> str:
    match = _CODE.search(str(error)[:_HEAD])
    return match[1] if match else ""
