"""A registry for one image and one moment, on this machine's loopback address.

In:  an image, whose layers are fetched when somebody asks for them.
Out: ``127.0.0.1:PORT/NAME@DIGEST``, which engines of this machine pull from.

An engine that pulls asks for the blobs that it lacks, several at a time. What it has is neither
sent nor, where it was never needed here, fetched.

Source: OCI distribution-spec 1.1, "Pull".
Security: it listens on 127.0.0.1, at a port that the system gives, and answers for one repository
whose name holds 128 random bits: other users of the machine do not know it. Only documents and
layers of the image are given, by digest; nothing can be written.

Concurrency: a thread a connection, all of them ended by ``close``.
"""

from __future__ import annotations

import contextlib
import http.server
import re
import secrets
import socket
import threading
from typing import BinaryIO, Self

import msgspec

from jettison.engine.base import EngineImage, LayerFiles
from jettison.errors import JettisonError
from jettison.events import Progress
from jettison.oci.digest import Digest
from jettison.oci.manifest import Descriptor
from jettison.store.layer import LayerId

HOST = "127.0.0.1"
_CONNECTIONS = 32
_IDLE_SECONDS = 60
_TLS_RECORD = b"\x16"
_BLOCK_BYTES = 4 << 20
_PATH = re.compile(r"/v2/(.+)/(manifests|blobs)/(sha256:[0-9a-f]{64})")
_RANGE = re.compile(r"bytes=([0-9]{1,15})-([0-9]{1,15})?")


class LoopbackRegistry:
    """Serves one image; a context manager.

    Args:
        image: It.
        files: Has its layers.
        report: Called with bytes per blob as they are asked for.
        port: To listen on; 0 is any that is free.

    Raises:
        OSError: nothing can listen there.
    """

    def __init__(
        self, image: EngineImage, files: LayerFiles, report: Progress, port: int = 0
    ) -> None:
        self._files = files
        self._report = report
        self._documents = image.contents.documents
        self._layers = {each[1].digest: each for each in image.contents.layers}
        self._types = {image.root.digest: image.root.media_type}
        self._repository = f"jettison-{secrets.token_hex(16)}"
        self._root = image.root
        self.asked = False
        """Whether somebody knew the name: an engine that did not cannot reach this place."""
        self.failure: JettisonError | None = None
        """Why a layer could not be given."""
        self._server = _Server((HOST, port), self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="loopback", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server.end_connections()

    @property
    def repository(self) -> str:
        """The repository, as part of a reference."""
        return f"{HOST}:{self._server.server_port}/{self._repository}"

    @property
    def reference(self) -> str:
        """What to pull."""
        return f"{self.repository}@{self._root.digest}"

    def type_of(self, digest: Digest) -> str:
        """Return the media type of a manifest, as it says itself."""
        known = self._types.get(digest)
        if known is None:
            known = msgspec.json.decode(self._documents[digest], type=_Typed).media_type
            self._types[digest] = known
        return known

    def is_ours(self, repository: str) -> bool:
        """Tell whether somebody knows the name."""
        known = secrets.compare_digest(repository.encode(), self._repository.encode())
        self.asked = self.asked or known
        return known

    def document(self, digest: Digest) -> bytes | None:
        """Return a manifest, index or config; None of something else."""
        return self._documents.get(digest)

    def layer(self, digest: Digest) -> tuple[LayerId, Descriptor, str] | None:
        """Return a layer of the image; None of something else."""
        return self._layers.get(digest)

    def open(self, layer: tuple[LayerId, Descriptor, str]) -> BinaryIO | None:
        """Open the blob of a layer; None where it cannot be had, which ``failure`` tells."""
        try:
            return self._files.path(layer, self._report).open("rb")
        except JettisonError as error:
            self.failure = self.failure or error
        except OSError:
            pass
        return None

    def sent(self, descriptor: Descriptor, size: int) -> None:
        """Tell how much of a blob was sent."""
        self._report(descriptor.digest, size, descriptor.size)


class _Typed(msgspec.Struct):
    media_type: str = msgspec.field(default="", name="mediaType")


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = _CONNECTIONS

    def __init__(self, place: tuple[str, int], registry: LoopbackRegistry) -> None:
        self.registry = registry
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(place, _Handler)

    def process_request_thread(
        self, request: socket.socket | tuple[bytes, socket.socket], client_address: object
    ) -> None:
        connection = request if isinstance(request, socket.socket) else request[1]
        with self._lock:
            self._open.add(connection)
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                self._open.discard(connection)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: who asked hung up."""

    def end_connections(self) -> None:
        """Wake the threads that wait for further requests."""
        with self._lock:
            for each in self._open:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "jettison"
    sys_version = ""
    timeout = _IDLE_SECONDS  # type: ignore[mutable-override]
    wbufsize = 64 << 10

    def handle_one_request(self) -> None:
        """Handle a request; the greeting of TLS is answered in HTTP, which engines try then."""
        if self.rfile.peek(1)[:1] == _TLS_RECORD:  # type: ignore[attr-defined]
            self.wfile.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
            self.close_connection = True
            return
        super().handle_one_request()

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def log_message(self, *_: object) -> None:
        """Say nothing: it is between us and the engine."""

    @property
    def _registry(self) -> LoopbackRegistry:
        server: object = self.server
        if not isinstance(server, _Server):
            raise TypeError("made by another server")
        return server.registry

    def _answer(self, *, body: bool) -> None:
        registry = self._registry
        path = self.path.partition("?")[0]
        if path in {"/v2", "/v2/"}:
            self._data(b"{}", "application/json", body=body)
            return
        match = _PATH.fullmatch(path)
        if match is None or not registry.is_ours(match[1]):
            self._refuse(404, body=body)
            return
        digest = Digest(match[3])
        data = registry.document(digest)
        if data is not None:
            kind = "application/octet-stream"
            if match[2] == "manifests":
                kind = registry.type_of(digest)
            self._data(data, kind, digest, body=body)
            return
        layer = registry.layer(digest) if match[2] == "blobs" else None
        if layer is None:
            self._refuse(404, body=body)
        else:
            self._layer(layer, body=body)

    def _layer(self, layer: tuple[LayerId, Descriptor, str], *, body: bool) -> None:
        descriptor = layer[1]
        begin, end = 0, descriptor.size - 1
        wanted = self.headers.get("Range")
        if wanted is not None:
            match = _RANGE.fullmatch(wanted)
            begin = int(match[1]) if match else descriptor.size
            end = min(int(match[2]), end) if match and match[2] else end
            if begin > end:
                self._refuse(416, body=body)
                return
        file = self._registry.open(layer) if body else None
        if body and file is None:
            self._refuse(500, body=body)
            return
        self.send_response(200 if wanted is None else 206)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(end - begin + 1))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Docker-Content-Digest", descriptor.digest)
        if wanted is not None:
            self.send_header("Content-Range", f"bytes {begin}-{end}/{descriptor.size}")
        self.end_headers()
        if file is not None:
            with file:
                self._send(file, descriptor, begin, end + 1)

    def _send(self, file: BinaryIO, descriptor: Descriptor, begin: int, end: int) -> None:
        """Send a part of a file, inside the kernel."""
        registry, at = self._registry, begin
        self.wfile.flush()
        while at < end:
            # Not os.sendfile: a socket with a timeout does not wait by itself.
            sent = self.connection.sendfile(file, at, min(end - at, _BLOCK_BYTES))
            if not sent:
                self.close_connection = True
                return
            at += sent
            registry.sent(descriptor, at)

    def _data(self, data: bytes, kind: str, digest: str = "", *, body: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        if digest:
            self.send_header("Docker-Content-Digest", digest)
        self.end_headers()
        if body:
            self.wfile.write(data)

    def _refuse(self, status: int, *, body: bool) -> None:
        self.close_connection = True
        data = b'{"errors":[{"code":"UNKNOWN","message":"not of this image"}]}'
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if body:
            self.wfile.write(data)
