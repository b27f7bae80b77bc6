"""A stand-in for the cache service of GitHub Actions, version 2, and for Azure's blob storage.

Written from the public description: ``actions/toolkit`` (packages/cache), the clients of BuildKit,
and Azure's documentation of block blobs. It is as strict as these are: tokens, branches, immutable
keys, block lists, digests of parts, sizes, and signed URLs that end.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.server
import json
import re
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Self

import msgspec

from server_rig import serving

MAIN = "refs/heads/main"
_SERVICE = "/twirp/github.actions.results.api.v1.CacheService/"
READS, WRITES = 1, 2
_URL_SECONDS = 600
_MAX_PUT = 16 << 20
"""Of one part; a client must send more in blocks."""


class Kept(msgspec.Struct):
    """A key of a branch, reserved or whole."""

    id: int
    key: str
    version: str
    branch: str
    data: bytes | None = None
    size: int = -1
    """What was sent; -1 until it is finished."""
    blocks: dict[str, bytes] = {}


class ActionsServer:
    """The service; a context manager."""

    def __init__(self) -> None:
        self.kept: list[Kept] = []
        self.seen: list[str] = []
        """Requests: methods of the service, and verbs of blobs."""
        self.sent_bytes = 0
        self.url_seconds: float = _URL_SECONDS
        self._tokens: dict[str, list[dict[str, object]]] = {}
        self._secret = b"of the storage"
        self._lock = threading.Lock()
        self._running = ExitStack()
        self.host = ""
        """Once it runs."""

    def __enter__(self) -> Self:
        self.host = self._running.enter_context(serving(self._serve))
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    @property
    def url(self) -> str:
        return f"http://{self.host}/"

    def token(self, *scopes: tuple[str, int]) -> str:
        """Return the token of a job: branches, and what it may do with their caches."""
        access = [{"Scope": name, "Permission": allowed} for name, allowed in scopes]
        now = int(time.time())
        claims = {
            "ac": json.dumps(access),
            "nbf": now - 60,
            "exp": now + 6 * 3600,
            "n": len(self._tokens),
        }
        parts = ({"alg": "none", "typ": "JWT"}, claims)
        token = ".".join(
            base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=").decode()
            for each in parts
        )
        self._tokens[token + ".s3cret"] = access
        return token + ".s3cret"

    def environ(self, *scopes: tuple[str, int], url: str = "") -> dict[str, str]:
        """Return the variables of a job."""
        return {
            "ACTIONS_RESULTS_URL": url or self.url,
            "ACTIONS_RUNTIME_TOKEN": self.token(*(scopes or ((MAIN, READS | WRITES),))),
            "ACTIONS_CACHE_SERVICE_V2": "True",
        }

    def keys(self, beginning: str = "") -> list[str]:
        """Return the keys that can be found."""
        return [each.key for each in self.kept if each.size >= 0 and each.key.startswith(beginning)]

    def _serve(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        path, _, query = handler.path.partition("?")
        with self._lock:
            if path.startswith(_SERVICE):
                method = path.removeprefix(_SERVICE)
                self.seen.append(method)
                status, answer = self._ask(handler, method, body)
                return _answer(handler, status, json.dumps(answer).encode())
            self.seen.append(f"{handler.command} blob")
            return self._blob(handler, path, dict(urllib.parse.parse_qsl(query)), body)

    def _ask(
        self, handler: http.server.BaseHTTPRequestHandler, method: str, body: bytes
    ) -> tuple[int, dict[str, object]]:
        access = self._tokens.get(handler.headers.get("Authorization", "").removeprefix("Bearer "))
        if access is None:
            return 401, {"code": "unauthenticated", "msg": "the token is none"}
        if handler.headers.get("Content-Type") != "application/json":
            return 404, {"code": "bad_route", "msg": "unexpected Content-Type"}
        asked = json.loads(body)
        if not asked.get("key") or len(asked["key"]) > 512 or "," in asked["key"]:
            return 400, {"code": "invalid_argument", "msg": "the key is none"}
        if not re.fullmatch(r"[0-9a-f]{64}", asked.get("version", "")):
            return 400, {"code": "invalid_argument", "msg": "the version is none"}
        base = f"http://{handler.headers['Host']}"
        if method == "GetCacheEntryDownloadURL":
            return 200, self._look(asked, access, base)
        own = next(
            (str(each["Scope"]) for each in access if int(str(each["Permission"])) & WRITES), None
        )
        if own is None:
            return 403, {"code": "permission_denied", "msg": "the token may not write"}
        if method == "CreateCacheEntry":
            if self._find(asked, own) is not None:
                return 409, {"code": "already_exists", "msg": "the key is taken"}
            made = Kept(len(self.kept) + 1, asked["key"], asked["version"], own)
            self.kept.append(made)
            return 200, {"ok": True, "signed_upload_url": self._sign(base, made, "w")}
        if method != "FinalizeCacheEntryUpload":
            return 404, {"code": "bad_route", "msg": "there is no such method"}
        found = self._find(asked, own)
        if found is None or found.size >= 0:
            return 404, {"code": "not_found", "msg": "nothing is being written under that key"}
        if found.data is None or len(found.data) != int(asked["size_bytes"]):
            return 400, {"code": "invalid_argument", "msg": "the size is not what was sent"}
        found.size = len(found.data)
        return 200, {"ok": True, "entry_id": str(found.id)}

    def _find(self, asked: dict[str, str], branch: str) -> Kept | None:
        wanted = (asked["key"], asked["version"], branch)
        return next(
            (each for each in self.kept if (each.key, each.version, each.branch) == wanted), None
        )

    def _look(
        self, asked: dict[str, str], access: list[dict[str, object]], base: str
    ) -> dict[str, object]:
        for scope in access:
            if not int(str(scope["Permission"])) & READS:
                continue
            for each in self._matching(asked, str(scope["Scope"])):
                url = self._sign(base, each, "r")
                return {"ok": True, "signed_download_url": url, "matched_key": each.key}
        return {"ok": False, "signed_download_url": "", "matched_key": ""}

    def _matching(self, asked: dict[str, str], branch: str) -> Iterator[Kept]:
        there = [
            each
            for each in reversed(self.kept)
            if (each.branch, each.version) == (branch, asked["version"]) and each.size >= 0
        ]
        yield from (each for each in there if each.key == asked["key"])
        for beginning in (asked["key"], *asked.get("restore_keys", ())):
            yield from (each for each in there if each.key.startswith(beginning))

    def _sign(self, base: str, kept: Kept, allowed: str) -> str:
        said = f"{kept.id}&{allowed}&{time.time() + self.url_seconds:.3f}"
        signature = hmac.new(self._secret, said.encode(), "sha256").hexdigest()
        query = urllib.parse.urlencode({"sp": allowed, "se": said.split("&")[2], "sig": signature})
        return f"{base}/blobs/{kept.id}?{query}"

    def _blob(
        self,
        handler: http.server.BaseHTTPRequestHandler,
        path: str,
        query: dict[str, str],
        body: bytes,
    ) -> None:
        number = path.removeprefix("/blobs/")
        said = f"{number}&{query.get('sp')}&{query.get('se')}"
        right = hmac.new(self._secret, said.encode(), "sha256").hexdigest()
        wanted = {"GET": "r", "PUT": "w"}.get(handler.command)
        ended = float(query.get("se", "0")) < time.time()
        if query.get("sig") != right or query.get("sp") != wanted or ended:
            return _answer(handler, 403, b"<Error><Code>AuthenticationFailed</Code></Error>")
        if handler.headers.get("Authorization"):
            return _answer(handler, 400, b"<Error><Code>InvalidAuthenticationInfo</Code></Error>")
        kept = self.kept[int(number) - 1]
        if handler.command == "PUT":
            return self._put(handler, kept, query, body)
        data = kept.data or b""
        start, end = 0, len(data)
        given = re.fullmatch(r"bytes=(\d+)-(\d*)", handler.headers.get("Range", ""))
        if given is None:
            return _answer(handler, 200, data)
        start, end = int(given[1]), int(given[2] or len(data) - 1) + 1
        if start >= len(data):
            return _answer(handler, 416, b"<Error><Code>InvalidRange</Code></Error>")
        part = data[start:end]
        said = f"bytes {start}-{start + len(part) - 1}/{len(data)}"
        return _answer(handler, 206, part, {"Content-Range": said})

    def _put(
        self,
        handler: http.server.BaseHTTPRequestHandler,
        kept: Kept,
        query: dict[str, str],
        body: bytes,
    ) -> None:
        self.sent_bytes += len(body)
        digest = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
        if handler.headers.get("Content-MD5", digest) != digest:
            return _answer(handler, 400, b"<Error><Code>Md5Mismatch</Code></Error>")
        if len(body) > _MAX_PUT:
            return _answer(handler, 413, b"<Error><Code>RequestBodyTooLarge</Code></Error>")
        match query.get("comp"):
            case "block":
                kept.blocks[query["blockid"]] = body
            case "blocklist":
                names = re.findall(r"<Latest>([^<]+)</Latest>", body.decode())
                if not set(names) <= kept.blocks.keys():
                    return _answer(handler, 400, b"<Error><Code>InvalidBlockList</Code></Error>")
                kept.data = b"".join(kept.blocks[each] for each in names)
            case _ if handler.headers.get("x-ms-blob-type") != "BlockBlob":
                return _answer(handler, 400, b"<Error><Code>MissingRequiredHeader</Code></Error>")
            case _:
                kept.data = body
        return _answer(handler, 201, b"")


def _answer(
    handler: http.server.BaseHTTPRequestHandler,
    status: int,
    data: bytes,
    headers: dict[str, str] | None = None,
) -> None:
    handler.send_response(status)
    for name, value in {**(headers or {}), "Content-Length": str(len(data))}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(data)
